// @ts-check
/**
 * Makes incomplete text look as it most likely will when it is complete, so that nothing flickers: open marks are
 * closed, and marks that may become something else are left out. Pure. The rule: this changes only the open block,
 * as it is shown meanwhile. A complete block is shown as it was written.
 */

/** A last line that is only a mark: of a list, a heading, a quote, a rule, a fence or a table. */
const LINE = /^[ \t]*(?:>[ \t]*)*(?:[-*+]|\d{1,9}[.)]?|#{1,6}|[-=*_ ]+|(?:`{3}|~{3})[^\n`]*|\|?[-:| ]+)?[ \t]*$/;
/** A link or image whose address is not complete, or may follow. */
const LINK = /!?\[(?!\^)([^[\]\n]*)(?:\]\([^)\n]*|\])$|!?\[(?!\^)([^[\]\n]*)$/;
const MARK = /(?:[*_~`$\\]+|<[^>\s]{0,20})$/;
const FENCE = /^[ \t>*+\-\d.)]*(?:```|~~~)/gm;
/** Only so many characters at the end are examined. */
const FAR = 1000;

/**
 * What extras.js adds: text that waits for what follows, formulas that are open, and the last tag that is open.
 * @type {{hold?: (text: string) => string, isFormula?: (text: string) => boolean, openTag?: (line: string) => {name: string, begin: number, end: number} | undefined}}
 */
export const more = {};

/** The text as it should be shown now. @param {string} text */
export function asIfComplete(text) {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1);
  if ((lines.match(FENCE)?.length ?? 0) % 2) return holdBackLine(text, /^[ \t]*(?:`+|~+)$/);
  const whole = holdBackLine(more.hold?.(text) ?? text, LINE);
  const from = Math.max(whole.lastIndexOf("\n\n") + 1, whole.length - FAR);
  if (more.isFormula?.(whole.slice(from))) return whole;
  const last = whole.slice(from).replace(LINK, (_, label = "", open = "") => label || open).replace(MARK, "");
  const marks = closers(last.slice(last.lastIndexOf("\n") + 1));
  return whole.slice(0, from) + (marks ? last.trimEnd() + marks : last);
}

/** The text without its last line, if that matches `kind`. @param {string} text @param {RegExp} kind */
export function holdBackLine(text, kind) {
  const from = text.lastIndexOf("\n") + 1;
  return text.length - from < 80 && kind.test(text.slice(from)) ? text.slice(0, from) : text;
}

/** The marks and tags that close a line's open marks and tags. @param {string} line @returns {string} */
function closers(line) {
  const plain = line.replace(/\\./g, "").replace(/(`+)[^`]+\1/g, "");
  const tick = /`+/.exec(plain);
  if (tick) return tick[0];
  const tag = more.openTag?.(plain);
  if (tag) return `${closers(plain.slice(tag.end))}</${tag.name}>${closers(plain.slice(0, tag.begin))}`;
  const prose = plain.replace(/^\s*[*+-]\s/, "").replace(/\*\*[^*\s][^*]*\*\*|\*[^*\s][^*]*\*|~~[^~]+~~/g, "");
  return (prose.match(/(?<![\w*])\*{1,3}(?=[^\s*])|~~(?=\S)/g) ?? []).reverse().join("");
}
