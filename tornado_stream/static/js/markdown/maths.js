// @ts-check
/**
 * Formulas: which text is one. Pure. The rule: a formula has no blank line and at most MOST characters, so that the search
 * for its end is short.
 */

/** The most characters of a formula that is a block, and of the part of a paragraph in which one can begin. */
const MOST = 5000;

/** A formula that is a block: to its end mark, or to the end of the text. It contains no blank line. */
const BLOCK = /^ {0,3}(?:\$\$((?:(?!\n[ \t]*\n|\$\$)[^])*)(\$\$[ \t]*(?:\n+|$)|$)|\\\[((?:(?!\n[ \t]*\n|\\\])[^])*)(\\\][ \t]*(?:\n+|$)|$))/;
const BLOCK_START = /\n {0,3}(?:\$\$|\\\[|\\begin\{)/;
const BLANK_LINE = /\n[ \t]*\n/;

/** The LaTeX environments that are formulas without other marks, if they begin a line. */
const ENVIRONMENT =
  /^ {0,3}\\begin\{((?:align(?:at|ed|edat)?|(?:d?ar)ray|[dr]?cases|drcases|CD|eqnarray|equation|gather(?:ed)?|multline|[bBpvV]?matrix|smallmatrix|split|subarray)\*?)\}/;

/** A formula in a line. `$x$` follows Pandoc's rule, so that "$5 and $10" are prices. */
const INLINE = /^(?:\$\$(?!\s*\$)((?:[^$\\]|\\.)+)\$\$|\$(?!\d[\d.,]*\s+[^$\s\d]{2,}\s)((?!\s)(?:[^$\\\n]|\\.)*(?:[^$\\\s]|\\.))\$(?!\w)|\\\((.{1,1000}?)\\\))/s;
/** The same, anywhere in a text. */
const INLINE_ANYWHERE = new RegExp(INLINE.source.slice(1), "gs");

/** What must not be the last character of a line before a formula, or the first one of a line after it. */
const OPENING = /[([{（［｛「『【《〈“‘]+$/;
const CLOSING = /^[-,.;:!?)\]}%…，。；：！？、）］｝」』】》〉”’]+/;

/** @this {{lexer: {isFollowed: boolean}}} @param {string} src */
function blockMath(src) {
  const part = src.slice(0, MOST);
  const found = environment(part) ?? marked(part);
  if (!found || (found.open ? found.raw.length < src.length || this.lexer.isFollowed || !found.text.includes("\n") : !found.text.trim())) return;
  return { type: "blockMath", ...found, text: found.text.trim(), display: true, block: true };
}

/** @param {string} src */
function marked(src) {
  const found = BLOCK.exec(src);
  return found && { raw: found[0], text: found[1] ?? found[3], open: !(found[2] ?? found[4]) };
}

/** An environment, with those of the same name in it. @param {string} src */
function environment(src) {
  const [, name] = ENVIRONMENT.exec(src) ?? [];
  if (!name) return;
  let depth = 0;
  const marks = new RegExp(`\\\\(begin|end)\\{${name.replace("*", "\\*")}\\}(?=([.,;]?[ \\t]*(?:\\n+|$))|)|${BLANK_LINE.source}`, "g");
  for (const { 0: mark, 1: kind, 2: rest, index } of src.matchAll(marks)) {
    if (!kind) return;
    depth += kind === "begin" ? 1 : -1;
    if (depth) continue;
    if (rest === undefined) return;
    const end = index + mark.length + rest.length;
    return { raw: src.slice(0, end), text: src.slice(0, end).trim(), open: false };
  }
  return { raw: src, text: src, open: true };
}

/** The paragraph at the beginning of a text, as far as other blocks are searched in it. @param {string} src */
export function paragraph(src) {
  const part = src.slice(0, MOST);
  const blank = part.search(BLANK_LINE);
  return blank < 0 ? part : part.slice(0, blank);
}

/** Where a block formula ends a paragraph; -1: nowhere. @this {{lexer: any}} @param {string} src */
function blockMathStart(src) {
  const at = paragraph(src).search(BLOCK_START) + 1;
  return at && blockMath.call(this, src.slice(at)) ? at : -1;
}

/** @param {string} src */
function inlineMath(src) {
  const found = INLINE.exec(src);
  if (found) return { type: "inlineMath", raw: found[0], text: (found[1] ?? found[2] ?? found[3]).trim(), display: found[1] !== undefined };
}

/** @param {string} src */
function inlineMathStart(src) {
  const [dollar, bracket] = [src.indexOf("$"), src.indexOf("\\(")];
  return dollar < 0 || (bracket >= 0 && bracket < dollar) ? bracket : dollar;
}

/** The text with its formulas replaced by letters, so that no mark in them is emphasis. @param {string} text */
export const withoutMaths = (text) => text.replace(INLINE_ANYWHERE, ({ length }) => `$${"a".repeat(length - 2)}$`);

/** Give each formula the brackets and the punctuation beside it, because a line must not end between them. @param {any[]} tokens */
export function tie(tokens) {
  tokens.forEach((token, index) => {
    if (token.type !== "inlineMath" || token.display) return;
    const [previous, next] = [tokens[index - 1], tokens[index + 1]];
    if (previous?.type === "text") previous.text = previous.text.replace(OPENING, (/** @type {string} */ mark) => ((token.before = mark), ""));
    if (next?.type === "text") next.text = next.text.replace(CLOSING, (/** @type {string} */ mark) => ((token.after = mark), ""));
  });
}

/** The extensions of marked. */
export const maths = [
  { name: "blockMath", level: "block", start: blockMathStart, tokenizer: blockMath },
  { name: "inlineMath", level: "inline", start: inlineMathStart, tokenizer: inlineMath },
];
