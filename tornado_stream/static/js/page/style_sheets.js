// @ts-check
/** A style sheet that only some need, loaded once, when they do. */
/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** Resolves when it applies. @param {string} name */
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
