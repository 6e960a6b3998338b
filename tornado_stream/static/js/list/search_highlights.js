// @ts-check
/** What was searched for, marked in titles and snippets. Loaded with the first search. */
import { element } from "../page/dom.js";

/** Around a match in a snippet. */
const MATCH = /\ue000(.*?)\ue001/gsu;
/** So many characters of a snippet are shown before its match: two short lines must hold both. */
const BEFORE = 30;

/** @param {string} title @param {string} query */
export const markedTitle = (title, query) => marked(title, new RegExp(`(${escaped(query)})`, "giu"));

/** @param {string} snippet */
export function markedSnippet(snippet) {
  const first = snippet.indexOf("\ue000") - BEFORE;
  const near = first > 0 ? `…${snippet.slice(first).replace(/^\S{0,12}\s|^[\udc00-\udfff]/u, "")}` : snippet;
  return marked(near, MATCH);
}

/** A text as a pattern for itself. @param {string} text */
export const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** @param {string} text @param {RegExp} match with one group @returns {(string | HTMLElement)[]} */
function marked(text, match) {
  return text.split(match).map((part, index) => (index % 2 ? element("mark", "", part) : part)).filter((part) => part !== "");
}
