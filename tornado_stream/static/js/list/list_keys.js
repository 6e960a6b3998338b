// @ts-check
/**
 * The list by keyboard: arrows lead from the search through the rows, F2 renames, Delete deletes, Escape gives a search up.
 *
 * @typedef {import("./row_view.js").RowView} Row
 * @typedef {object} List what the keys need of the list
 * @property {import("./rows.js").Rows} rows
 * @property {HTMLInputElement} search
 * @property {(text: string) => Promise<void>} find
 * @property {(act: (actions: {rename: (row: Row) => void, remove: (row: Row) => void}) => void) => Promise<void>} use
 */
import { isComposing } from "../page/shortcuts.js";

/** @param {KeyboardEvent} event @param {List} list */
export function listKey(event, list) {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || isComposing(event)) return;
  const all = list.rows.all;
  const row = target.matches("input") ? undefined : list.rows.of(target);
  if (target === list.search ? inSearch(event.key, all[0], list) : row && inRow(event.key, row, all, list)) event.preventDefault(); // and the drawer stays open
}

/** @param {string} key @param {Row | undefined} first @param {List} list */
function inSearch(key, first, list) {
  if (key === "Escape") return giveUp(list);
  if (key === "ArrowDown") first?.focus();
  return key === "ArrowDown";
}

/** @param {string} key @param {Row} row @param {Row[]} all @param {List} list */
function inRow(key, row, all, list) {
  const at = all.indexOf(row);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
  if (to !== undefined) (all[to] ?? (to < 0 ? list.search : row)).focus();
  else if (key === "F2") void list.use((actions) => actions.rename(row));
  else if (key === "Delete") void list.use((actions) => actions.remove(row));
  else return key === "Escape" && giveUp(list);
  return true;
}

/** @param {List} list @returns {boolean} whether there was a search to give up */
function giveUp(list) {
  if (!list.search.value) return false;
  list.search.value = "";
  list.search.focus();
  void list.find("");
  return true;
}
