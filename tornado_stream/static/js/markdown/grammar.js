// @ts-check
/**
 * The grammar: CommonMark and GFM as marked parses them, and formulas. Pure: text in, tokens out. The rule: the
 * cost of a text is proportional to its length. Nesting and inline markup are limited for this.
 *
 * @typedef {Record<string, {href: string, title: string}>} Links the link definitions that are known
 */
import { Lexer, Marked } from "../../vendor/marked-18.2.1/marked.esm.js";

/** The deepest nesting of quotes, lists and emphasis. What is deeper stays text. */
const DEPTH = 24;

/** A paragraph of more characters has no inline markup, nor has one with a long run of equal marks: marked's cost can be quadratic there. */
const LONGEST = 20_000;
const LONGEST_RUN = /([*_~])\1{400}/;

/** A formula that is a block: to its end mark, or to the end of the text. It contains no blank line. */
const BLOCK = /^ {0,3}(?:\$\$((?:(?!\n[ \t]*\n|\$\$)[^])*)(\$\$[ \t]*(?:\n+|$)|$)|\\\[((?:(?!\n[ \t]*\n|\\\])[^])*)(\\\][ \t]*(?:\n+|$)|$))/;
const BLOCK_START = /\n {0,3}(?:\$\$|\\\[)/;

/** A formula in a line. `$x$` follows Pandoc's rule, so that "$5 and $10" are prices. */
const INLINE = /^(?:\$\$(?!\s*\$)((?:[^$\\]|\\.)+)\$\$|\$(?!\d[\d.,]*\s+[^$\s\d]{2,}\s)((?!\s)(?:[^$\\\n]|\\.)*(?:[^$\\\s]|\\.))\$(?!\w)|\\\((.{1,1000}?)\\\))/s;

/** @param {string} src */
function blockMath(src) {
  const found = BLOCK.exec(src);
  const tex = found?.[1] ?? found?.[3] ?? "";
  if (!found) return;
  const open = !(found[2] ?? found[4]);
  if (open ? found[0] !== src || !tex.includes("\n") : !tex.trim()) return;
  return { type: "blockMath", raw: found[0], text: tex.trim(), display: true, block: true, open };
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

/** Where a block formula ends a paragraph; -1: nowhere. @param {string} src */
function blockMathStart(src) {
  const at = src.search(BLOCK_START) + 1;
  return at && blockMath(src.slice(at)) ? at : -1;
}

export const { defaults: options } = new Marked({
  extensions: [
    { name: "blockMath", level: "block", start: blockMathStart, tokenizer: blockMath },
    { name: "inlineMath", level: "inline", start: inlineMathStart, tokenizer: inlineMath },
  ],
});

class BoundedLexer extends Lexer {
  #depth = 0;

  /** @param {string} src @param {any[]} [tokens] @param {boolean} [clipped] */
  blockTokens(src, tokens = [], clipped) {
    return this.#bounded(src, tokens, () => super.blockTokens(src, tokens, clipped));
  }

  /** @param {string} src @param {any[]} [tokens] */
  inlineTokens(src, tokens = []) {
    if (!this.#depth) this.state.inLink = false; // otherwise a raw <a> without its end would go on to the end of the text
    return this.#bounded(src, tokens, () => super.inlineTokens(src, tokens), src.length > LONGEST || LONGEST_RUN.test(src));
  }

  /** @param {string} text @param {any[]} tokens @param {() => any[]} lex @param {boolean} [long] */
  #bounded(text, tokens, lex, long = false) {
    if (long || this.#depth > DEPTH) {
      tokens.push(plain("text", text));
      return tokens;
    }
    this.#depth++;
    try {
      return lex();
    } finally {
      this.#depth--;
    }
  }
}

/**
 * The tokens of a text's blocks. The link definitions of the text are added to `links`.
 * @param {string} text @param {Links} links @returns {any[]}
 */
export function lex(text, links) {
  const lexer = new BoundedLexer(options);
  Object.assign(lexer.tokens.links, links);
  try {
    lexer.lex(text);
    Object.assign(links, lexer.tokens.links);
    return [...lexer.tokens];
  } catch {
    return [plain("paragraph", text)]; // marked has thrown an error
  }
}

/** A token of text without markup. @param {string} type @param {string} text */
function plain(type, text) {
  return { type, raw: text, text, tokens: [{ type: "text", raw: text, text }] };
}

/** Whether a block has parts that can be parsed one by one. @param {any} [token] */
export const isDivided = (token) => token?.type === "list" || token?.type === "table";

/** Make the items of a list paragraphs (a "loose" list), because the items before them are. @param {any} list */
export function loosen(list) {
  for (const item of list?.items ?? []) {
    item.loose = true;
    for (const token of item.tokens) if (token.type === "text") token.type = "paragraph";
  }
}
