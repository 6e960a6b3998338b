// @ts-check
/**
 * The rows of a list, grouped in sections, which consist of chunks: the browser lays out only the
 * chunks near the screen. Whether a row begins a chunk depends only on its id, so a row that appears or
 * disappears changes only one chunk.
 *
 * @typedef {import("../page/api.js").ConversationItem} Item
 * @typedef {import("./row_view.js").Search} Search
 *
 * @typedef {object} List the part of the list's view that modules need which it loads later
 * @property {Rows} rows
 * @property {HTMLInputElement} search
 * @property {import("./conversations.js").Conversations} conversations
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("./unread.js").Unread} unread
 * @property {any} selection
 * @property {any} organizer
 * @property {any} marks
 * @property {(text: string) => void} report
 * @property {(act: (actions: any) => void) => Promise<void>} withActions
 */
import { arrange, byId, element } from "../page/dom.js";
import { dateGroupName } from "./date_groups.js";
import { RowView } from "./row_view.js";

export class Rows {
  /** The rows by the id of their conversation. @type {Map<string, RowView>} */
  #rows = new Map();
  /** @type {Map<string, Section>} */
  #sections = new Map();

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
  }

  /** All rows, in the order in which they are shown. */
  get all() {
    return Array.from(this.#sections.values(), (section) => section.rows).flat();
  }

  /** @param {string | null} id */
  get(id) {
    return this.#rows.get(id ?? "");
  }

  /** The row that contains an element. @param {EventTarget | null} target */
  containing(target) {
    return this.get(/** @type {HTMLElement} */ (target).closest("[data-id]")?.getAttribute("data-id") ?? null);
  }

  /**
   * @param {{key: string, items: Item[], heading?: HTMLElement}[]} groups `key`: a date group; empty: a section without a heading
   * @param {(item: Item) => boolean} isUnread @param {string | null} open @param {Search | null} search
   */
  show(groups, isUnread, open, search) {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    const had = this.element.contains(focused);
    const at = had ? this.all.findIndex(({ element }) => element.contains(focused)) : -1;
    const sections = this.#sections;
    this.#sections = new Map();
    for (const { key, items, heading } of groups) {
      const section = sections.get(key) ?? new Section(key, heading);
      this.#sections.set(key, section);
      section.show(items.map((item) => this.#show(item, item.id === open, isUnread(item), search)));
    }
    arrange(this.element, Array.from(this.#sections.values(), (section) => section.element));
    for (const [id, row] of this.#rows) if (!row.element.isConnected) this.#rows.delete(id);
    if (!had || focused === document.activeElement) return;
    if (this.element.contains(focused)) focused.focus({ preventScroll: true }); // moving its row took the focus away
    else (this.all[Math.max(at, 0)] ?? this.all.at(-1) ?? byId("search")).focus(); // its row is gone
  }

  /** @param {Item} item @param {boolean} current @param {boolean} unread @param {Search | null} search */
  #show(item, current, unread, search) {
    let row = this.#rows.get(item.id);
    if (!row) this.#rows.set(item.id, (row = new RowView(item)));
    row.show(item, current, unread, search);
    return row;
  }
}

class Section {
  element = element("section", "period");
  /** @type {RowView[]} */
  rows = [];
  #list = element("div");
  /** The chunks by their first row. @type {Map<RowView, Chunk>} */
  #chunks = new Map();

  /** @param {string} key @param {HTMLElement} [heading] */
  constructor(key, heading = key ? element("h3", "", dateGroupName(key)) : undefined) {
    this.#list.setAttribute("role", "list");
    if (heading) {
      heading.id ||= `period-${key}`;
      this.#list.setAttribute("aria-labelledby", heading.id);
      this.element.append(heading);
    }
    this.element.append(this.#list);
  }

  /** @param {RowView[]} rows */
  show(rows) {
    this.rows = rows;
    /** @type {RowView[][]} */
    const parts = [];
    for (const row of rows) {
      if (row.beginsChunk || !parts.length) parts.push([]);
      parts[parts.length - 1].push(row);
    }
    const chunks = new Map(parts.map((part) => [part[0], this.#chunks.get(part[0]) ?? new Chunk()]));
    arrange(this.#list, Array.from(chunks.values(), (chunk) => chunk.element));
    for (const part of parts) chunks.get(part[0])?.show(part);
    this.#chunks = chunks;
  }
}

class Chunk {
  element = element("div", "chunk");
  /** @type {RowView[]} */
  #rows = [];

  /** @param {RowView[]} rows */
  show(rows) {
    if (rows.length === this.#rows.length && rows.every((row, index) => row === this.#rows[index])) return; // most chunks have not changed, and comparing the DOM would cost more
    arrange(this.element, rows.map((row) => row.element));
    this.element.style.setProperty("--rows", String(rows.length));
    this.#rows = rows;
  }
}
