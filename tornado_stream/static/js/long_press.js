// @ts-check
/** A finger that rests on something asks for its menu. The mouse has its own button for that, and keeps the browser's menu. */
const LONG = 500;
/** Pixels that a resting finger may move. */
const STILL = 10;

/** @param {HTMLElement} element @param {(target: Element) => boolean} act false: there is no menu for this */
export function onLongPress(element, act) {
  let timer = 0;
  let taken = false;
  let touched = false;
  let [x, y] = [0, 0];
  const over = () => clearTimeout(timer);
  element.addEventListener("pointerdown", (event) => {
    over();
    taken = false;
    touched = event.pointerType === "touch";
    if (!touched || !event.isPrimary) return;
    [x, y] = [event.clientX, event.clientY];
    timer = window.setTimeout(() => (taken = act(/** @type {Element} */ (event.target))), LONG);
  });
  element.addEventListener("pointermove", (event) => Math.hypot(event.clientX - x, event.clientY - y) > STILL && over());
  for (const type of ["pointerup", "pointercancel"]) element.addEventListener(type, over);
  element.addEventListener("contextmenu", (event) => touched && event.preventDefault());
  element.addEventListener("click", (event) => taken && (event.preventDefault(), event.stopPropagation()), { capture: true });
}
