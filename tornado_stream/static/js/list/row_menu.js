// @ts-check
/** The menu of a row. All rows share one menu. Loaded when first needed. */
import { pathOf } from "../conversation/navigation.js";
import { byId } from "../page/dom.js";

/** @typedef {import("./row_view.js").RowView} RowView */

export class RowMenu {
  #menu = byId("row-menu");
  /** @type {HTMLElement[]} */
  #items = [...this.#menu.querySelectorAll("[role=menuitem]")];
  /** The links that save the conversation as a file. @type {HTMLAnchorElement[]} */
  #files = [...this.#menu.querySelectorAll("[data-file]")];
  /** @type {RowView | null} */
  #row = null;

  /** @param {{rename: (row: RowView) => void, remove: (row: RowView) => void}} callbacks */
  constructor(callbacks) {
    this.#menu.addEventListener("toggle", (/** @type {ToggleEvent} */ event) => this.#row?.menuButton.setAttribute("aria-expanded", String(event.newState === "open")));
    this.#menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    byId("row-rename").addEventListener("click", () => this.#choose(callbacks.rename));
    byId("row-delete").addEventListener("click", () => this.#choose(callbacks.remove));
    for (const link of this.#files) link.addEventListener("click", () => this.#menu.hidePopover());
  }

  /** @param {RowView} row */
  toggle(row) {
    if (this.#menu.matches(":popover-open")) this.#menu.hidePopover();
    else this.open(row);
  }

  /** @param {RowView} row */
  open(row) {
    if (this.#menu.matches(":popover-open")) return;
    this.#row = row;
    for (const link of this.#files) link.href = `${pathOf(row.item.id)}.${link.dataset.file}`;
    row.menuButton.focus({ preventScroll: true }); // the browser returns the focus there when the menu closes
    this.#menu.showPopover();
    this.#place(row.menuButton.getBoundingClientRect(), this.#menu.getBoundingClientRect());
    this.#items[0].focus();
  }

  /** Place the menu below the button, or above it if there is no room below. @param {DOMRect} button @param {DOMRect} menu */
  #place(button, { width, height }) {
    const below = button.bottom + height + 8 < innerHeight;
    const start = document.dir === "rtl" ? button.right - width : button.left;
    this.#menu.style.top = `${below ? button.bottom + 4 : Math.max(8, button.top - height - 4)}px`;
    this.#menu.style.left = `${Math.max(8, Math.min(start, innerWidth - width - 8))}px`;
  }

  /** @param {(row: RowView) => void} act */
  #choose(act) {
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
}
