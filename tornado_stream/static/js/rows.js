// @ts-check
/** The rows of a list in their sections. Each stays what it is while the list changes around it. */
import { arrange } from "./dom.js";
import { nameOf } from "./periods.js";
import { RowView } from "./row_view.js";
import { SectionView } from "./section_view.js";

/** @typedef {import("./api.js").ConversationItem} Item */

export class Rows {
  /** By conversation, as they stand. @type {Map<string, RowView>} */
  #rows = new Map();
  /** @type {Map<string, SectionView>} */
  #sections = new Map();

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
  }

  /** As they stand. */
  get all() {
    return [...this.#rows.values()];
  }

  /** @returns {RowView | undefined} */
  get first() {
    return this.#rows.values().next().value;
  }

  /** @param {string} id */
  get(id) {
    return this.#rows.get(id);
  }

  /** The row in which an element is. @param {EventTarget | null} target */
  of(target) {
    return this.#rows.get(/** @type {HTMLElement} */ (target).closest("[data-id]")?.getAttribute("data-id") ?? "");
  }

  /** @param {{key: string, items: Item[]}[]} groups `key`: a period, or empty for none @param {(item: Item) => Omit<import("./row_view.js").Look, "item">} look */
  show(groups, look) {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    const before = this.#rows;
    this.#rows = new Map();
    /** @type {Map<string, SectionView>} */
    const sections = new Map();
    for (const { key, items } of groups) {
      const section = this.#sections.get(key) ?? new SectionView(key && nameOf(key), `period-${key}`);
      sections.set(key, section);
      section.show(items.map((item) => this.#row(item, before, look(item))));
    }
    this.#sections = sections;
    arrange(this.element, Array.from(sections.values(), (section) => section.element));
    if (focused !== document.activeElement && this.element.contains(focused)) focused.focus({ preventScroll: true }); // its row was moved
  }

  /** @param {Item} item @param {Map<string, RowView>} before @param {Omit<import("./row_view.js").Look, "item">} look */
  #row(item, before, look) {
    const row = before.get(item.id) ?? new RowView(item);
    row.show({ item, ...look });
    this.#rows.set(item.id, row);
    return row;
  }
}
