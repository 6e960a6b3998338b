// @ts-check
/**
 * The grammar: CommonMark and GFM as marked parses them, and formulas. Pure: text in, tokens out. The rule: the
 * cost of a text is proportional to its length. Nesting and inline markup are limited for this.
 *
 * @typedef {{pairs: ReturnType<typeof pairsOf>, offset: number}} Frame the pairs of marks of a text, and where in it a part begins
 * @typedef {Record<string, {href: string, title: string}>} Links the link definitions that are known
 */
import { Lexer, Marked, Tokenizer } from "../../vendor/marked-18.2.1/marked.esm.js";
import { pairsOf } from "./emphasis.js";
import { Footnotes, footnoteExtensions } from "./footnotes.js";
import { maths, tie, withoutMaths } from "./maths.js";
import { TEXT_START, detailsExtension, pairTags } from "./tags.js";

/** The deepest nesting of quotes, lists and emphasis. What is deeper stays text. */
const DEPTH = 24;

/** A paragraph of more characters has no inline markup, nor has one with a long run of equal marks: marked's cost can be quadratic there. */
const LONGEST = 20_000;
const LONGEST_RUN = /([*_~])\1{400}/;

/** An address that is not in brackets: to a space or to punctuation of Chinese and Japanese, which follows without a space. */
const ADDRESS = /^(?:(?:https?|ftp):\/\/|www\.)(?:(?!(?=[\p{P}\p{S}])[\u3000-\u303f\ufe10-\ufe6b\uff00-\uffef])[^\s<“”‘’…—])*/iu;
/** The same, if a letter of these languages follows its host. */
const HOST = /^[a-z]+:\/\/[a-z\d-]+(?:\.[a-z\d-]+)+(?=[\u3041-\ua4c6\uac00-\ud7fb\uf900-\ufaff])|^www(?:\.[a-z\d-]+)+(?=[\u3041-\ua4c6\uac00-\ud7fb\uf900-\ufaff])/i;

/** The address at the beginning of `src`. @param {string} src */
const bareAddress = (src) => HOST.exec(src)?.[0] ?? ADDRESS.exec(src)?.[0];

export const { defaults: options } = new Marked({
  tokenizer: {
    /** @param {string} src @param {string} masked */
    emStrong: function (src, masked) {
      return /** @type {any} */ (/** @type {BoundedLexer} */ (/** @type {any} */ (this).lexer).pairAt(src, masked));
    },
    del: () => undefined, // `emStrong` does it
    /** @param {string} src */
    html: function (src) {
      return TEXT_START.test(src) ? undefined : Tokenizer.prototype.html.call(this, src);
    },
    /** @param {string} src */
    url: function (src) {
      return Tokenizer.prototype.url.call(this, bareAddress(src) ?? src);
    },
  },
  extensions: /** @type {any} */ ([...maths, detailsExtension, ...footnoteExtensions]),
});

class BoundedLexer extends Lexer {
  #depth = 0;
  /** The pairs of the text whose inline markup is read. @type {Frame | undefined} */
  #frame;
  /** The same for the text between two marks, which is read next. @type {Frame | undefined} */
  #inner;
  /** Whether the text is followed by more. */
  #followed = false;

  /** @param {any} options @param {boolean} followed @param {Footnotes} footnotes */
  constructor(options, followed, footnotes) {
    super(options);
    this.#followed = followed;
    this.footnotes = footnotes;
  }

  /** Whether the end of the text that is read now is not the end of all text. */
  get isFollowed() {
    return this.#followed && this.#depth === 1;
  }

  /** @param {string} src @param {any[]} [tokens] @param {boolean} [clipped] */
  blockTokens(src, tokens = [], clipped) {
    return this.#bounded(src, tokens, () => super.blockTokens(src, tokens, clipped));
  }

  /** @param {string} src @param {any[]} [tokens] */
  inlineTokens(src, tokens = []) {
    if (!this.#depth) this.state.inLink = false; // otherwise a raw <a> without its end would go on to the end of the text
    const outer = this.#frame;
    this.#frame = this.#inner;
    this.#inner = undefined;
    try {
      this.#bounded(src, tokens, () => super.inlineTokens(src, tokens), src.length > LONGEST || LONGEST_RUN.test(src));
    } finally {
      this.#frame = outer;
    }
    tie(tokens);
    pairTags(tokens);
    return tokens;
  }

  /** What begins with the mark at the beginning of `src`. @param {string} src @param {string} masked the whole text, with code, links and escapes masked */
  pairAt(src, masked) {
    if (!"*_~".includes(src[0])) return;
    const { pairs, offset } = (this.#frame ??= { pairs: pairsOf(withoutMaths(masked)), offset: 0 });
    const at = offset + masked.length - src.length;
    const pair = pairs.get(at);
    if (!pair) return;
    const { type, width, end } = pair;
    const raw = src.slice(0, end + width - at);
    const text = raw.slice(width, -width);
    this.#inner = { pairs, offset: at + width };
    return { type, raw, text, tokens: this.inlineTokens(text) };
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
 * @param {string} text @param {Links} links @param {Map<string, number>} [numbers] for a part of a text: the numbers of the
 * footnotes so far, which are added to @param {boolean} [followed] whether another block follows the text @returns {any[]}
 */
export function lex(text, links, numbers, followed = false) {
  const footnotes = new Footnotes(numbers);
  const lexer = new BoundedLexer(options, followed, footnotes);
  Object.assign(lexer.tokens.links, links);
  try {
    lexer.lex(text);
    footnotes.end();
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
