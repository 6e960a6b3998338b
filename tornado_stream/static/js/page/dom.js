// @ts-check
/** Creates and arranges elements. The rule: text is set as text, never as markup. */

/** An element with a class and a text. @template {keyof HTMLElementTagNameMap} T @param {T} tag @param {string} [className] @param {string} [text] @returns {HTMLElementTagNameMap[T]} */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** @param {string} label @param {(event: MouseEvent) => void} act @param {string} [kind] more classes */
export function button(label, act, kind = "") {
  const made = element("button", `button ${kind}`, label);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

/** @param {string} label @param {(event: MouseEvent) => void} act */
export const smallButton = (label, act) => button(label, act, "small");

/** Give a parent exactly these children. An element that is at its place already is not moved, because moving takes the focus away. @param {HTMLElement} parent @param {HTMLElement[]} elements */
export function arrange(parent, elements) {
  const wanted = new Set(elements);
  for (const child of [...parent.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  let next = parent.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
}

/** Make a text box as high as its text, if the browser does not do it itself. @param {HTMLTextAreaElement} field */
export function growToText(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** A part of the page that is loaded when it is first needed; null: it could not be loaded, and the next call tries again. @template T @param {() => Promise<T>} load @returns {() => Promise<T | null>} */
export function whenNeeded(load) {
  /** @type {Promise<T | null> | null} */
  let part = null;
  return () => (part ??= load().catch(() => (part = null)));
}

/** Whether the user has a mouse or something like it. On other devices, focusing a text box opens a keyboard over the page. */
export const hasFinePointer = () => matchMedia("(pointer: fine)").matches;

/** The element of the page with this id. @param {string} id @returns {any} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
