// @ts-check
/**
 * Swipes on a touch screen: a swipe from the edge at which a line begins opens the list, or closes what is open; a swipe
 * towards that edge closes the list. The rule: a swipe never competes with something that scrolls sideways, and nothing is prevented.
 */
import { closeNewest } from "./back.js";
import { isSomethingOpen } from "./shortcuts.js";

/** How near to the edge a swipe begins, and how far it goes at least, in pixels; how long it takes at most, in milliseconds. */
const EDGE = 32;
const FAR = 56;
const QUICK = 700;

/** @param {import("./back.js").Drawer} drawer */
export function listenForSwipes(drawer) {
  /** @type {{x: number, y: number, at: number} | null} */
  let began = null;
  const cancel = () => (began = null);
  const passive = { passive: true };
  addEventListener("touchstart", ({ touches: [{ clientX: x, clientY: y }, second], target, timeStamp: at }) => (began = second || isTaken(/** @type {Element} */ (target)) ? null : { x, y, at }), passive);
  addEventListener("touchcancel", cancel, passive);
  addEventListener("touchend", ({ changedTouches: [{ clientX, clientY }], timeStamp }) => {
    if (!began) return;
    const forwards = document.documentElement.dir === "rtl" ? -1 : 1;
    const from = forwards > 0 ? began.x : innerWidth - began.x;
    const way = (clientX - began.x) * forwards;
    const isSwipe = Math.abs(way) >= FAR && Math.abs(way) > 2 * Math.abs(clientY - began.y) && timeStamp - began.at <= QUICK;
    cancel();
    if (isSwipe && way < 0 && drawer.covers && !isSomethingOpen()) drawer.close();
    else if (isSwipe && way > 0 && from <= EDGE) isSomethingOpen() ? closeNewest(drawer) : drawer.covers || drawer.toggle();
  }, passive);
}

/** Whether a finger does something else there: it scrolls sideways, selects text, moves in a text box, or moves a page that is zoomed. @param {Element} target */
function isTaken(target) {
  if ((visualViewport?.scale ?? 1) > 1.01 || getSelection()?.type === "Range" || target.closest("input, textarea, select, [contenteditable]")) return true;
  for (let at = /** @type {Element | null} */ (target); at && at !== document.body; at = at.parentElement) {
    if (at.scrollWidth > at.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
  }
  return false;
}
