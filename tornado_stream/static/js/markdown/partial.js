// @ts-check
/**
 * Makes text that is not complete yet look as it most likely will, so that nothing flickers: marks
 * that are open are closed, and those that may become something else are held back. Pure, and only
 * for what is shown meanwhile: a block that is complete is never mended.
 */

/** A last line that is all mark: of a list, a heading, a quote, a rule, a fence, a table. */
const LINE = /^[ \t]*(?:>[ \t]*)*(?:[-*+]|\d{1,9}[.)]?|#{1,6}|[-=*_ ]+|(?:`{3}|~{3})[^\n`]*|\|?[-:| ]+)?[ \t]*$/;
/** A link or image whose address is being written, or may be. */
const LINK = /!?\[([^[\]\n]*)(?:\]\([^)\n]*|\])$|!?\[([^[\]\n]*)$/;
const MARK = /(?:[*_~`$\\]+|<[^>\s]{0,20})$/;
const FENCE = /^[ \t>*+\-\d.)]*(?:```|~~~)/gm;
/** Only this many of the last characters are looked at. */
const FAR = 1000;

/** @param {string} text */
export function asIfComplete(text) {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1);
  if ((lines.match(FENCE)?.length ?? 0) % 2) return holdBackLine(text, /^[ \t]*(?:`+|~+)$/);
  const whole = holdBackLine(text, LINE);
  const from = Math.max(whole.lastIndexOf("\n\n") + 1, whole.length - FAR);
  const last = whole.slice(from).replace(LINK, (_, label = "", open = "") => label || open).replace(MARK, "");
  const marks = closers(last.slice(last.lastIndexOf("\n") + 1));
  return whole.slice(0, from) + (marks ? last.trimEnd() + marks : last);
}

/** Hold a last line back that is `kind`. @param {string} text @param {RegExp} kind */
function holdBackLine(text, kind) {
  const from = text.lastIndexOf("\n") + 1;
  return text.length - from < 80 && kind.test(text.slice(from)) ? text.slice(0, from) : text;
}

/** What closes the marks that a line has left open. @param {string} line */
function closers(line) {
  const plain = line.replace(/\\./g, "").replace(/(`+)[^`]+\1/g, "");
  const tick = /`+/.exec(plain);
  if (tick) return tick[0];
  const prose = plain.replace(/^\s*[*+-]\s/, "").replace(/\*\*[^*\s][^*]*\*\*|\*[^*\s][^*]*\*|~~[^~]+~~/g, "");
  return (prose.match(/(?<![\w*])\*{1,3}(?=[^\s*])|~~(?=\S)/g) ?? []).reverse().join("");
}
