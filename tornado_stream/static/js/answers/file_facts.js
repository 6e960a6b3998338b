// @ts-check
/** What is said of a file in one line. Pure. */
import { inRow, language, t } from "../page/words.js";

/** Units of sizes, from which number of bytes on. @type {[number, string][]} */
const UNITS = [
  [1e6, "megabyte"],
  [1e3, "kilobyte"],
  [0, "byte"],
];

/** A number of bytes as people write it. @param {number} bytes */
export function sizeOf(bytes) {
  const [from, unit] = /** @type {[number, string]} */ (UNITS.find(([least]) => bytes >= least));
  const value = from ? bytes / from : bytes;
  const unitDisplay = from ? "short" : "long"; // the short form is "25 byte"
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** Size, pages and about how many tokens a file has. @param {import("./answer.js").AttachedFile} file */
export function aboutFile({ size, pages, tokens, shortened, pages_read: read }) {
  const whole = pages ? t("files.pages", { n: pages }) : "";
  const cut = !shortened ? whole : read ? t("files.firstPages", { n: read }) : t("files.beginning");
  return inRow([sizeOf(size ?? 0), cut, tokens ? t("files.tokens", { n: tokens }) : ""]);
}
