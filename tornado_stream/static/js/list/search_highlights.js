// @ts-check
/** Highlights the text that was searched for: in titles, in snippets, and in the message that a result opens. Loaded with the first search. */
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";

if (globalThis.document) void loadStyleSheet("found").catch(() => {}); // the matches can be read without their style, too

/** A match in a snippet: the server marks its beginning and its end with two private-use characters. */
const MATCH = /\ue000(.*?)\ue001/gsu;
/** How many characters of a snippet are shown before its match. The match must be visible in two short lines. */
const BEFORE = 30;
/** Milliseconds for which a message that was opened from a result stays highlighted. */
const HIGHLIGHT_TIME = 2500;

/** @param {string} title @param {string} query */
export const highlightTitle = (title, query) => withMarks(title, new RegExp(`(${escaped(query)})`, "giu"));

/** @param {string} snippet */
export function highlightSnippet(snippet) {
  const first = snippet.indexOf("\ue000") - BEFORE;
  const near = first > 0 ? `…${snippet.slice(first).replace(/^\S{0,12}\s|^[\udc00-\udfff]/u, "")}` : snippet;
  return withMarks(near, MATCH);
}

/**
 * Scroll to a message that a search has found and to the text in it, and highlight both.
 * @param {{message: string, text: string}} found `message`: its id; `text`: what was searched for
 * @param {import("../transcript/transcript.js").Transcript} transcript
 * @param {import("../transcript/auto_scroll.js").AutoScroll} autoScroll
 */
export function showFoundMessage({ message, text }, transcript, autoScroll) {
  const shown = transcript.elementOf(message) ?? switchToBranchOf(message, transcript);
  if (!shown) return;
  autoScroll.leave();
  shown.scrollIntoView({ block: "start" }); // first, because the browser may not have laid out a message that is off the screen
  if (shown.querySelector(".folded")) /** @type {HTMLElement} */ (shown.querySelector(".show-all")).click();
  const ranges = rangesOf(shown, new RegExp(escaped(text), "giu"));
  const { top, height } = (ranges[0] ?? shown).getBoundingClientRect();
  const view = autoScroll.scroller.getBoundingClientRect();
  autoScroll.scroller.scrollTop += top - view.top - Math.max(0, (view.height - height) / 2);
  shown.classList.add("revealed");
  CSS.highlights?.set("found", new Highlight(...ranges));
  setTimeout(() => {
    shown.classList.remove("revealed");
    CSS.highlights?.delete("found");
  }, HIGHLIGHT_TIME);
}

/** Show the branch of a message, and return the message's element. @param {string} id @param {import("../transcript/transcript.js").Transcript} transcript */
function switchToBranchOf(id, transcript) {
  const { conversation } = transcript;
  const message = conversation.messages.get(id);
  if (message) conversation.choose(message);
  return transcript.elementOf(id);
}

/** Find all matches in an element's text. @param {Element} root @param {RegExp} pattern */
function rangesOf(root, pattern) {
  /** @type {Range[]} */
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { index, 0: match } of node.nodeValue?.matchAll(pattern) ?? []) {
      const range = new Range();
      range.setStart(node, index);
      range.setEnd(node, index + match.length);
      found.push(range);
    }
  }
  return found;
}

/** The source of a regular expression that matches exactly this text. @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Put each match into a `mark` element. @param {string} text @param {RegExp} match with one group @returns {(string | HTMLElement)[]} */
function withMarks(text, match) {
  return text.split(match).map((part, index) => (index % 2 ? element("mark", "", part) : part)).filter((part) => part !== "");
}
