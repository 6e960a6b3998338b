// @ts-check
/**
 * A part of the list under its heading. Rows stand in chunks, and what is off the screen costs
 * nothing: the browser lays out only the chunks that are near. Where a chunk begins depends on its
 * first row alone, so a row that comes or goes changes one chunk and leaves thousands of others.
 *
 * @typedef {import("./row_view.js").RowView} RowView
 */
import { arrange, element } from "./dom.js";

export class SectionView {
  element = element("section", "period");
  #list = element("div");
  /** By their first row. @type {Map<RowView, HTMLElement>} */
  #chunks = new Map();

  /** @param {string} name empty: it has no heading @param {string} id */
  constructor(name, id) {
    const heading = element("h3", "", name);
    heading.id = id;
    this.#list.setAttribute("role", "list");
    if (name) this.#list.setAttribute("aria-labelledby", id);
    this.element.append(...(name ? [heading] : []), this.#list);
  }

  /** @param {RowView[]} rows */
  show(rows) {
    /** @type {RowView[][]} */
    const parts = [];
    for (const row of rows) {
      if (row.beginsChunk || !parts.length) parts.push([]);
      parts[parts.length - 1].push(row);
    }
    const chunks = new Map(parts.map((part) => [part[0], this.#chunks.get(part[0]) ?? element("div", "chunk")]));
    arrange(this.#list, [...chunks.values()]);
    for (const part of parts) fill(/** @type {HTMLElement} */ (chunks.get(part[0])), part);
    this.#chunks = chunks;
  }
}

/** @param {HTMLElement} chunk @param {RowView[]} rows */
function fill(chunk, rows) {
  arrange(chunk, rows.map((row) => row.element));
  chunk.style.setProperty("--rows", String(rows.length));
}
