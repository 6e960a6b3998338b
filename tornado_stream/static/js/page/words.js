// @ts-check
/**
 * The texts of the interface, in the language that the server has chosen (`<html lang>`). All texts of a
 * language are in `lang/{language}.js`, which contains only data; those that only lazily loaded modules need are in
 * `lang/later/{language}.js`, which `withWords` loads.
 */

/** The language as a BCP 47 tag, which `Intl` also takes. */
export const language = globalThis.document?.documentElement.lang || "en";

/** @type {Record<string, any>} */
const strings = (await import(`../../lang/${language}.js`)).default;
const plural = new Intl.PluralRules(language);

/**
 * A text of the interface. `values.n` chooses among plural forms. Numbers are written as is usual in the language.
 * @param {string} key `section.name` @param {Record<string, string | number>} [values] the values of the `{placeholders}`
 */
export function t(key, values = {}) {
  const found = find(key);
  const text = typeof found === "object" ? (found[plural.select(Number(values.n))] ?? found.other) : found;
  if (text === undefined) throw new Error(`the language file has no ${key}`);
  return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => shown(values[name]));
}

/**
 * A module that needs texts of `lang/later/`: `withWords(import(…))`. Rejected if the module or the texts cannot
 * be loaded; another call tries again. @template T @param {Promise<T>} module
 */
export async function withWords(module) {
  const [loaded, { default: later }] = await Promise.all([module, import(`../../lang/later/${language}.js`)]);
  for (const [name, section] of Object.entries(later)) strings[name] = { ...strings[name], ...section };
  return loaded;
}

/** @param {string} key */
const find = (key) => key.split(".").reduce((level, name) => level?.[name], strings);

/** Whether there is a text without plural forms, for keys that are made of what a server sent. @param {string} key */
export const hasWords = (key) => typeof find(key) === "string";

/** @param {string | number | undefined} value */
const shown = (value) => (typeof value === "number" ? value.toLocaleString(language) : isolated(value ?? ""));

/** A text within another one. On a page from right to left, its direction does not change the order of the words around it. @param {string} text */
export const isolated = (text) => (text && globalThis.document?.dir === "rtl" ? `\u2068${text}\u2069` : text);

/** A duration in seconds, with one decimal below ten seconds. @param {number} ms */
export const seconds = (ms) => t("seconds", { n: Number((ms / 1000).toFixed(ms < 10_000 ? 1 : 0)) });
