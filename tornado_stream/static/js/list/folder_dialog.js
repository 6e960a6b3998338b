// @ts-check
/** The dialog that renames a folder or gives it up. Loaded when first needed. */
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

/** @param {string} name @returns {Promise<string | null | undefined>} the new name; null: give it up; undefined: cancelled */
export async function folderDialog(name) {
  await loadStyleSheet("panel").catch(() => {});
  const dialog = element("dialog", "dialog small-dialog folders");
  const title = element("h2", "", t("select.folderTitle", { folder: name }));
  title.id = "folder-title";
  dialog.setAttribute("aria-labelledby", title.id);
  /** @type {string | null | undefined} */
  let chosen;
  const form = element("form", "folder-new");
  const box = element("input", "field");
  box.value = name;
  box.maxLength = 100;
  box.setAttribute("aria-label", t("select.folderName"));
  form.append(box, element("button", "button primary", t("edit.save")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const to = box.value.trim();
    if (to && to !== name) chosen = to;
    dialog.close();
  });
  const actions = element("div", "dialog-actions");
  for (const [label, value] of /** @type {[string, null | undefined][]} */ ([[t("select.dissolve"), null], [t("edit.cancel"), undefined]])) {
    const button = element("button", "button", label);
    button.type = "button";
    button.addEventListener("click", () => {
      chosen = value;
      dialog.close();
    });
    actions.append(button);
  }
  dialog.append(title, form, element("p", "panel-hint", t("select.dissolveHint")), actions);
  document.body.append(dialog);
  dialog.showModal();
  box.select();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  dialog.remove();
  return chosen;
}
