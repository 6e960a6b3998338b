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
  /** By their first row. @type {Map<RowView, Chunk>} */
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
    if (rows.length === this.#rows.length && rows.every((row, index) => row === this.#rows[index])) return; // most are: to look at the DOM would cost more
    arrange(this.element, rows.map((row) => row.element));
    this.element.style.setProperty("--rows", String(rows.length));
    this.#rows = rows;
  }
}
