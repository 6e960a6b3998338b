// @ts-check
/**
 * What the page says, in the reader's language. The server has picked it (`<html lang>`); its
 * strings are all in `lang/{language}.js`, which holds data and nothing else.
 */

/** A BCP 47 tag, for `Intl` too. */
export const language = globalThis.document?.documentElement.lang || "en";

/** @type {Record<string, any>} */
const strings = (await import(`../../lang/${language}.js`)).default;
const plural = new Intl.PluralRules(language);

/**
 * A sentence. Of a plural the form is chosen by `n`; numbers are written as the language does.
 * @param {string} key `section.name` @param {Record<string, string | number>} [values] what its `{placeholders}` stand for
 */
export function t(key, values = {}) {
  const found = key.split(".").reduce((level, name) => level?.[name], strings);
  const text = typeof found === "object" ? (found[plural.select(Number(values.n))] ?? found.other) : found;
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => shown(values[name]));
}

/** @param {string | number | undefined} value */
const shown = (value) => (typeof value === "number" ? value.toLocaleString(language) : (value ?? ""));

/** A length of time: with one decimal below ten seconds. @param {number} ms */
export const seconds = (ms) => t("seconds", { n: Number((ms / 1000).toFixed(ms < 10_000 ? 1 : 0)) });
