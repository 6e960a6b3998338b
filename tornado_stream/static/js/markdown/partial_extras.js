// @ts-check
/** What extras.js adds to partial.js. Pure. */
import { holdBackLine, more } from "./partial.js";
import { TAGS } from "./tags.js";

/** The beginning of a LaTeX environment. */
const ENVIRONMENT = /^ {0,3}\\begin(?:\{[a-zA-Z]*\*?\}?)?[ \t]*$/;
/** A footnote whose label is not complete, or that may become a definition. */
const NOTE = /\[\^[^[\]\s]{0,100}$|(?<![^\n]) {0,3}\[\^[^[\]\s]{0,100}\]:?[ \t]*$/;
/** The beginning of a block formula, and not its end. */
const FORMULA = /(?:^|\n) {0,3}(?:\$\$|\\\[|\\begin\{)(?![^]*(?:\$\$|\\\]|\\end\{))/;
/** A line that may become the first one of an alert. */
const ALERT = /^(?:[ \t]*>)+[ \t]*\[(?:!(?:[a-z]{0,9}\]?)?)?[ \t]*$/i;
/** The beginning of `<details>`, before the text of its summary. */
const DETAILS = /(^|\n) {0,3}<details(?:\s+open)?>\s*(?:<(?:s[a-z]{0,6}>?\s*)?)?$/i;

more.hold = (text) => holdBackLine(holdBackLine(text, ENVIRONMENT), ALERT).replace(DETAILS, "$1").replace(NOTE, "");
more.isFormula = (text) => FORMULA.test(text);
more.openTag = openTag;

/** The last tag whose element has no end. @param {string} line */
function openTag(line) {
  const open = [];
  for (const { 0: { length }, 1: slash, 2: name, index } of line.matchAll(TAGS)) {
    if (!slash) open.push({ name, begin: index, end: index + length });
    else if (open.at(-1)?.name === name) open.pop();
  }
  return open.at(-1);
}
