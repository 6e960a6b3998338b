// @ts-check
/**
 * Turns the tokens of a block into HTML. Pure. The rule: HTML that the text contains is escaped, except the tags that tags.js finds. The
 * result is not trusted, all the same: sanitize.js makes it safe.
 *
 * @typedef {object} Shape
 * @property {string} type
 * @property {string} before HTML before the parts; all HTML, if there are no parts; for code, the language
 * @property {string[]} [parts] HTML of a list's items or a table's rows
 * @property {string} [after] HTML after the parts
 * @property {string} [code] the text of code
 */
import { Parser, Renderer } from "../../vendor/marked-18.2.1/marked.esm.js";
import { options } from "./grammar.js";

const ESCAPES = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" });
/** @param {string} text */
const escape = (text) => text.replace(/[&<>"']/g, (char) => ESCAPES[char]);
/** Escape all but character references, such as `&amp;`. @param {string} text */
const escapeRest = (text) => text.replace(/[<>"']|&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w+);)/gi, (char) => ESCAPES[char]);

/** The first word after a fence. @param {{lang?: string}} token */
const languageOf = ({ lang }) => /^\S*/.exec(lang ?? "")?.[0] ?? "";

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

class TextRenderer extends Renderer {
  /** @param {any} token */
  blockquote({ tokens }) {
    const alert = alertOf(tokens);
    const begin = alert ? `<blockquote class="alert ${alert.kind}"><p class="alert-title"></p>` : "<blockquote>";
    return `${begin}${this.parser.parse(alert?.tokens ?? tokens)}</blockquote>`;
  }
  /** @param {any} token */
  html({ text, block, html }) {
    if (html) return html;
    return block ? `<p class="raw">${escape(text.trim())}</p>` : escape(text);
  }
  /** @param {any} token */
  text({ tokens, text }) {
    return tokens ? this.parser.parseInline(tokens) : escapeRest(text);
  }
  /** @param {any} token */
  code(token) {
    const language = languageOf(token);
    if (language === "math") return mathOf({ ...token, display: true, block: true });
    return `<pre><code${language && ` class="language-${escapeRest(language)}"`}>${escape(codeOf(token))}</code></pre>`;
  }
  /** One level lower, because `h1` is the page's own. @param {any} token */
  heading({ tokens, depth }) {
    const tag = `h${Math.min(depth + 1, 6)}`;
    return `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`;
  }
  /** @param {any} item */
  listitem(item) {
    return `<li${item.task ? ' class="task"' : ""}>${this.parser.parse(item.tokens)}</li>`;
  }
  /** @param {any} token */
  link({ href, text, tokens, autolink }) {
    const label = autolink ? escape(text) : this.parser.parseInline(tokens);
    return `<a href="${autolink ? escape(href) : escapeRest(href)}" title="${autolink ? escape(href) : escapeRest(href)}">${label}</a>`;
  }
  /** @param {any} token */
  image({ href, tokens, text }) {
    const label = tokens ? this.parser.parseInline(tokens, this.parser.textRenderer) : text;
    return `<span class="image" title="${escapeRest(href)}">${escapeRest(String(label))}</span>`;
  }
  /** @param {any} token */
  table(token) {
    const shape = this.tableShape(token);
    return shape.before + shape.parts.join("") + shape.after;
  }
  /** @param {any} token */
  tableShape({ header, rows }) {
    const row = (/** @type {any[]} */ cells) => `<tr>${cells.map((cell) => this.tablecell(cell).trim()).join("")}</tr>`;
    return { before: `<div class="table"><table><thead>${row(header)}</thead><tbody>`, parts: rows.map(row), after: "</tbody></table></div>" };
  }
}

/** @param {any} token */
function mathOf({ text, display, block, before, after }) {
  if (block) return `<div class="math display">${escape(text)}</div>`;
  const formula = `<span class="math${display ? " display" : ""}">${escape(text)}</span>`;
  return before || after ? `<span class="tie">${escape(before ?? "")}${formula}${escape(after ?? "")}</span>` : formula;
}

/** @this {{parser: Parser}} @param {any} token */
function detailsOf({ shown, summary, tokens }) {
  const label = this.parser.parseInline(summary);
  return `<details${shown ? " open" : ""}><summary>${label}</summary>${this.parser.parse(tokens)}</details>`;
}

/** @this {{parser: Parser}} @param {any} token */
function footnoteOf({ label, numbers, tokens }) {
  return `<div class="note"><span class="note-back">${numbers.get(label)}</span><div>${this.parser.parse(tokens)}</div></div>`;
}

/** @param {any} token */
const noteReferenceOf = ({ number }) => `<sup class="note-ref">${number}</sup>`;

const renderer = new TextRenderer(options);
Object.assign(options, { renderer });
Object.assign(options.extensions ?? {}, { renderers: { blockMath: mathOf, inlineMath: mathOf, details: detailsOf, footnote: footnoteOf, noteReference: noteReferenceOf } });
const parser = new Parser(options);

/** The text of code, which ends with one line feed. @param {any} token */
function codeOf({ text }) {
  return text ? text.replace(/\n$/, "") + "\n" : "";
}

/** The shape of a block: its HTML, or the text of its code. @param {any} token @returns {Shape | null} null: the block shows nothing */
export function shapeOf(token) {
  const { type } = token;
  if (type === "code" && languageOf(token) !== "math") return { type, before: languageOf(token), code: codeOf(token) };
  if (type === "table") return { type, ...renderer.tableShape(token) };
  if (type === "list") {
    const tag = token.ordered ? "ol" : "ul";
    const start = token.ordered && token.start !== 1 ? ` start="${token.start}"` : "";
    const parts = token.items.map((/** @type {any} */ item) => renderer.listitem(item));
    return { type, before: `<${tag}${start}>`, parts, after: `</${tag}>` };
  }
  const html = parser.parse([token]).trim();
  return html ? { type, before: html } : null;
}

/** All HTML of a shape. @param {Shape} shape */
export const htmlOf = ({ before, parts = [], after = "" }) => before + parts.join("") + after;
