// @ts-check
/** Loads style sheets that a first visit does not need, each of them once. */
/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** Resolves when the style sheet is in use. Rejects if it could not be loaded; the next call tries again. @param {string} name without `.css` */
export function loadStyleSheet(name) {
  const known = sheets.get(name);
  if (known) return known;
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
  sheets.set(name, loaded);
  document.head.append(link);
  return loaded;
}
