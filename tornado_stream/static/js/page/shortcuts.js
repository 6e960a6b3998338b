// @ts-check
/**
 * The keyboard shortcuts. One table decides what the keys do, and the list of shortcuts shows it. The rule:
 * the browser's own keys, and the keys with which an input method composes a character, do nothing here.
 *
 * @typedef {"shortcuts" | "search" | "fresh" | "side" | "model" | "panel" | "settings" | "copy"} PageShortcut
 * @typedef {"send" | "newline" | "stop" | "edit"} ComposerShortcut
 * @typedef {object} Shortcut
 * @property {PageShortcut | ComposerShortcut} name
 * @property {"page" | "composer"} where `page`: everywhere; `composer`: in the question box
 * @property {string[]} keys each of them does the same; `mod` is ⌘ on a Mac and Ctrl elsewhere
 * @property {string[]} [otherwise] the keys if Enter begins a new line
 */
import { hasFinePointer } from "./dom.js";

const SINGLE_KEYS = "tornado-stream:single-keys";

/** @type {Shortcut[]} */
export const SHORTCUTS = [
  { name: "send", where: "composer", keys: ["enter"], otherwise: ["mod+enter"] },
  { name: "newline", where: "composer", keys: ["shift+enter"], otherwise: ["enter"] },
  { name: "edit", where: "composer", keys: ["arrowup"] },
  { name: "stop", where: "composer", keys: ["escape"] },
  { name: "search", where: "page", keys: ["mod+k", "/"] },
  { name: "fresh", where: "page", keys: ["mod+shift+o"] },
  { name: "side", where: "page", keys: ["alt+shift+s"] },
  { name: "model", where: "page", keys: ["alt+shift+m"] },
  { name: "panel", where: "page", keys: ["alt+shift+p"] },
  { name: "settings", where: "page", keys: ["alt+shift+e"] },
  { name: "copy", where: "page", keys: ["alt+shift+c"] },
  { name: "shortcuts", where: "page", keys: ["?"] },
];

export const isMac = /^(Mac|iP)/.test(globalThis.navigator?.platform ?? "");

/**
 * The name of the shortcut that a key means; undefined: none.
 * @param {KeyboardEvent} event @param {"page" | "composer"} where @param {boolean} [mac]
 */
export function shortcutOf(event, where, mac = isMac) {
  if (isComposing(event)) return undefined;
  return SHORTCUTS.find((one) => one.where === where && keysNow(one).some((key) => isPressed(event, key, mac)))?.name;
}

/** The keys of a shortcut, as the user has chosen what Enter does. @param {Shortcut} shortcut */
export const keysNow = ({ keys, otherwise }) => (otherwise && !enterSends() ? otherwise : keys);

/** Whether Enter sends a question. Without a choice, it does so beside a mouse: a keyboard on the screen has no Shift+Enter. */
export function enterSends() {
  const { enter } = globalThis.document?.documentElement?.dataset ?? { enter: "send" };
  return enter ? enter === "send" : hasFinePointer();
}

/** Whether an input method uses this key to compose a character. Safari reports the key that ends a composition only by the code 229. @param {KeyboardEvent} event */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Where the browser itself does something for a key. @type {Record<string, string>} */
const NATIVE = { Escape: "input, dialog, [popover]", Enter: "input" };

/** A key that ends a composition does nothing else: Escape closes no dialog and empties no search box, Enter sends no form. @param {KeyboardEvent} event */
const keepComposition = (event) => isComposing(event) && /** @type {Element} */ (event.target).closest(NATIVE[event.key] ?? "none") && event.preventDefault();

/** Whether a key is a single character, such as `/`. @param {string} key */
export const isSingle = (key) => key.length === 1;

/** @param {KeyboardEvent} event @param {string} key @param {boolean} mac */
function isPressed(event, key, mac) {
  const { ctrlKey, metaKey, altKey, shiftKey } = event;
  if (isSingle(key)) return event.key === key && !ctrlKey && !metaKey && !altKey; // Shift is allowed: some layouts need it for this character
  const parts = key.split("+");
  const mod = parts.includes("mod");
  const held = ctrlKey === (mod && !mac) && metaKey === (mod && mac) && altKey === parts.includes("alt") && shiftKey === parts.includes("shift");
  return held && isKey(event, parts[parts.length - 1]);
}

/** Compare the character of a key. If it is no Latin letter, because of the layout or Alt, compare the key's place on the keyboard. @param {KeyboardEvent} event @param {string} name a Latin letter, or a name such as `enter` */
function isKey({ key, code }, name) {
  const typed = key.toLowerCase();
  return /^[a-z]$/.test(typed) || typed.length > 1 ? typed === name : code.toLowerCase() === `key${name}`;
}

/** Keys that are pressed before the code for them is there: characters, and those that go on, change or end what is written. */
const HELD = /^(.|Enter|Backspace|Escape|Arrow(Up|Down))$/u;

/** Milliseconds for which keys are held at most: a network that stalls must not take the keyboard from the page. */
const HELD_AT_MOST = 3000;

/** Hold the keys that are pressed while something opens, and give them to what has the focus then, so that a user can go on typing. @param {Promise<unknown>} opening never rejected */
export async function holdKeys(opening) {
  /** @type {KeyboardEvent[]} */
  const held = [];
  const hold = (/** @type {KeyboardEvent} */ event) => {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey || !HELD.test(event.key)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    held.push(event);
  };
  addEventListener("keydown", hold, true);
  await Promise.race([opening, new Promise((done) => setTimeout(done, HELD_AT_MOST))]);
  removeEventListener("keydown", hold, true);
  for (const event of held) {
    const focused = document.activeElement;
    const writes = focused?.matches("input, textarea");
    if (writes && isSingle(event.key)) document.execCommand("insertText", false, event.key); // which a user can undo
    else if (writes && event.key === "Backspace") document.execCommand("delete");
    else focused?.dispatchEvent(new KeyboardEvent("keydown", event));
  }
}

export class Shortcuts {
  /** @param {Document} page @param {import("./storage.js").Storage} storage @param {Record<PageShortcut, () => void>} callbacks */
  constructor(page, storage, callbacks) {
    this.storage = storage;
    this.callbacks = callbacks;
    page.addEventListener("keydown", (event) => this.#key(event));
    page.addEventListener("keydown", keepComposition, true);
  }

  /** Whether `/` and `?` are shortcuts. Users who control their computer by voice can switch them off. */
  get singleKeys() {
    return this.storage.get(SINGLE_KEYS) !== "off";
  }

  set singleKeys(on) {
    this.storage.set(SINGLE_KEYS, on ? "on" : "off");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented || event.repeat || isSomethingOpen()) return;
    const name = shortcutOf(event, "page");
    if (!name || (isSingle(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey && !this.#acceptsSingleKey(event))) return;
    event.preventDefault();
    this.callbacks[/** @type {PageShortcut} */ (name)]();
  }

  /** @param {KeyboardEvent} event */
  #acceptsSingleKey({ target }) {
    return this.singleKeys && !(/** @type {HTMLElement} */ (target).matches("input, textarea, select, [contenteditable]"));
  }
}

/** Whether a dialog or a menu is open, which then gets the keys. */
export const isSomethingOpen = () => document.querySelector(":popover-open, dialog[open]") !== null;
