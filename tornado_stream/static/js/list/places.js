// @ts-check
/** Pins, archives and moves conversations, and renames folders. Loaded with the actions of a row. */
import { failureText } from "../page/errors.js";
import { t } from "../page/words.js";
import { askForFolder, askForName } from "./folder_dialogs.js";

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

  /** Ask for another name of a folder, or whether to give it up, and do that. @param {string} name @param {() => void} focus what gets the focus afterwards @returns {Promise<string>} the name now; empty: the folder is given up */
  async changeFolder(name, focus) {
    const to = await askForName(name);
    focus();
    if (to === undefined) return name;
    const ids = this.conversations.all.filter(({ folder }) => folder === name).map(({ id }) => id);
    const done = await this.#request({ folder: name }, { folder: to }, ids, to ? t("select.renamed", { folder: to }) : t("select.dissolved", { folder: name }));
    return done ? (to ?? "") : name;
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
