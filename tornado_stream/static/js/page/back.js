// @ts-check
/**
 * On a phone, Back closes what is open before it leaves a conversation. The rule: the history has one entry for each
 * thing that is open, above the entry of the conversation. Loaded on a narrow page and on one with a touch screen.
 *
 * @typedef {{covers: boolean, toggle: () => void, close: () => void}} Drawer `covers`: it is open over the page
 */

/** Everything that is open, except the drawer, the newest last: a menu is above a dialog, which is above the drawer. @returns {HTMLElement[]} */
const layers = () => [...document.querySelectorAll("dialog[open]"), .../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(":popover-open"))].map((one) => /** @type {HTMLElement} */ (one));

/** Close the newest thing that is open. @param {Drawer} drawer */
export function closeNewest(drawer) {
  const newest = layers().at(-1);
  if (newest instanceof HTMLDialogElement) newest.close();
  else if (newest) newest.hidePopover();
  else drawer.close();
}

/** @param {Drawer} drawer */
export function closeByBack(drawer) {
  /** This module is removing entries, because something was closed in another way than by Back. */
  let isLeaving = false;
  const depth = () => layers().length + Number(drawer.covers);
  const entries = () => Number(history.state?.layer ?? 0);
  const settle = () => {
    if (isLeaving) return;
    for (let at = entries() + 1; at <= depth(); at++) history.pushState({ layer: at }, "");
    isLeaving = depth() < entries();
    if (isLeaving) history.go(depth() - entries());
  };
  const wentBack = (/** @type {PopStateEvent} */ event) => {
    if (isLeaving || depth() > entries()) event.stopImmediatePropagation(); // so that the conversation stays
    while (!isLeaving && depth() > entries()) closeNewest(drawer);
    isLeaving = false;
    settle();
  };
  addEventListener("popstate", wentBack, { capture: true });
  document.addEventListener("beforetoggle", () => queueMicrotask(settle), { capture: true }); // earlier than `toggle` where a script opens a menu
  for (const type of ["toggle", "close"]) document.addEventListener(type, settle, { capture: true });
  new MutationObserver(settle).observe(document.body, { subtree: true, attributeFilter: ["open", "data-side"] });
  settle();
}
