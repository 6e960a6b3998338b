// @ts-check
/** The list by keyboard: arrows lead from the search through the rows, F2 renames, Delete deletes, Escape gives a search up. */

/** @param {KeyboardEvent} event @param {import("./list_view.js").ListView} view */
export function listKey(event, view) {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  const all = view.rows.all;
  const row = target.matches("input") ? undefined : view.rows.of(target);
  if (target === view.search ? inSearch(event.key, all[0], view) : row && inRow(event.key, row, all, view)) event.preventDefault(); // and the drawer stays open
}

/** @param {string} key @param {import("./row_view.js").RowView | undefined} first @param {import("./list_view.js").ListView} view */
function inSearch(key, first, view) {
  if (key === "Escape") return giveUp(view);
  if (key === "ArrowDown") first?.focus();
  return key === "ArrowDown";
}

/** @typedef {import("./row_view.js").RowView} Row @param {string} key @param {Row} row @param {Row[]} all @param {import("./list_view.js").ListView} view */
function inRow(key, row, all, view) {
  const at = all.indexOf(row);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
  if (to !== undefined) (all[to] ?? (to < 0 ? view.search : row)).focus();
  else if (key === "F2") void view.use((tools) => tools.rename(row));
  else if (key === "Delete") void view.use((tools) => tools.remove(row));
  else return key === "Escape" && giveUp(view);
  return true;
}

/** @param {import("./list_view.js").ListView} view @returns {boolean} whether there was a search to give up */
function giveUp(view) {
  if (!view.search.value) return false;
  view.search.value = "";
  view.search.focus();
  void view.find("");
  return true;
}
