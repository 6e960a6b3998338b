// @ts-check
/**
 * What the keyboard can do: one table, which decides what a key does and which the dialog lists.
 * A browser's own keys are left alone, and so are keys that an input method composes with.
 *
 * @typedef {"shortcuts" | "search" | "fresh" | "side" | "model" | "panel" | "copy"} PageShortcut
 * @typedef {"send" | "newline" | "stop" | "edit"} ComposerShortcut
 * @typedef {object} Shortcut
 * @property {PageShortcut | ComposerShortcut} name
 * @property {"page" | "composer"} where it works: everywhere, or while a question is written
 * @property {string[]} keys any of them; `mod` is ⌘ on a Mac and Ctrl elsewhere
 * @property {string} label the key of what the dialog says it does
 */
const SINGLE = "tornado-stream:single-keys";

/** @type {Shortcut[]} */
export const SHORTCUTS = [
  { name: "send", where: "composer", keys: ["enter"], label: "shortcuts.send" },
  { name: "newline", where: "composer", keys: ["shift+enter"], label: "shortcuts.newline" },
  { name: "edit", where: "composer", keys: ["arrowup"], label: "shortcuts.edit" },
  { name: "stop", where: "composer", keys: ["escape"], label: "shortcuts.stop" },
  { name: "search", where: "page", keys: ["mod+k", "/"], label: "shortcuts.search" },
  { name: "fresh", where: "page", keys: ["mod+shift+o"], label: "shortcuts.fresh" },
  { name: "side", where: "page", keys: ["alt+shift+s"], label: "shortcuts.side" },
  { name: "model", where: "page", keys: ["alt+shift+m"], label: "shortcuts.model" },
  { name: "panel", where: "page", keys: ["alt+shift+p"], label: "shortcuts.panel" },
  { name: "copy", where: "page", keys: ["alt+shift+c"], label: "shortcuts.copy" },
  { name: "shortcuts", where: "page", keys: ["?"], label: "shortcuts.list" },
];

export const isMac = /^(Mac|iP)/.test(globalThis.navigator?.platform ?? "");

/**
 * What a key means here; undefined: nothing.
 * @param {KeyboardEvent} event @param {"page" | "composer"} where @param {boolean} [mac]
 */
export function shortcutOf(event, where, mac = isMac) {
  if (isComposing(event)) return undefined;
  return SHORTCUTS.find((one) => one.where === where && one.keys.some((key) => isPressed(event, key, mac)))?.name;
}

/** Whether an input method composes with this key; 229 is Safari's, after the composition has ended. @param {KeyboardEvent} event */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** A key that types a character wherever one can be written. @param {string} key */
export const isSingle = (key) => key.length === 1;

/** @param {KeyboardEvent} event @param {string} key @param {boolean} mac */
function isPressed(event, key, mac) {
  const { ctrlKey, metaKey, altKey, shiftKey } = event;
  if (isSingle(key)) return event.key === key && !ctrlKey && !metaKey && !altKey; // however the layout types it
  const parts = key.split("+");
  const mod = parts.includes("mod");
  const held = ctrlKey === (mod && !mac) && metaKey === (mod && mac) && altKey === parts.includes("alt") && shiftKey === parts.includes("shift");
  return held && names(event, parts[parts.length - 1]);
}

/** Where a layout has no Latin letters, or Alt makes others of them, the place of the key counts. @param {KeyboardEvent} event @param {string} letter */
function names({ key, code }, letter) {
  const typed = key.toLowerCase();
  return /^[a-z]$/.test(typed) || typed.length > 1 ? typed === letter : code.toLowerCase() === `key${letter}`;
}

export class Shortcuts {
  /** @param {Document} page @param {import("./storage.js").Storage} storage @param {Record<PageShortcut, () => void>} callbacks */
  constructor(page, storage, callbacks) {
    this.storage = storage;
    this.callbacks = callbacks;
    page.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Whether `/` and `?` do something: who speaks to the computer may not want that. */
  get single() {
    return this.storage.get(SINGLE) !== "off";
  }

  set single(on) {
    if (on) this.storage.remove(SINGLE);
    else this.storage.set(SINGLE, "off");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented || event.repeat || isSomethingOpen()) return;
    const name = shortcutOf(event, "page");
    if (!name || (isSingle(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey && !this.#takesSingle(event))) return;
    event.preventDefault();
    this.callbacks[/** @type {PageShortcut} */ (name)]();
  }

  /** @param {KeyboardEvent} event */
  #takesSingle({ target }) {
    return this.single && !(/** @type {HTMLElement} */ (target).matches("input, textarea, select, [contenteditable]"));
  }
}

/** A dialog or a menu has the keys first. */
export const isSomethingOpen = () => document.querySelector(":popover-open, dialog[open]") !== null;
