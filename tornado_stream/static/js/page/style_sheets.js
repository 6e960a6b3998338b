// @ts-check
/**
 * Loads style sheets that a first visit does not need, each of them once. The rule: what a page looks like does not depend
 * on the order in which its parts were opened.
 */
/** @type {Map<string, { link: HTMLLinkElement, loaded: Promise<void> }>} */
const sheets = new Map();
/** What these define, the others may change: they stand before them, in this order. */
const GENERAL = ["menus", "panel"];

/** @param {string} name */
const placeOf = (name) => GENERAL.indexOf(name) + 1 || GENERAL.length + 1;

/** Resolves when the style sheet is in use. Rejects if it could not be loaded; the next call tries again. @param {string} name without `.css` */
export function loadStyleSheet(name) {
  const known = sheets.get(name);
  if (known) return known.loaded;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`../../css/${name}.css`, import.meta.url).href;
  const loaded = /** @type {Promise<void>} */ (
    new Promise((done, fail) => {
      link.onload = () => done();
      link.onerror = () => {
        sheets.delete(name);
        link.remove();
        fail(new Error(`${name}.css was not loaded`));
      };
    })
  );
  const later = [...sheets].filter(([other]) => placeOf(other) > placeOf(name));
  const next = later.sort(([one], [other]) => placeOf(one) - placeOf(other))[0]?.[1].link;
  sheets.set(name, { link, loaded });
  if (next) next.before(link);
  else document.head.append(link);
  return loaded;
}
