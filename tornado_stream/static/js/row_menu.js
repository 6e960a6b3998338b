// @ts-check
/** The menu of a row, one for all rows, and the question before a conversation is deleted. */
import { byId } from "./dom.js";
import { t } from "./words.js";

/** @typedef {import("./row_view.js").RowView} RowView */

export class RowMenu {
  #menu = byId("row-menu");
  #dialog = byId("delete-dialog");
  /** @type {RowView | null} */
  #row = null;

  /** @param {{rename: (row: RowView) => void, remove: (row: RowView) => void}} acts */
  constructor(acts) {
    this.#menu.addEventListener("toggle", (/** @type {ToggleEvent} */ event) => this.#toggled(event.newState === "open"));
    this.#menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    byId("row-rename").addEventListener("click", () => this.#take((row) => acts.rename(row)));
    byId("row-delete").addEventListener("click", () => this.#take((row) => this.#ask(row, acts.remove)));
  }

  /** @param {RowView} row */
  open(row) {
    if (this.#menu.matches(":popover-open")) return this.#menu.hidePopover();
    this.#row = row;
    this.#menu.showPopover();
    const button = row.more.getBoundingClientRect();
    const { width, height } = this.#menu.getBoundingClientRect();
    const below = button.bottom + height + 8 < innerHeight;
    this.#menu.style.top = `${below ? button.bottom + 4 : button.top - height - 4}px`;
    this.#menu.style.left = `${Math.max(8, Math.min(button.left, innerWidth - width - 8))}px`;
    this.#items[0].focus();
  }

  /** @returns {HTMLElement[]} */
  get #items() {
    return [...this.#menu.querySelectorAll("[role=menuitem]")];
  }

  /** @param {boolean} open */
  #toggled(open) {
    this.#row?.more.setAttribute("aria-expanded", String(open));
  }

  /** @param {(row: RowView) => void} act */
  #take(act) {
    const row = this.#row;
    this.#menu.hidePopover();
    if (row) act(row);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") this.#menu.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    items[(to + items.length) % items.length].focus();
  }

  /** @param {RowView} row @param {(row: RowView) => void} remove */
  #ask(row, remove) {
    byId("delete-what").textContent = t("list.remove", { title: row.title });
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#dialog.onclose = () => {
      if (this.#dialog.returnValue === "delete") remove(row);
      else row.more.focus();
    };
  }
}
