// @ts-check
/** What was deleted, each with the button that takes it back, or that it could not be. Time stands still while one looks at them. */
import { byId, element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";

/** @typedef {import("./trash.js").Item} Item */

export class Toasts {
  #region = element("section", "toasts");
  /** @type {Map<Item, HTMLElement>} */
  #shown = new Map();
  /** Where the reader came from. @type {HTMLElement | null} */
  #from = null;

  /** @param {import("./trash.js").Trash} trash @param {(item: Item) => void} undo */
  constructor(trash, undo) {
    this.trash = trash;
    this.undo = undo;
    this.#region.setAttribute("aria-label", t("trash.region"));
    for (const [type, held] of Object.entries({ pointerenter: true, pointerleave: false, focusin: true, focusout: false })) {
      this.#region.addEventListener(type, () => trash.hold(held || this.#region.matches(":hover, :focus-within")));
    }
    this.#region.addEventListener("focusin", ({ relatedTarget }) => this.#came(/** @type {HTMLElement | null} */ (relatedTarget)));
    trash.addEventListener("change", () => this.#show());
    document.body.append(this.#region);
  }

  #show() {
    const { items } = this.trash;
    for (const [item, toast] of this.#shown) if (!items.includes(item)) this.#shown.delete(item) && this.#take(toast);
    for (const item of items) if (!this.#shown.has(item)) this.#add(item);
    this.trash.hold(this.#region.matches(":hover, :focus-within"));
  }

  /** Something to read, until it is closed. @param {string} text */
  note(text) {
    const toast = this.#put(text, smallButton(t("trash.close"), () => this.#take(toast)), () => this.#take(toast));
    toast.dataset.tone = "bad";
  }

  /** @param {Item} item */
  #add(item) {
    const title = titleOf(item);
    const undo = smallButton(t("trash.undo"), () => this.undo(item));
    undo.setAttribute("aria-label", t("trash.undoOf", { title }));
    this.#shown.set(item, this.#put(t("trash.deleted", { title }), undo, () => void this.trash.end(item.id)));
  }

  /** @param {string} text @param {HTMLElement} button @param {() => void} end what Escape does */
  #put(text, button, end) {
    const toast = element("div", "toast");
    toast.append(element("p", "", text), button);
    toast.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // and the drawer stays open
      end();
    });
    this.#region.append(toast);
    return toast;
  }

  /** @param {HTMLElement} toast */
  #take(toast) {
    const focused = toast.contains(document.activeElement);
    toast.remove();
    if (focused) (this.#from?.isConnected ? this.#from : byId("question")).focus();
  }

  /** @param {HTMLElement | null} from */
  #came(from) {
    if (from && !this.#region.contains(from)) this.#from = from;
  }
}

/** @param {{title: string}} item */
export const titleOf = ({ title }) => title || t("list.untitled");
