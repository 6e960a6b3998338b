// @ts-check
/**
 * The menu of a conversation, in the list and in the header. The rule: one table defines its rows. Loaded when first needed.
 *
 * @typedef {object} Target where a conversation is shown: a row of the list, or the header
 * @property {{id: string, title: string}} item the conversation
 * @property {HTMLElement} element
 * @property {HTMLElement} link shows the title, and is replaced while that is edited
 * @property {HTMLElement} menuButton
 * @property {() => void} focus
 *
 * @typedef {{rename: (target: Target) => void, remove: (target: Target) => void}} Actions
 *
 * @typedef {object} MenuRow
 * @property {string} label key of its text in the language files
 * @property {string} drawing an SVG path in a square of 20
 * @property {string} [file] the row saves the conversation as a file with this ending
 * @property {boolean} [danger]
 * @property {(target: Target, actions: Actions) => void} [run]
 */
import { pathOf } from "../conversation/navigation.js";
import { element } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { t } from "../page/words.js";

const SAVE = "M10 3v9M6 8.5l4 4 4-4M4 16.5h12";

/** By name, in their order. @type {Record<string, MenuRow>} */
export const ROWS = {
  rename: { label: "list.renameItem", drawing: "M4 16l.8-3.2L13 4.6l2.4 2.4-8.2 8.2z", run: (target, actions) => actions.rename(target) },
  markdown: { label: "list.asMarkdown", drawing: SAVE, file: "md" },
  json: { label: "list.asJson", drawing: SAVE, file: "json" },
  text: { label: "list.asText", drawing: SAVE, file: "txt" },
  remove: { label: "list.deleteItem", drawing: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6", danger: true, run: (target, actions) => actions.remove(target) },
};

export class ConversationMenu {
  #menu = element("div", "menu");
  /** @type {HTMLElement[]} */
  #items = [];
  /** @type {Target | null} */
  #target = null;

  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.#menu.popover = "auto";
    this.#menu.id = "conversation-menu";
    this.#menu.setAttribute("role", "menu");
    this.#menu.setAttribute("aria-label", t("list.menu"));
    this.#menu.addEventListener("toggle", (event) => this.#target?.menuButton.setAttribute("aria-expanded", String(/** @type {ToggleEvent} */ (event).newState === "open")));
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("resize", () => this.#menu.matches(":popover-open") && this.#place());
    document.body.append(this.#menu);
  }

  /** @param {Target} target */
  toggle(target) {
    if (this.#menu.matches(":popover-open")) this.#menu.hidePopover();
    else this.open(target);
  }

  /** @param {Target} target */
  open(target) {
    if (this.#menu.matches(":popover-open")) return;
    this.#target = target;
    this.#items = Object.values(ROWS).map((row) => this.#item(row, target));
    this.#menu.replaceChildren(...this.#items);
    target.menuButton.focus({ preventScroll: true }); // the browser returns the focus there when the menu closes
    this.#menu.showPopover();
    this.#place();
    this.#items[0].focus();
  }

  /** @param {MenuRow} row @param {Target} target */
  #item({ label, drawing, file, danger, run }, target) {
    const item = element(file ? "a" : "button", danger ? "danger" : "");
    if (item instanceof HTMLAnchorElement) Object.assign(item, { href: `${pathOf(target.item.id)}.${file}`, download: "" });
    else item.type = "button";
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    item.append(draw(drawing), element("span", "", t(label)));
    item.addEventListener("click", () => {
      this.#menu.hidePopover();
      run?.(target, this.actions);
    });
    return item;
  }

  /** Place the menu below the button, or above it if there is no room below. */
  #place() {
    const button = /** @type {Target} */ (this.#target).menuButton.getBoundingClientRect();
    const { width, height } = this.#menu.getBoundingClientRect();
    const below = button.bottom + height + 8 < innerHeight;
    const start = document.dir === "rtl" ? button.right - width : button.left;
    this.#menu.style.top = `${below ? button.bottom + 4 : Math.max(8, button.top - height - 4)}px`;
    this.#menu.style.left = `${Math.max(8, Math.min(start, innerWidth - width - 8))}px`;
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
