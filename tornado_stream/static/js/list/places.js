// @ts-check
/** Pins, archives and moves conversations, and asks for the folder. Loaded with the actions of a row. */
import { failureText } from "../page/errors.js";
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

/** @typedef {import("../page/api.js").ConversationItem} Item */
/** @typedef {{pinned?: boolean, archived?: boolean, folder?: string | null}} Place */

export class Places {
  /** @param {import("./conversations.js").Conversations} conversations @param {import("./rows.js").List} list @param {(text: string) => void} say */
  constructor(conversations, list, say) {
    this.conversations = conversations;
    this.list = list;
    this.say = say;
  }

  /** Pin, or take the pins off where all are pinned. @param {Item[]} items */
  async pin(items) {
    const pinned = !items.every((item) => item.pinned);
    await this.#change(items, { pinned }, pinned ? t("select.pinned", { n: items.length }) : t("select.unpinned", { n: items.length }));
  }

  /** Archive, or take out of the archive where all are in it. @param {Item[]} items */
  async archive(items) {
    const archived = !items.every((item) => item.archived);
    await this.#change(items, { archived }, archived ? t("select.archived", { n: items.length }) : t("select.unarchived", { n: items.length }));
  }

  /** Ask for a folder, and move the conversations there. @param {Item[]} items @param {() => void} focus what gets the focus afterwards */
  async move(items, focus) {
    const names = new Set([...this.conversations.folders.map(({ name }) => name), ...this.conversations.all.map(({ folder }) => folder ?? "")]);
    names.delete("");
    const folder = await askForFolder([...names].sort((a, b) => a.localeCompare(b)), items);
    if (folder !== undefined) await this.#change(items, { folder }, folder ? t("select.moved", { n: items.length, folder }) : t("select.movedOut", { n: items.length }));
    focus();
  }

  /** @param {string} name @param {string | null} to null: its conversations are in no folder then */
  async renameFolder(name, to) {
    const ids = this.conversations.all.filter(({ folder }) => folder === name).map(({ id }) => id);
    await this.#request({ folder: name }, { folder: to }, ids, to ? t("select.renamed", { folder: to }) : t("select.dissolved", { folder: name }));
  }

  /** @param {Item[]} items @param {Place} changes @param {string} said */
  async #change(items, changes, said) {
    const ids = items.map(({ id }) => id);
    const { conversations } = this;
    const loose = items.filter((item) => !conversations.items.some(({ id }) => id === item.id)).map((item) => ({ ...item }));
    if (!(await this.#request({ ids }, changes, ids, said)) || !loose.length) return;
    conversations.opened.set("", { items: [...loose.map((item) => ({ ...item, ...changes })), ...(conversations.opened.get("")?.items ?? [])] });
    conversations.change([], {});
  }

  /** @param {{ids?: string[], folder?: string}} which @param {Place} changes @param {string[]} ids @param {string} said */
  async #request(which, changes, ids, said) {
    const { conversations } = this;
    const { id, place } = this.list.conversation;
    try {
      await conversations.api.many("PATCH", { ...which, changes });
    } catch (error) {
      this.list.report(failureText(error));
      return false;
    }
    if (ids.includes(String(id)) || ("folder" in which && place.folder === which.folder)) Object.assign(place, changes);
    conversations.change(ids, changes);
    if (conversations.found && changes.archived === false) conversations.found.items = conversations.found.items.filter((item) => item.archived || !ids.includes(item.id) || conversations.query);
    conversations.tellTabs({ type: "changed", conversation_id: "", ids, changes });
    conversations.change([], {});
    this.say(said);
    return true;
  }
}

/**
 * A dialog with the folders there are, and a box for a new one.
 * @param {string[]} names @param {Item[]} items @returns {Promise<string | null | undefined>} null: no folder; undefined: cancelled
 */
async function askForFolder(names, items) {
  await loadStyleSheet("panel").catch(() => {});
  const dialog = element("dialog", "dialog small-dialog folders");
  const title = element("h2", "", t("select.moveTitle", { n: items.length }));
  title.id = "folders-title";
  dialog.setAttribute("aria-labelledby", title.id);
  /** @type {string | null | undefined} */
  let chosen;
  const now = items.every(({ folder }) => (folder ?? null) === (items[0].folder ?? null)) ? (items[0].folder ?? null) : undefined;
  const list = choices([null, ...names], now, (name) => {
    chosen = name;
    dialog.close();
  });
  const form = element("form", "folder-new");
  const box = element("input", "field");
  box.maxLength = 100;
  box.placeholder = t("select.newFolder");
  box.setAttribute("aria-label", t("select.newFolder"));
  const create = element("button", "button", t("select.create"));
  form.append(box, create);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    chosen = box.value.trim() || undefined;
    if (chosen) dialog.close();
    else box.focus();
  });
  const cancel = element("button", "button", t("edit.cancel"));
  cancel.type = "button";
  cancel.addEventListener("click", () => dialog.close());
  const actions = element("div", "dialog-actions");
  actions.append(cancel);
  dialog.append(title, list, form, actions);
  document.body.append(dialog);
  dialog.showModal();
  (names.length ? /** @type {HTMLElement} */ (list.firstElementChild) : box).focus();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  dialog.remove();
  return chosen;
}

/** A button for each folder. @param {(string | null)[]} names null: no folder @param {string | null | undefined} now the folder that is marked @param {(name: string | null) => void} choose */
function choices(names, now, choose) {
  const list = element("div", "folder-list");
  for (const name of names) {
    const button = element("button", "folder-choice", name ?? t("select.none"));
    button.type = "button";
    if (name === now) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose(name));
    list.append(button);
  }
  return list;
}
