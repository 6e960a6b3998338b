// @ts-check
/** Where the reader writes another title, in the place of the old one. */
import { element } from "../page/dom.js";
import { isComposing } from "../page/shortcuts.js";
import { t } from "../page/words.js";

/** @param {import("./row_view.js").RowView} row @param {(title: string) => void} save */
export function editTitle(row, save) {
  const { link, item } = row;
  if (!link.isConnected) return; // it is being edited
  const editor = element("input", "row-editor");
  editor.value = item.title;
  editor.maxLength = 200;
  editor.setAttribute("aria-label", t("list.rename", { title: row.title }));
  let over = false;
  const end = (/** @type {boolean} */ keep, /** @type {boolean} */ focus) => {
    if (over) return;
    over = true; // before the editor goes: its going is a blur, too
    editor.replaceWith(link);
    if (focus) row.focus();
    const title = editor.value.trim();
    if (keep && title && title !== row.item.title) save(title);
  };
  editor.addEventListener("blur", () => end(true, false));
  editor.addEventListener("keydown", (event) => {
    if ((event.key !== "Enter" && event.key !== "Escape") || isComposing(event)) return;
    event.preventDefault(); // Escape ends the editing, and does not close the drawer
    end(event.key === "Enter", true);
  });
  link.replaceWith(editor);
  editor.focus();
  editor.select();
}
