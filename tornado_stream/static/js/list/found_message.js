// @ts-check
/** Shows a message that was found: goes to the words in it, and marks both for a moment. Loaded when first needed. */
import { escaped } from "./search_highlights.js";

const MOMENT = 2500;

/**
 * @param {{message: string, text: string}} found @param {import("../transcript/transcript.js").Transcript} transcript
 * @param {import("../transcript/auto_scroll.js").AutoScroll} autoScroll
 */
export function showFoundMessage({ message, text }, transcript, autoScroll) {
  const element = transcript.elementOf(message) ?? onItsBranch(message, transcript);
  if (!element) return;
  autoScroll.leave();
  element.scrollIntoView({ block: "start" }); // what is off the screen may have no places yet
  const words = rangesOf(element, new RegExp(escaped(text), "giu"));
  const { top, height } = (words[0] ?? element).getBoundingClientRect();
  const view = autoScroll.scroller.getBoundingClientRect();
  autoScroll.scroller.scrollTop += top - view.top - Math.max(0, (view.height - height) / 2);
  element.classList.add("revealed");
  CSS.highlights?.set("found", new Highlight(...words));
  setTimeout(() => {
    element.classList.remove("revealed");
    CSS.highlights?.delete("found");
  }, MOMENT);
}

/** A message that is not on the branch that is shown. @param {string} id @param {import("../transcript/transcript.js").Transcript} transcript */
function onItsBranch(id, transcript) {
  const { conversation } = transcript;
  const message = conversation.messages.get(id);
  if (message) conversation.choose(message);
  return transcript.elementOf(id);
}

/** Where words stand in an element. @param {Element} element @param {RegExp} pattern */
function rangesOf(element, pattern) {
  /** @type {Range[]} */
  const found = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { index, 0: words } of node.nodeValue?.matchAll(pattern) ?? []) {
      const range = new Range();
      range.setStart(node, index);
      range.setEnd(node, index + words.length);
      found.push(range);
    }
  }
  return found;
}
