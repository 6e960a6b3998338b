// @ts-check
/** Notes about conversations in the trash, each with an Undo button, and about deletions that failed. The trash waits while the pointer or the focus is on them. */
import { byId, element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";
import { titleOf } from "./row_view.js";

/** @typedef {import("./trash.js").Item} Item */

/** Characters of a title in a note at most. In some languages what was done comes after the title, and has to be seen. */
const LONGEST = 32;

/** @param {string} title */
const shortened = (title) => (title.length > LONGEST ? `${[...title].slice(0, LONGEST - 1).join("").trimEnd()}…` : title);

export class Toasts {
  #region = element("section", "toasts");
  /** @type {Map<Item, HTMLElement>} */
  #shown = new Map();
  /** The element that gets the focus back when a focused note closes. @type {HTMLElement | null} */
  #returnTo = null;

  /** @param {import("./trash.js").Trash} trash @param {(item: Item) => void} undo */
  constructor(trash, undo) {
    this.trash = trash;
    this.undo = undo;
    this.#region.setAttribute("aria-label", t("trash.region"));
    for (const [type, paused] of Object.entries({ pointerenter: true, pointerleave: false, focusin: true, focusout: false })) {
      this.#region.addEventListener(type, () => trash.setPaused(paused || this.#region.matches(":hover, :focus-within")));
    }
    this.#region.addEventListener("focusin", ({ relatedTarget: from }) => {
      if (from && !this.#region.contains(/** @type {HTMLElement} */ (from))) this.#returnTo = /** @type {HTMLElement} */ (from);
    });
    trash.addEventListener("change", () => this.#show());
    document.body.append(this.#region);
  }

  #show() {
    const { items } = this.trash;
    for (const [item, toast] of this.#shown) if (!items.includes(item)) this.#shown.delete(item) && this.#close(toast);
    for (const item of items) if (!this.#shown.has(item)) this.#add(item);
    this.trash.setPaused(this.#region.matches(":hover, :focus-within"));
  }

  /** Show a text until the user closes it. @param {string} text */
  note(text) {
    const toast = this.#append(text, smallButton(t("trash.close"), () => this.#close(toast)), () => this.#close(toast));
    toast.dataset.tone = "bad";
  }

  /** @param {Item} item */
  #add(item) {
    const title = titleOf(item);
    const undo = smallButton(t("trash.undo"), () => this.undo(item));
    undo.setAttribute("aria-label", t("trash.undoOf", { title }));
    this.#shown.set(item, this.#append(t("trash.deleted", { title: shortened(title) }), undo, () => void this.trash.deleteNow(item.id)));
  }

  /** @param {string} text @param {HTMLElement} button @param {() => void} end called for Escape */
  #append(text, button, end) {
    const toast = element("div", "toast");
    toast.append(element("p", "", text), button);
    toast.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // so that Escape does not also close the drawer
      end();
    });
    this.#region.append(toast);
    return toast;
  }

  /** @param {HTMLElement} toast */
  #close(toast) {
    const focused = toast.contains(document.activeElement);
    toast.remove();
    if (focused) (this.#returnTo?.isConnected ? this.#returnTo : byId("question")).focus();
  }
}
