// @ts-check
/**
 * Turns the tokens of a block into HTML. Pure. The rule: HTML that the text contains is escaped, except `<br>`, and the tags that tags.js finds. The
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
export const escape = (text) => text.replace(/[&<>"']/g, (char) => ESCAPES[char]);
/** Escape all but character references, such as `&amp;`. @param {string} text */
const escapeRest = (text) => text.replace(/[<>"']|&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w+);)/gi, (char) => ESCAPES[char]);

/** The first word after a fence. @param {{lang?: string}} token */
const languageOf = ({ lang }) => /^\S*/.exec(lang ?? "")?.[0] ?? "";

/** The end of the tag of a table's cell. Its class says whether the text stays in one line, needs a wide column, or must be broken. @param {string} text */
const widthOf = (text) => (text.length < 13 ? ' class="short">' : text.length > 30 ? ` class="long${/\S{31}/.test(text) ? " broken" : ""}">` : ">");

/** A formula that is a block. @param {{text: string}} token */
export const blockMathOf = ({ text }) => `<div class="math display">${escape(text)}</div>`;

class TextRenderer extends Renderer {
  /** @param {any} token */
  html({ text, block, html }) {
    if (html) return html;
    if (/^<br\s*\/?>$/i.test(text.trim())) return "<br>"; // tables need it for line breaks
    return block ? `<p class="raw">${escape(text.trim())}</p>` : escape(text);
  }
  /** @param {any} token */
  text({ tokens, text }) {
    return tokens ? this.parser.parseInline(tokens) : escapeRest(text);
  }
  /** @param {any} token */
  code(token) {
    const language = languageOf(token);
    if (language === "math") return blockMathOf(token);
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
    const row = (/** @type {any[]} */ cells) => `<tr>${cells.map((cell) => this.tablecell(cell).trim().replace(">", widthOf(cell.text))).join("")}</tr>`;
    return { before: `<div class="table"><table><thead>${row(header)}</thead><tbody>`, parts: rows.map(row), after: "</tbody></table></div>" };
  }
}

export const renderer = new TextRenderer(options);
Object.assign(options, { renderer });
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
