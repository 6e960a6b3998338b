// @ts-check
/**
 * The keys of the list: arrows move from the search box through the rows, F2 renames, Delete deletes, Escape ends a search.
 * Shift or Ctrl with an arrow, a space or A selects.
 *
 * @typedef {import("./row_view.js").RowView} Row
 * @typedef {object} List the part of `ListView` that the keys need
 * @property {import("./rows.js").Rows} rows
 * @property {HTMLInputElement} search
 * @property {(text: string) => Promise<void>} find
 * @property {import("./selection.js").Selection | null} selection
 * @property {(act: (actions: {rename: (row: Row) => void, remove: (row: Row) => void, select: (row: Row, event?: KeyboardEvent) => void}) => void) => Promise<void>} withActions
 */
import { isComposing } from "../page/shortcuts.js";

/** Handle a key that was pressed in the sidebar. @param {KeyboardEvent} event @param {List} list */
export function handleListKey(event, list) {
  const target = /** @type {Element} */ (event.target);
  if (event.altKey || isComposing(event)) return;
  const all = list.rows.all;
  const row = target.matches("input") ? undefined : list.rows.containing(target);
  const isWith = event.ctrlKey || event.metaKey || event.shiftKey;
  if (row && (isWith ? /^(Arrow(Up|Down)|Home|End| |a)$/i : list.selection ? /^( |Escape|Delete)$/ : /^$/).test(event.key)) {
    event.preventDefault();
    return void list.withActions((actions) => actions.select(list.rows.containing(document.activeElement) ?? row, event)); // the row after keys that waited for the code
  }
  if (isWith) return;
  const handled = target === list.search ? inSearch(event.key, all[0], list) : row && inRow(event.key, row, all, list);
  if (handled) event.preventDefault(); // which also keeps the drawer open
}

/** @param {string} key @param {Row | undefined} first @param {List} list */
function inSearch(key, first, list) {
  if (key === "Escape") return endSearch(list);
  if (key === "ArrowDown") first?.focus();
  return key === "ArrowDown";
}

/** @param {string} key @param {Row} row @param {Row[]} all @param {List} list */
function inRow(key, row, all, list) {
  const at = all.indexOf(row);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
  if (to !== undefined) (all[to] ?? (to < 0 ? list.search : row)).focus();
  else if (key === "F2") void list.withActions((actions) => actions.rename(row));
  else if (key === "Delete") void list.withActions((actions) => actions.remove(row));
  else return key === "Escape" && endSearch(list);
  return true;
}

/** @param {List} list @returns {boolean} whether there was a search to end */
function endSearch(list) {
  if (!list.search.value) return false;
  list.search.value = "";
  list.search.focus();
  void list.find("");
  return true;
}
