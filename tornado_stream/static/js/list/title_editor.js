// @ts-check
/** The text box in which the user edits a conversation's title. It replaces the row's link. */
import { element } from "../page/dom.js";
import { isComposing } from "../page/shortcuts.js";
import { t } from "../page/words.js";

/** Enter and leaving the box save the title, Escape does not. @param {import("./row_view.js").RowView} row @param {(title: string) => void} save called only if the title has changed */
export function editTitle(row, save) {
  const { link, item } = row;
  if (!link.isConnected) return; // the title is being edited already
  const editor = element("input", "row-editor");
  editor.value = item.title;
  editor.maxLength = 200;
  editor.setAttribute("aria-label", t("list.rename", { title: row.title }));
  let ended = false;
  const end = (/** @type {boolean} */ keep, /** @type {boolean} */ focus) => {
    if (ended) return;
    ended = true; // first, because replacing the editor also fires `blur`
    editor.replaceWith(link);
    if (focus) row.focus();
    const title = editor.value.trim();
    if (keep && title && title !== row.item.title) save(title);
  };
  editor.addEventListener("blur", () => end(true, false));
  editor.addEventListener("keydown", (event) => {
    if ((event.key !== "Enter" && event.key !== "Escape") || isComposing(event)) return;
    event.preventDefault(); // so that Escape does not also close the drawer
    end(event.key === "Enter", true);
  });
  link.replaceWith(editor);
  editor.focus();
  editor.select();
}
