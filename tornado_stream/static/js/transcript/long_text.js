// @ts-check
/** Plain text of any length. The rule: a long text is split into parts, so that the browser lays out only those in view. 1 MB in one piece takes it seconds. */
import { element } from "../page/dom.js";

const LONG = 20_000;
const PART = 4000;

/** An element with this text. @param {string} text */
export function textBlock(text) {
  if (text.length < LONG) return element("div", "text", text);
  const block = element("div", "text long");
  block.append(...partsOf(text).map((part) => element("span", "part", part)));
  return block;
}

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
