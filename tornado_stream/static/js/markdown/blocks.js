// @ts-check
/**
 * Parses Markdown while it grows, block by block. Pure. The rule: a complete block is reported once and never parsed
 * again. Only the open block (the last one) is. The blocks are the same as if the whole text were parsed at once,
 * except for links that are used before they are defined, and for footnotes that never are. If there may be any, `whole`
 * is reported at the end.
 *
 * @typedef {object} Update
 * @property {any[]} [closed] tokens of blocks that will not change any more
 * @property {any[]} [open] tokens of what follows them, as far as it is known
 * @property {number} [done] how many parts of the open list or table were reported before, and are not in `open`
 * @property {string} [code] text to append to the open block, which is code
 * @property {string} [more] text to append to the open block without parsing
 * @property {string} [after] with `more`: the text that it has to follow. If the block ends otherwise, call `read`
 * @property {any[]} [whole] tokens of all blocks, at the end
 */
import { isDivided, lex, loosen } from "./grammar.js";
import { asIfComplete } from "./partial.js";

/** When an open list or table has so many characters, its finished parts are not parsed again. */
const SPLIT = 800;
/** When an open block has so many characters, it is parsed only after it has grown by 1/PART. */
const LONG = 4000;
const PART = 12;
/** What may be the definition of a link. */
const DEFINITION = /^[ \t>*+\-\d.)]*\[[^\]]{1,999}\]:/m;
/** Characters that have no meaning in Markdown. */
const PLAIN = /^[\p{L}\p{M}\p{N} ,;'"’“”、，。！？]+$/u;
const PLAIN_END = /[\p{L}\p{M}\p{N} ,;'"’“”、，。！？]*$/u;
/** The beginning of code. A fence of `math` is a formula. */
const FENCE = /^(`{3,}(?=[^`\n]*\n)|~{3,})(?![~ \t]*math\s)[^\n]*\n/;

/** @param {any} token */
const isBlank = (token) => token.type === "space" || token.type === "def";

export class Blocks {
  #text = "";
  /** The text of the open block, without #finished. */
  #tail = "";
  /** The text of the finished parts of an open list or table. */
  #finished = "";
  /** An open table's first two lines, without which its rows cannot be parsed. */
  #tableHead = "";
  #finishedParts = 0;
  #loose = false;
  /** If the complete lines are only one block: its tokens and its text. @type {[any[], string] | null} */
  #onlyBlock = null;
  #readLength = 0;
  /** How long the complete lines of #tail were when they were last parsed. */
  #linesLength = 0;
  #heldReturn = "";
  /** @type {import("./grammar.js").Links} */
  #links = Object.create(null);
  /** The numbers of the footnotes. @type {Map<string, number>} */
  #numbers = new Map();
  /** For open code: what its end looks like, and the incomplete last line, which may become its end. @type {{end: RegExp, line: string} | null} */
  #fence = null;

  /** How many characters were parsed, counting each time. */
  cost = 0;

