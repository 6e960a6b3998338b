// @ts-check
/**
 * Makes incomplete text look as it most likely will when it is complete, so that nothing flickers: open marks are
 * closed, and marks that may become something else are left out. Pure. The rule: this changes only the open block,
 * as it is shown meanwhile. A complete block is shown as it was written.
 */

import { TAGS } from "./tags.js";

/** A last line that is only a mark: of a list, a heading, a quote, a rule, a fence, a table or a LaTeX environment. */
const LINE = /^[ \t]*(?:>[ \t]*)*(?:[-*+]|\d{1,9}[.)]?|#{1,6}|[-=*_ ]+|(?:`{3}|~{3})[^\n`]*|\|?[-:| ]+|\\begin(?:\{[a-zA-Z]*\*?\}?)?)?[ \t]*$/;
/** A link or image whose address is not complete, or may follow. */
const LINK = /!?\[(?!\^)([^[\]\n]*)(?:\]\([^)\n]*|\])$|!?\[(?!\^)([^[\]\n]*)$/;
/** A footnote whose label is not complete, or that may become a definition. */
const NOTE = /\[\^[^[\]\s]{0,100}$|(?<![^\n]) {0,3}\[\^[^[\]\s]{0,100}\]:?[ \t]*$/;
const MARK = /(?:[*_~`$\\]+|<[^>\s]{0,20})$/;
const FENCE = /^[ \t>*+\-\d.)]*(?:```|~~~)/gm;
/** The beginning of a block formula, and not its end. */
const FORMULA = /(?:^|\n) {0,3}(?:\$\$|\\\[|\\begin\{)(?![^]*(?:\$\$|\\\]|\\end\{))/;
/** A line that may become the first one of an alert. */
const ALERT = /^(?:[ \t]*>)+[ \t]*\[(?:!(?:[a-z]{0,9}\]?)?)?[ \t]*$/i;
/** The beginning of `<details>`, before the text of its summary. */
const DETAILS = /(^|\n) {0,3}<details(?:\s+open)?>\s*(?:<(?:s[a-z]{0,6}>?\s*)?)?$/i;
/** Only so many characters at the end are examined. */
const FAR = 1000;

/** The text as it should be shown now. @param {string} text */
export function asIfComplete(text) {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1);
  if ((lines.match(FENCE)?.length ?? 0) % 2) return holdBackLine(text, /^[ \t]*(?:`+|~+)$/);
  const whole = holdBackLine(holdBackLine(text, LINE), ALERT).replace(DETAILS, "$1");
  const from = Math.max(whole.lastIndexOf("\n\n") + 1, whole.length - FAR);
  if (FORMULA.test(whole.slice(from))) return whole;
  const last = whole.slice(from).replace(NOTE, "").replace(LINK, (_, label = "", open = "") => label || open).replace(MARK, "");
  const marks = closers(last.slice(last.lastIndexOf("\n") + 1));
  return whole.slice(0, from) + (marks ? last.trimEnd() + marks : last);
}

/** The text without its last line, if that matches `kind`. @param {string} text @param {RegExp} kind */
function holdBackLine(text, kind) {
  const from = text.lastIndexOf("\n") + 1;
  return text.length - from < 80 && kind.test(text.slice(from)) ? text.slice(0, from) : text;
}

/** The marks and tags that close a line's open marks and tags. @param {string} line @returns {string} */
function closers(line) {
  const plain = line.replace(/\\./g, "").replace(/(`+)[^`]+\1/g, "");
  const tick = /`+/.exec(plain);
  if (tick) return tick[0];
  const tag = openTag(plain);
  if (tag) return `${closers(plain.slice(tag.end))}</${tag.name}>${closers(plain.slice(0, tag.begin))}`;
  const prose = plain.replace(/^\s*[*+-]\s/, "").replace(/\*\*[^*\s][^*]*\*\*|\*[^*\s][^*]*\*|~~[^~]+~~/g, "");
  return (prose.match(/(?<![\w*])\*{1,3}(?=[^\s*])|~~(?=\S)/g) ?? []).reverse().join("");
}

/** The last tag whose element has no end. @param {string} line */
function openTag(line) {
  const open = [];
  for (const { 0: { length }, 1: slash, 2: name, index } of line.matchAll(TAGS)) {
    if (!slash) open.push({ name, begin: index, end: index + length });
    else if (open.at(-1)?.name === name) open.pop();
  }
  return open.at(-1);
}
