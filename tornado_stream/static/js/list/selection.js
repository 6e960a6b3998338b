// @ts-check
/**
 * Selecting many rows, as in a list of mails: a bar above the list says how many there are and what can be done with
 * them. Each row is a check box meanwhile. Loaded with the actions of a row.
 *
 * @typedef {import("./row_view.js").RowView} Row
 */
import { byId, element, smallButton } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { t } from "../page/words.js";
import { DRAWINGS } from "./conversation_menu.js";

/** How many conversations the server changes at once. */
const MOST = 500;

export class Selection {
  /** @type {Set<string>} */
  #ids = new Set();
  /** Where a range begins. */
  #anchor = "";
  #bar = element("div", "select-bar");
  #count = element("p", "select-count");
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();
  /** The rows that are check boxes. @type {Set<Row>} */
  #marked = new Set();

  /** @param {import("./rows.js").List} list @param {any} actions @param {() => void} ended */
  constructor(list, actions, ended) {
    this.list = list;
    this.actions = actions;
    this.ended = ended;
    this.#bar.setAttribute("role", "toolbar");
    this.#bar.setAttribute("aria-label", t("select.bar"));
    this.#count.setAttribute("role", "status");
    const head = element("div", "select-head");
    head.append(this.#count, smallButton(t("select.all"), () => this.#selectAll()), smallButton(t("select.done"), () => this.end()));
    const tools = element("div", "select-tools");
    const { places } = actions;
    const back = () => this.list.rows.all[0]?.focus();
    tools.append(
      this.#button("pin", DRAWINGS.pin, (items) => places.pin(items)),
      this.#button("move", DRAWINGS.folder, (items) => places.move(items, back)),
      this.#button("archive", DRAWINGS.archive, (items) => places.archive(items)),
      this.#button("remove", DRAWINGS.remove, (items) => actions.removeMany(items)),
    );
    this.#bar.append(head, tools);
    this.#bar.addEventListener("keydown", (event) => this.#keyInBar(event));
    byId("side-list").before(this.#bar);
    document.body.dataset.selecting = "";
  }

  /** A key in a row, or without `event` the first row from the menu. @param {Row} row @param {KeyboardEvent} [event] */
  act(row, event) {
    const key = event?.key ?? " ";
    if (key === "Escape") return this.end(row);
    if (key === "Delete") return this.#run((items) => this.actions.removeMany(items));
    if (/^a$/i.test(key)) return this.#selectAll();
    const all = this.list.rows.all;
    const at = all.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
    const next = to === undefined ? row : (all[to] ?? row);
    if (event?.shiftKey) this.#selectRange(row, next);
    else if (key === " ") this.#toggle(row);
    next.focus();
    this.show();
  }

  /** A click on a row. @param {MouseEvent} event @param {Row} row @returns {boolean} whether it was for the selection */
  clicked(event, row) {
    event.preventDefault();
    if (event.shiftKey) this.#selectRange(row, row);
    else this.#toggle(row);
    row.focus();
    this.show();
    return true;
  }

  /** Show what is selected. Rows that are gone are not selected any more. */
  show() {
    const all = this.list.rows.all;
    const there = new Set(all.map(({ item }) => item.id));
    for (const id of this.#ids) if (!there.has(id)) this.#ids.delete(id);
    for (const row of this.#marked) if (!there.has(row.item.id)) this.#unmark(row);
    for (const row of all) this.#mark(row);
    const items = this.#items();
    this.#count.textContent = t("select.selected", { n: items.length });
    const label = (/** @type {string} */ name, /** @type {string} */ text) => {
      const button = this.#buttons.get(name);
      button?.setAttribute("aria-label", text);
      if (button) [button.title, button.disabled] = [text, !items.length];
    };
    label("pin", t(items.length && items.every(({ pinned }) => pinned) ? "select.unpin" : "select.pin"));
    label("move", t("select.move"));
    label("archive", t(items.length && items.every(({ archived }) => archived) ? "select.unarchive" : "select.archive"));
    label("remove", t("select.remove"));
  }

  /** @param {Row} [row] which gets the focus */
  end(row) {
    this.ended();
    for (const marked of this.#marked) this.#unmark(marked);
    delete document.body.dataset.selecting;
    const hadFocus = this.#bar.contains(document.activeElement);
    this.#bar.remove();
    if (row) row.focus();
    else if (hadFocus) (this.list.rows.get(this.#anchor) ?? this.list.rows.all[0] ?? this.list.search).focus();
  }

  #items() {
    return this.list.rows.all.map(({ item }) => item).filter(({ id }) => this.#ids.has(id));
  }

  /** @param {(items: import("../page/api.js").ConversationItem[]) => unknown} act */
  async #run(act) {
    const items = this.#items();
    if (!items.length) return;
    const all = this.list.rows.all;
    const at = all.findIndex(({ item }) => item.id === items[0].id);
    this.#anchor = (all.slice(at).find(({ item }) => !this.#ids.has(item.id)) ?? all.findLast(({ item }) => !this.#ids.has(item.id)))?.item.id ?? "";
    await act(items);
    this.end(this.list.rows.get(this.#anchor) ?? this.list.rows.all[0]);
  }

  /** @param {string} name @param {string} drawing @param {(items: import("../page/api.js").ConversationItem[]) => unknown} act */
  #button(name, drawing, act) {
    const button = element("button", "icon-button");
    button.type = "button";
    button.dataset.action = name;
    button.append(draw(drawing));
    button.addEventListener("click", () => void this.#run(act));
    this.#buttons.set(name, button);
    return button;
  }

  /** @param {Row} row */
  #toggle(row) {
    const { id } = row.item;
    if (!this.#ids.delete(id)) this.#add(id);
    this.#anchor = id;
  }

  /** Select what lies between the anchor and a row, and nothing else. @param {Row} from the row that is the anchor if there is none @param {Row} to */
  #selectRange(from, to) {
    const all = this.list.rows.all;
    this.#anchor = this.list.rows.get(this.#anchor) ? this.#anchor : from.item.id;
    const [first, last] = [all.findIndex(({ item }) => item.id === this.#anchor), all.indexOf(to)].sort((a, b) => a - b);
    this.#ids = new Set(all.slice(first, last + 1).slice(0, MOST).map(({ item }) => item.id));
  }

  #selectAll() {
    for (const { item } of this.list.rows.all) this.#add(item.id);
    this.show();
  }

  /** @param {string} id */
  #add(id) {
    if (this.#ids.size < MOST) this.#ids.add(id);
    else this.actions.say(t("select.most", { n: MOST }));
  }

  /** @param {Row} row */
  #mark(row) {
    const isSelected = String(this.#ids.has(row.item.id));
    if (row.link.getAttribute("aria-checked") === isSelected) return;
    row.link.setAttribute("role", "checkbox");
    row.link.setAttribute("aria-checked", isSelected);
    this.#marked.add(row);
  }

  /** @param {Row} row */
  #unmark(row) {
    row.link.removeAttribute("role");
    row.link.removeAttribute("aria-checked");
    this.#marked.delete(row);
  }

  /** @param {KeyboardEvent} event */
  #keyInBar(event) {
    if (event.key === "Escape") {
      event.preventDefault(); // so that the drawer stays open
      return this.end();
    }
    const buttons = /** @type {HTMLButtonElement[]} */ ([...this.#bar.querySelectorAll("button:enabled")]);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    buttons[(at + (document.dir === "rtl" ? -step : step) + buttons.length) % buttons.length].focus();
  }
}
