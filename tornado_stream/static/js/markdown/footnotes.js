// @ts-check
/**
 * Footnotes: `[^label]` in a text, and `[^label]: text` at the beginning of a line. They have numbers, in the order in which
 * the text refers to them. Pure. The rule: in a whole text, only what is defined is a footnote. While the text grows, a
 * definition may follow, so each reference counts.
 */

import { paragraph } from "./maths.js";

const LABEL = "\\[\\^([^\\[\\]\\s]{1,100})\\]";
const REFERENCE = new RegExp(`^${LABEL}`);
const DEFINITION = new RegExp(`^ {0,3}${LABEL}:[ \\t]*`);
const DEFINITION_START = new RegExp(`\\n {0,3}${LABEL}:`);
/** A line that ends a definition, because another block begins there. */
const OTHER_BLOCK = /^ {0,3}(?:\[\^[^\[\]\s]{1,100}\]:|#{1,6}\s|>|`{3}|~{3}|[*+-]\s|\d{1,9}[.)]\s|\$\$|<details|(?:[-*_][ \t]*){3,}$)/;
const INDENT = /^(?: {4}| {0,3}\t)/;

export class Footnotes {
  /** @type {Set<string>} */
  #defined = new Set();

  /** @param {Map<string, number>} [numbers] of a text that grows; they are kept and added to */
  constructor(numbers) {
    this.isWhole = !numbers;
    this.numbers = numbers ?? new Map();
  }

  /** @param {string} label */
  define = (label) => void this.#defined.add(label);

  /** The number of a footnote that is referred to; 0: there is none. @param {string} label */
  refer(label) {
    if (this.isWhole && !this.#defined.has(label)) return 0;
    if (!this.numbers.has(label)) this.numbers.set(label, this.numbers.size + 1);
    return /** @type {number} */ (this.numbers.get(label));
  }

  /** Give numbers to the footnotes that nothing refers to. */
  end() {
    for (const label of this.#defined) this.refer(label);
  }
}

/** @this {{lexer: any}} @param {string} src */
function definition(src) {
  const [mark, written] = DEFINITION.exec(src) ?? [];
  if (!mark) return;
  const raw = src.slice(0, mark.length + lengthOf(src.slice(mark.length)));
  const { footnotes, state } = this.lexer;
  const label = written.toLowerCase();
  footnotes.define(label);
  const { top } = state;
  state.top = true;
  const tokens = this.lexer.blockTokens(raw.slice(mark.length).replace(/^(?: {1,4}|\t)/gm, ""), []);
  state.top = top;
  return { type: "footnote", raw, label, numbers: footnotes.numbers, tokens };
}

/** How long a definition's text is, with the empty lines that follow it. @param {string} src */
function lengthOf(src) {
  let end = 0;
  let isFirst = true;
  let afterBlank = false;
  for (const { 0: line, index } of src.matchAll(/[^\n]*\n|[^\n]+$/g)) {
    const isBlank = !line.trim();
    if (!isFirst && !isBlank && !INDENT.test(line) && (afterBlank || OTHER_BLOCK.test(line))) break;
    end = index + line.length;
    afterBlank = isBlank;
    isFirst = false;
  }
  return end;
}

/** Where a definition ends a paragraph; -1: nowhere. @param {string} src */
const definitionStart = (src) => paragraph(src).search(DEFINITION_START) + 1 || -1;

/** @this {{lexer: any}} @param {string} src */
function reference(src) {
  const [raw, label] = REFERENCE.exec(src) ?? [];
  const number = raw && !this.lexer.state.inLink && this.lexer.footnotes.refer(label.toLowerCase());
  return number ? { type: "noteReference", raw, number } : undefined;
}

/** The extensions of marked. */
export const footnoteExtensions = [
  { name: "footnote", level: "block", start: definitionStart, tokenizer: definition },
  { name: "noteReference", level: "inline", start: (/** @type {string} */ src) => src.indexOf("[^"), tokenizer: reference },
];
