// @ts-check
/** The dialogs about folders: which one conversations are moved to, and what one is called. Loaded with the actions of a row. */
import { button, element } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

/** @typedef {import("../page/api.js").ConversationItem} Item */
/** The name of a folder; null: none; undefined: the user has cancelled. @typedef {string | null | undefined} Choice */

/** The drawing of a folder. */
export const FOLDER = "M3 5.5h5l1.5 2H17v8H3z";
/** Characters of a name at most; the server refuses longer ones. */
const LONGEST = 100;

/** Ask for the folder of conversations: one that is there, or a new one. @param {string[]} names @param {Item[]} items @returns {Promise<Choice>} */
export async function askForFolder(names, items) {
  const dialog = new FolderDialog(t("select.moveTitle", { n: items.length }), t("select.newFolder"), t("select.create"));
  const now = items.every(({ folder }) => (folder ?? null) === (items[0].folder ?? null)) ? (items[0].folder ?? null) : undefined;
  const list = element("div", "folder-list");
  for (const name of [null, ...names]) {
    const choice = button("", () => dialog.end(name));
    choice.className = "folder-choice";
    choice.append(draw(name === null ? "M5 10h10" : FOLDER), element("bdi", "", name ?? t("select.none")));
    if (name === now) choice.setAttribute("aria-current", "true");
    list.append(choice);
  }
  dialog.box.placeholder = t("select.newFolder");
  dialog.form.before(list);
  return dialog.ask(() => (names.length ? /** @type {HTMLElement} */ (list.firstElementChild) : dialog.box).focus());
}

/** Ask for another name of a folder, or whether to give it up. @param {string} name @returns {Promise<Choice>} */
export async function askForName(name) {
  const dialog = new FolderDialog(t("select.folderTitle", { folder: name }), t("select.folderName"), t("edit.save"));
  dialog.box.value = name;
  dialog.form.after(element("p", "panel-hint", t("select.dissolveHint")));
  dialog.actions.prepend(button(t("select.dissolve"), () => dialog.end(null)));
  const to = await dialog.ask(() => dialog.box.select());
  return to === name ? undefined : to;
}

/** A dialog with a box for a name. */
class FolderDialog {
  form = element("form", "folder-new");
  box = element("input", "field");
  actions = element("div", "dialog-actions");
  #dialog = element("dialog", "dialog small-dialog folders");
  /** @type {Choice} */
  #choice;

  /** @param {string} title @param {string} label of the box @param {string} take what the button beside the box says */
  constructor(title, label, take) {
    const heading = element("h2", "", title);
    heading.id = "folders-title";
    this.#dialog.setAttribute("aria-labelledby", heading.id);
    this.box.maxLength = LONGEST;
    this.box.setAttribute("aria-label", label);
    this.form.append(this.box, element("button", "button primary", take));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.box.value.trim();
      if (name) this.end(name);
      else this.box.focus();
    });
    this.actions.append(button(t("edit.cancel"), () => this.#dialog.close()));
    this.#dialog.append(heading, this.form, this.actions);
  }

  /** @param {Choice} choice */
  end(choice) {
    this.#choice = choice;
    this.#dialog.close();
  }

  /** Show the dialog until it is closed. @param {() => void} focus */
  async ask(focus) {
    await loadStyleSheet("panel").catch(() => {});
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    focus();
    await new Promise((done) => this.#dialog.addEventListener("close", done, { once: true }));
    this.#dialog.remove();
    return this.#choice;
  }
}
