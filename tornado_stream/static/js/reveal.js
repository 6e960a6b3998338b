// @ts-check
/** Shows a message that was found: goes there, and marks it for a moment. Loaded when first needed. */

/** @param {string} id @param {import("./transcript.js").Transcript} transcript @param {import("./scroll.js").Follower} follower */
export function reveal(id, transcript, follower) {
  const found = transcript.elementOf(id);
  if (!found) return;
  follower.leave();
  found.scrollIntoView({ block: found.offsetHeight > follower.scroller.clientHeight ? "start" : "center" });
  found.classList.add("revealed");
  setTimeout(() => found.classList.remove("revealed"), 2500);
}
