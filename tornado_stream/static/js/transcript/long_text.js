// @ts-check
/** Plain text of any length. The rule: a long text is split into parts, so that the browser lays out only those in view. 1 MB in one piece takes it seconds. */
import { element } from "../page/dom.js";

const LONG = 20_000;
const PART = 4000;
/** A question is folded if it has more characters, or more lines. */
const FOLDED_CHARACTERS = 2400;
const FOLDED_LINES = 24;

/** An element with this text. @param {string} text */
export function textBlock(text) {
  if (text.length < LONG) return element("div", "text", text);
  const block = element("div", "text long");
  block.append(...partsOf(text).map((part) => element("span", "part", part)));
  return block;
}

/** Whether a question is so long that only its beginning is shown. @param {string} text */
export const isFolded = (text) => text.length > FOLDED_CHARACTERS || text.split("\n", FOLDED_LINES + 1).length > FOLDED_LINES;

/** A text in parts. Each ends with a line, if possible; otherwise with a word; otherwise with a character. @param {string} text */
export function partsOf(text) {
  const parts = [];
  for (let at = 0; at < text.length; at += parts[parts.length - 1].length) {
    const part = text.slice(at, at + PART);
    parts.push(at + PART < text.length ? part.slice(0, endOf(part)) : part);
  }
  return parts;
}

/** @param {string} part */
function endOf(part) {
  const end = part.lastIndexOf("\n") + 1 || part.lastIndexOf(" ") + 1 || part.length;
  return /[\ud800-\udbff]/.test(part[end - 1]) ? end - 1 : end;
}
