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

/** What a search leaves out: accents, and the points of Hebrew and Arabic. */
const LEFT_OUT = /[\u00ad\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u0652\u0670\u200b-\u200f]/gu;
/** A character with the marks that belong to it. */
const CLUSTER = /.[\p{M}\u00ad\u0640\u200b-\u200f]*/gsu;

/** @param {string} title @param {string} query */
export function highlightTitle(title, query) {
  /** @type {(string | HTMLElement)[]} */
  const parts = [];
  let done = 0;
  for (const [begin, end] of matchesOf(title, query)) {
    parts.push(title.slice(done, begin), element("mark", "", title.slice(begin, end)));
    done = end;
  }
  return [...parts, title.slice(done)].filter((part) => part !== "");
}

/** The text as the server's search compares it, nearly (store/folding.py). @param {string} text */
const fold = (text) => text.normalize("NFD").replace(LEFT_OUT, "").toLowerCase().replace(/ß/gu, "ss").replace(/ı/gu, "i").replace(/ς/gu, "σ").normalize("NFKC");

/** Where a text has the query, as pairs of begin and end. @param {string} text @param {string} query @returns {[number, number][]} */
export function matchesOf(text, query) {
  const wanted = fold(query.trim());
  let folded = "";
  /** The index in the text for each one in `folded`. @type {number[]} */
  const places = [];
  let index = 0;
  for (const [cluster] of text.matchAll(CLUSTER)) {
    const part = fold(cluster);
    for (let n = 0; n < part.length; n++) places.push(index);
    folded += part;
    index += cluster.length;
  }
  places.push(text.length);
  /** @type {[number, number][]} */
  const found = [];
  for (let at = wanted ? folded.indexOf(wanted) : -1; at >= 0; at = folded.indexOf(wanted, at + wanted.length)) found.push([places[at], places[at + wanted.length]]);
  return found;
}

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
  const ranges = rangesOf(shown, text);
  autoScroll.keep(ranges[0] ?? shown);
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

/** Find all matches in an element's text. @param {Element} root @param {string} query */
function rangesOf(root, query) {
  /** @type {Range[]} */
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const [begin, end] of matchesOf(node.nodeValue ?? "", query)) {
      const range = new Range();
      range.setStart(node, begin);
      range.setEnd(node, end);
      found.push(range);
    }
  }
  return found;
}

/** Put each match into a `mark` element. @param {string} text @param {RegExp} match with one group @returns {(string | HTMLElement)[]} */
function withMarks(text, match) {
  return text.split(match).map((part, index) => (index % 2 ? element("mark", "", part) : part)).filter((part) => part !== "");
}
