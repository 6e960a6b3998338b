// @ts-check
/**
 * What the page adds to CommonMark and GFM: formulas, footnotes, alerts, folds and tags; emphasis and addresses beside
 * Chinese, Japanese and Korean. The module is loaded when a text may contain any of it (`MAY_NEED` in markdown_view.js).
 *
 * @typedef {{pairs: ReturnType<typeof pairsOf>, offset: number}} Frame the pairs of marks of a text, and where in it a part begins
 */
import { Marked, Tokenizer } from "../../vendor/marked-18.2.1/marked.esm.js";
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { pairsOf } from "./emphasis.js";
import { Footnotes, footnoteExtensions } from "./footnotes.js";
import { BoundedLexer, lexers, options } from "./grammar.js";
import { blockMathOf, escape, renderer } from "./html.js";
import { maths, tie, withoutMaths } from "./maths.js";
import { finishers } from "./nodes.js";
import "./partial_extras.js";
import { allow } from "./sanitize.js";
import { TEXT_START, detailsExtension, pairTags } from "./tags.js";

/** An address that is not in brackets: to a space or to punctuation of Chinese and Japanese, which follows without a space. */
const ADDRESS = /^(?:(?:https?|ftp):\/\/|www\.)(?:(?!(?=[\p{P}\p{S}])[\u3000-\u303f\ufe10-\ufe6b\uff00-\uffef])[^\s<“”‘’…—])*/iu;
/** The same, if a letter of these languages follows its host. */
const HOST = /^[a-z]+:\/\/[a-z\d-]+(?:\.[a-z\d-]+)+(?=[\u3041-\ua4c6\uac00-\ud7fb\uf900-\ufaff])|^www(?:\.[a-z\d-]+)+(?=[\u3041-\ua4c6\uac00-\ud7fb\uf900-\ufaff])/i;

/** The address at the beginning of `src`. @param {string} src */
const bareAddress = (src) => HOST.exec(src)?.[0] ?? ADDRESS.exec(src)?.[0];

if (globalThis.document) void loadStyleSheet("markdown_extras").catch(() => {}); // it is readable without its style, too

allow("b bdi cite details dfn i ins kbd mark q rp rt ruby s samp small sub summary sup u var wbr".split(" "), ["open"]);

class ExtendedLexer extends BoundedLexer {
  /** The pairs of the text whose inline markup is read. @type {Frame | undefined} */
  #frame;
  /** The same for the text between two marks, which is read next. @type {Frame | undefined} */
  #inner;
  /** @type {Footnotes | undefined} */
  #footnotes;

  get footnotes() {
    return (this.#footnotes ??= new Footnotes(this.numbers));
  }

  /** Whether the end of the text that is read now is not the end of all text. */
  get isFollowed() {
    return this.followed && this.depth === 1;
  }

  /** @param {string} src @param {any[]} [tokens] */
  inlineTokens(src, tokens = []) {
    const outer = this.#frame;
    this.#frame = this.#inner;
    this.#inner = undefined;
    try {
      super.inlineTokens(src, tokens);
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

  end() {
    this.#footnotes?.end();
  }
}
lexers.Lexer = ExtendedLexer;

const { tokenizer, extensions } = new Marked({
  tokenizer: {
    /** @param {string} src @param {string} masked */
    emStrong: function (src, masked) {
      return /** @type {any} */ (/** @type {ExtendedLexer} */ (/** @type {any} */ (this).lexer).pairAt(src, masked));
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
}).defaults;

const renderers = { blockMath: blockMathOf, inlineMath: mathOf, details: detailsOf, footnote: footnoteOf, noteReference: noteReferenceOf };
Object.assign(options, { tokenizer, extensions: { ...extensions, renderers } });

/** @param {any} token */
function mathOf({ text, display, before, after }) {
  const formula = `<span class="math${display ? " display" : ""}">${escape(text)}</span>`;
  return before || after ? `<span class="tie">${escape(before ?? "")}${formula}${escape(after ?? "")}</span>` : formula;
}

/** The first line of a quote that is an alert, as on GitHub. */
const ALERT = /^\[!(note|tip|important|warning|caution)\][ \t]*(?:\n|$)/i;

/** An alert's kind, and its tokens without the first line. @param {any[]} tokens of a quote */
function alertOf([first, ...others]) {
  const [text, ...inline] = first?.type === "paragraph" ? first.tokens : [];
  const [line, kind] = (text?.type === "text" && ALERT.exec(text.text)) || [];
  if (!line || (line === text.text && !line.endsWith("\n") && inline.length && inline[0].type !== "br")) return null;
  const rest = [{ ...text, text: text.text.slice(line.length) }, ...inline.slice(inline[0]?.type === "br" && line === text.text ? 1 : 0)];
  const isEmpty = rest.length === 1 && !rest[0].text;
  return { kind: kind.toLowerCase(), tokens: isEmpty ? others : [{ ...first, tokens: rest }, ...others] };
}

/** @param {any} token */
renderer.blockquote = ({ tokens }) => {
  const alert = alertOf(tokens);
  const begin = alert ? `<blockquote class="alert ${alert.kind}"><p class="alert-title"></p>` : "<blockquote>";
  return `${begin}${renderer.parser.parse(alert?.tokens ?? tokens)}</blockquote>`;
};

/** @this {{parser: any}} @param {any} token */
function detailsOf({ shown, summary, tokens }) {
  const label = this.parser.parseInline(summary);
  return `<div><details${shown ? " open" : ""}><summary>${label}</summary>${this.parser.parse(tokens)}</details></div>`;
}

/** @this {{parser: any}} @param {any} token */
function footnoteOf({ label, numbers, tokens }) {
  return `<div class="note"><span class="note-back">${numbers.get(label)}</span><div>${this.parser.parse(tokens)}</div></div>`;
}

/** @param {any} token */
function noteReferenceOf({ number }) {
  return `<sup class="note-ref">${number}</sup>`;
}

const ALERTS = /** @type {Record<string, string>} */ ({
  note: "markdown.note", tip: "markdown.tip", important: "markdown.important", warning: "markdown.warning", caution: "markdown.caution",
});

finishers.push((fragment) => {
  for (const title of fragment.querySelectorAll(".alert-title")) title.textContent = t(ALERTS[title.parentElement?.classList[1] ?? ""]);
  for (const summary of fragment.querySelectorAll("summary:empty")) summary.textContent = t("markdown.details");
  for (const place of fragment.querySelectorAll(".note-ref, .note-back")) place.replaceChildren(noteLink(place));
});

/** A button that leads from a reference to its footnote, or back. @param {Element} place */
function noteLink(place) {
  const number = place.textContent ?? "";
  const [other, label] = place.className === "note-ref" ? [".note-back", "markdown.footnote"] : [".note-ref", "markdown.back"];
  const link = element("button", "note-link", number);
  Object.assign(link, { type: "button", ariaLabel: t(label, { n: number }) });
  link.addEventListener("click", () => {
    const links = /** @type {HTMLElement[]} */ ([...(link.closest(".markdown")?.querySelectorAll(`${other} > button`) ?? [])]);
    links.find(({ textContent }) => textContent === number)?.focus();
  });
  return link;
}
