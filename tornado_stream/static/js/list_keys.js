// @ts-check
/**
 * The list by keyboard: one row is a stop for Tab, arrows lead from the search through the rows.
 * Home and End go to the ends, F2 renames, Delete deletes, Escape gives a search up.
 *
 * @typedef {import("./row_view.js").RowView} RowView
 */
export class ListKeys {
  /** The row where Tab stops. @type {RowView | null} */
  #stop = null;

  /**
   * @param {HTMLElement} list @param {HTMLInputElement} search @param {() => import("./rows.js").Rows} rows those that are shown
   * @param {{rename: (row: RowView) => void, remove: (row: RowView) => void, find: (text: string) => void}} acts
   */
  constructor(list, search, rows, acts) {
    this.search = search;
    this.rows = rows;
    this.acts = acts;
    list.addEventListener("keydown", (event) => this.#inList(event));
    list.addEventListener("focusin", (event) => this.#stopAt(this.rows().of(event.target) ?? null));
    search.addEventListener("keydown", (event) => this.#inSearch(event));
  }

  /** Other rows are shown: one of them is where Tab stops. @param {string | null} current */
  settle(current) {
    const rows = this.rows();
    if (this.#stop && rows.get(this.#stop.item.id) === this.#stop) return;
    this.#stopAt(rows.get(current ?? "") ?? rows.first ?? null);
  }

  /** @param {RowView | null} row */
  #stopAt(row) {
    this.#stop?.stop(false);
    this.#stop = row;
    row?.stop(true);
  }

  /** @param {KeyboardEvent} event */
  #inList(event) {
    const row = this.rows().of(event.target);
    if (!row || /** @type {Element} */ (event.target).matches("input") || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const rows = this.rows().all;
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) (rows[to] ?? (to < 0 ? this.search : row)).focus();
    else if (event.key === "F2") this.acts.rename(row);
    else if (event.key === "Delete") this.acts.remove(row);
    else if (event.key !== "Escape" || !this.#giveUp()) return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #inSearch(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown") this.rows().first?.focus();
    else if (event.key !== "Escape" || !this.#giveUp()) return;
    event.preventDefault(); // and the drawer stays open
  }

  /** @returns {boolean} whether there was a search to give up */
  #giveUp() {
    if (!this.search.value) return false;
    this.search.value = "";
    this.search.focus();
    this.acts.find("");
    return true;
  }
}