  /** Add text. @param {string} text @returns {Update} */
  feed(text) {
    const added = this.#normalised(text);
    const after = PLAIN.test(added) && PLAIN_END.exec(this.#tail.slice(-20))?.[0];
    this.#text += added;
    this.#tail += added;
    if (this.#fence) return this.#moreCode(added);
    if (after && /\p{L}/u.test(after)) return { more: added, after };
    return this.read(added);
  }

  /** Parse what is open; if it is long, only when it has grown enough. @param {string} [added] @returns {Update} */
  read(added = "") {
    const { length } = this.#tail;
    if (added && length > LONG && length - this.#readLength < length / PART) return { more: added };
    return this.#update();
  }

  /** The text is complete. @returns {Update} */
  end() {
    this.#text += this.#heldReturn ? "\n" : "";
    if (DEFINITION.test(this.#text) || this.#numbers.size) return { whole: this.#lexWhole() };
    return { closed: this.#lex(this.#finished + this.#tail + (this.#heldReturn ? "\n" : "")), open: [] };
  }

  /** The text with line feeds for line ends. A carriage return at the end waits for what follows. @param {string} text */
  #normalised(text) {
    const whole = this.#heldReturn + text;
    this.#heldReturn = whole.endsWith("\r") ? "\r" : "";
    return (this.#heldReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
  }

  /** Parse without remembering link definitions. @param {string} text @param {Map<string, number>} [numbers] */
  #lex(text, numbers = new Map(this.#numbers)) {
    this.cost += text.length;
    return lex(text, { ...this.#links }, numbers);
  }

  #lexWhole() {
    this.cost += this.#text.length;
    return lex(this.#text, {});
  }

  /** @param {any[]} [before] tokens of blocks that were just closed @returns {Update} */
  #update(before = []) {
    const closed = [...before, ...this.#close()];
    this.#readLength = this.#tail.length;
    const fence = this.#finished ? null : FENCE.exec(this.#tail);
    if (fence) return this.#openCode(fence, closed);
    const open = this.#lex(this.#tableHead + asIfComplete(this.#tail));
    if (this.#finishedParts && (!isDivided(open[0]) || (open[0].loose && !this.#loose))) return { ...this.#rejoin(), closed };
    if (this.#loose) loosen(open[0]);
    const done = this.#finishedParts;
    if (this.#onlyBlock) this.#split(...this.#onlyBlock);
    return { closed, open, done };
  }

  /** Close the blocks that end within the complete lines. @returns {any[]} */
  #close() {
    this.#onlyBlock = null;
    if (!this.#finished && !this.#linesLength) this.#tail = this.#tail.replace(/^(?:[ \t]*\n)+/, "");
    const end = this.#tail.lastIndexOf("\n") + 1;
    if (end === this.#linesLength) return [];
    this.#linesLength = end;
    const text = this.#tableHead + this.#tail.slice(0, end);
    const tokens = this.#lex(text, this.#numbers);
    let last = tokens.findLastIndex((token) => !isBlank(token));
    if (tokens[last]?.open) last = tokens.findLastIndex((token, index) => index < last && !isBlank(token));
    this.#onlyBlock = last > 0 ? null : [tokens, text];
    if (this.#onlyBlock) return [];
    const { length } = tokens.slice(0, last).reduce((raw, token) => raw + token.raw, "");
    return this.#take(length - this.#tableHead.length);
  }

  /** Close the first `length` characters of #tail: parse them for the last time. @param {number} length */
  #take(length) {
    const text = this.#finished + this.#tail.slice(0, length);
    this.#tail = this.#tail.slice(length);
    this.#finished = this.#tableHead = "";
    this.#linesLength = this.#finishedParts = 0;
    this.#loose = false;
    this.cost += text.length;
    return lex(text, this.#links, this.#numbers, true);
  }

  /** If the open block is a long list or table: set its finished parts aside. @param {any[]} tokens @param {string} text */
  #split(tokens, text) {
    const [token] = tokens;
    if (text.length < SPLIT || tokens.slice(1).some((other) => other.type !== "space")) return;
    if (token.type === "list" && token.items.length > 1) this.#splitList(token);
    else if (token.type === "table" && tokens.length === 1) this.#splitTable(token, text);
  }

  /** @param {any} list */
  #splitList({ items, loose }) {
    const { length } = items.slice(0, -1).reduce((/** @type {string} */ raw, /** @type {any} */ item) => raw + item.raw, "");
    this.#setAside(length, items.length - 1);
    this.#loose ||= loose;
  }

  /** @param {any} table @param {string} text */
  #splitTable({ rows }, text) {
    const again = /^[^\n]*\n[^\n]*\n/.exec(text)?.[0] ?? "";
    this.#setAside(text.length - this.#tableHead.length, rows.length);
    this.#tableHead = again;
  }

  /** @param {number} length @param {number} parts */
  #setAside(length, parts) {
    this.#finished += this.#tail.slice(0, length);
    this.#tail = this.#tail.slice(length);
    this.#linesLength = 0;
    this.#finishedParts += parts;
  }

  /** Parse the open block as a whole again: a list's items turn out to be paragraphs, or it is no list or table any more. @returns {Update} */
  #rejoin() {
    this.#tail = this.#finished + this.#tail;
    this.#linesLength = 0;
    this.#finished = "";
    this.#finishedParts = 0;
    return { open: this.#lex(asIfComplete(this.#tail)), done: 0 };
  }

  /** @param {RegExpExecArray} fence @param {any[]} closed @returns {Update} */
  #openCode([line, marks], closed) {
    this.#fence = { end: new RegExp(`^ {0,3}${marks[0]}{${marks.length},} *$`), line: "" };
    const update = this.#moreCode(this.#tail.slice(line.length), closed);
    return update.open ? update : { ...update, closed, open: this.#lex(line) };
  }

  /** @param {string} added @param {any[]} [closed] @returns {Update} */
  #moreCode(added, closed = []) {
    const fence = /** @type {{end: RegExp, line: string}} */ (this.#fence);
    const lines = (fence.line + added).split("\n");
    const end = lines.findIndex((line, index) => index < lines.length - 1 && fence.end.test(line));
    if (end >= 0) {
      this.#fence = null;
      const { length } = lines.slice(end + 1).join("\n");
      return this.#update([...closed, ...this.#take(this.#tail.length - length)]);
    }
    const reported = /^ {0,3}[`~]* *$/.test(fence.line) ? 0 : fence.line.length;
    fence.line = /** @type {string} */ (lines.at(-1));
    const text = lines.join("\n");
    return { code: text.slice(reported, /^ {0,3}[`~]* *$/.test(fence.line) ? text.length - fence.line.length : undefined) };
  }
}
