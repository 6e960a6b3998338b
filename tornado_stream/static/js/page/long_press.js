// @ts-check
/** A finger that rests on something asks for its menu. The mouse has its own button for that, and keeps the browser's menu. */
const LONG = 500;
/** Pixels that a resting finger may move. */
const STILL = 10;

/**
 * `act` is called once the finger has rested, and again when it is lifted: lifting it is for the
 * browser a press beside what was opened, which closes it.
 * @param {HTMLElement} element @param {(target: Element) => boolean} act false: there is nothing to open for this
 */
export function onLongPress(element, act) {
  let timer = 0;
  let taken = false;
  let touched = false;
  let [x, y] = [0, 0];
  const over = () => clearTimeout(timer);
  const take = (/** @type {any} */ target) => {
    over();
    taken ||= act(target);
  };
  element.addEventListener("pointerdown", ({ pointerType, isPrimary, clientX, clientY, target }) => {
    over();
    taken = false;
    touched = pointerType === "touch";
    if (!touched || !isPrimary) return;
    [x, y] = [clientX, clientY];
    timer = window.setTimeout(take, LONG, target);
  });
  element.addEventListener("pointermove", ({ clientX, clientY }) => Math.hypot(clientX - x, clientY - y) > STILL && over());
  element.addEventListener("pointercancel", over);
  element.addEventListener("pointerup", over);
  element.addEventListener("dragstart", (event) => touched && event.preventDefault());
  element.addEventListener("contextmenu", (event) => {
    if (!touched) return;
    event.preventDefault(); // the browser has noticed it first
    take(event.target);
  });
  const lifted = (/** @type {Event} */ event) => {
    if (!taken) return;
    event.preventDefault();
    event.stopPropagation();
    act(/** @type {Element} */ (event.target));
  };
  element.addEventListener("click", lifted, { capture: true });
}
