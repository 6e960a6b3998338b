// @ts-check
/**
 * The grammar: CommonMark and GFM as marked parses them, and what extras.js adds. Pure: text in, tokens out. The rule: the
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

export const { defaults: options } = new Marked();

export class BoundedLexer extends Lexer {
  depth = 0;
  /** Whether the text is followed by more. */
  followed = false;
  /** See `lex`. @type {Map<string, number> | undefined} */
  numbers;

  /** @param {string} src @param {any[]} [tokens] @param {boolean} [clipped] */
  blockTokens(src, tokens = [], clipped) {
    return this.#bounded(src, tokens, () => super.blockTokens(src, tokens, clipped));
  }

  /** @param {string} src @param {any[]} [tokens] */
  inlineTokens(src, tokens = []) {
    if (!this.depth) this.state.inLink = false; // otherwise a raw <a> without its end would go on to the end of the text
    return this.#bounded(src, tokens, () => super.inlineTokens(src, tokens), src.length > LONGEST || LONGEST_RUN.test(src));
  }

  /** All that follows from the blocks and the inline markup. */
  end() {}

  /** @param {string} text @param {any[]} tokens @param {() => any[]} lex @param {boolean} [long] */
  #bounded(text, tokens, lex, long = false) {
    if (long || this.depth > DEPTH) {
      tokens.push(plain("text", text));
      return tokens;
    }
    this.depth++;
    try {
      return lex();
    } finally {
      this.depth--;
    }
  }
}

/** The lexer that is used. extras.js replaces it by its own. */
export const lexers = { Lexer: BoundedLexer };

/**
 * The tokens of a text's blocks. The link definitions of the text are added to `links`.
 * @param {string} text @param {Links} links @param {Map<string, number>} [numbers] for a part of a text: the numbers of the
 * footnotes so far, which are added to @param {boolean} [followed] whether another block follows the text @returns {any[]}
 */
export function lex(text, links, numbers, followed = false) {
  const lexer = new lexers.Lexer(options);
  Object.assign(lexer, { numbers, followed });
  Object.assign(lexer.tokens.links, links);
  try {
    lexer.lex(text);
    lexer.end();
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
