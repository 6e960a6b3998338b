// @ts-check
/** The long press of a finger, which opens a menu. With a mouse, the right button keeps the browser's own menu. */
/** Milliseconds. */
const LONG = 500;
/** How many pixels a resting finger may move. */
const STILL = 10;

/**
 * Call `act` when a finger has rested on something in `element`, and again when it is lifted: for the
 * browser, the lifted finger is a click outside of the menu that `act` opened, and closes that menu.
 * @param {HTMLElement} element @param {(target: Element) => boolean} act returns false if `target` has no menu
 */
export function onLongPress(element, act) {
  let timer = 0;
  let opened = false;
  let touched = false;
  let [x, y] = [0, 0];
  const cancel = () => clearTimeout(timer);
  const press = (/** @type {any} */ target) => {
    cancel();
    opened ||= act(target);
  };
  element.addEventListener("pointerdown", ({ pointerType, isPrimary, clientX, clientY, target }) => {
    cancel();
    opened = false;
    touched = pointerType === "touch";
    if (!touched || !isPrimary) return;
    [x, y] = [clientX, clientY];
    timer = window.setTimeout(press, LONG, target);
  });
  element.addEventListener("pointermove", ({ clientX, clientY }) => Math.hypot(clientX - x, clientY - y) > STILL && cancel());
  element.addEventListener("pointercancel", cancel);
  element.addEventListener("pointerup", cancel);
  element.addEventListener("dragstart", (event) => touched && event.preventDefault());
  element.addEventListener("contextmenu", (event) => {
    if (!touched) return;
    event.preventDefault(); // the browser has recognised the long press before this timer
    press(event.target);
  });
  const lifted = (/** @type {Event} */ event) => {
    if (!opened) return;
    event.preventDefault();
    event.stopPropagation();
    act(/** @type {Element} */ (event.target));
  };
  element.addEventListener("click", lifted, { capture: true });
}
