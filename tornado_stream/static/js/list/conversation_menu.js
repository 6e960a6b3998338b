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
 * @typedef {object} Actions what `RowActions` can do
 * @property {(target: Target) => void} rename
 * @property {(target: Target) => void} remove
 * @property {(row: import("./row_view.js").RowView) => void} select
 * @property {(target: Target) => Promise<void>} share
 * @property {(item: {id: string, title: string}) => import("../page/api.js").ConversationItem} known
 * @property {import("./places.js").Places} places
 * @property {import("./rows.js").List} list
 *
 * @typedef {object} MenuRow
 * @property {string | ((item: import("../page/api.js").ConversationItem) => string)} label key of its text in the language files
 * @property {string} drawing an SVG path in a square of 20
 * @property {boolean} [list] only in the list
 * @property {boolean} [sharing] only where the server lets users share
 * @property {string} [file] the row saves the conversation as a file with this ending
 * @property {boolean} [danger]
 * @property {(target: Target, actions: Actions) => void} [run]
 */
import { pathOf } from "../conversation/navigation.js";
import { element } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { t } from "../page/words.js";
import { FOLDER } from "./folder_dialogs.js";
import { SHARE } from "./share_marks.js";

/** The drawings of what moves a conversation, which the bar of a selection has too. */
export const DRAWINGS = {
  pin: "M7.5 3h5l-.6 5.2 2.6 2.8H5.5l2.6-2.8zM10 11v6",
  folder: FOLDER,
  archive: "M3 4.5h14v3.5H3zM4.2 8v8h11.6V8M8 11h4",
  remove: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6",
  select: "M3.5 3.5h13v13h-13zM6.5 10l2.5 2.5 4.5-5",
};
const SAVE = "M10 3v9M6 8.5l4 4 4-4M4 16.5h12";

/** By name, in their order. @type {Record<string, MenuRow>} */
export const ROWS = {
  rename: { label: "list.renameItem", drawing: "M4 16l.8-3.2L13 4.6l2.4 2.4-8.2 8.2z", run: (target, actions) => actions.rename(target) },
  pin: { label: ({ pinned }) => (pinned ? "select.unpin" : "select.pin"), drawing: DRAWINGS.pin, run: ({ item }, actions) => actions.places.pin([actions.known(item)]) },
  move: { label: "select.move", drawing: DRAWINGS.folder, run: (target, actions) => actions.places.move([actions.known(target.item)], () => target.focus()) },
  archive: { label: ({ archived }) => (archived ? "select.unarchive" : "select.archive"), drawing: DRAWINGS.archive, run: ({ item }, actions) => actions.places.archive([actions.known(item)]) },
  select: { label: "select.begin", drawing: DRAWINGS.select, list: true, run: ({ item }, actions) => actions.select(/** @type {import("./row_view.js").RowView} */ (actions.list.rows.get(item.id))) },
  share: { label: "share.item", drawing: SHARE, sharing: true, run: (target, actions) => void actions.share(target) },
  markdown: { label: "list.asMarkdown", drawing: SAVE, file: "md" },
  json: { label: "list.asJson", drawing: SAVE, file: "json" },
  text: { label: "list.asText", drawing: SAVE, file: "txt" },
  zip: { label: "list.withFiles", drawing: SAVE, file: "zip" },
  remove: { label: "list.deleteItem", drawing: DRAWINGS.remove, danger: true, run: (target, actions) => actions.remove(target) },
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
    addEventListener("resize", () => this.#menu.matches(":popover-open") && requestAnimationFrame(() => this.#place())); // the list beside the page comes and goes first
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
    const rows = Object.values(ROWS).filter(({ list, sharing }) => (!sharing || this.actions.list.marks) && (!list || this.actions.list.rows.get(target.item.id) === target));
    this.#items = rows.map((row) => this.#item(row, target));
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
    item.append(draw(drawing), element("span", "", t(typeof label === "string" ? label : label(this.actions.known(target.item)))));
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
