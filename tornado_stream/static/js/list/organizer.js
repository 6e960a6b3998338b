// @ts-check
/**
 * Pinned conversations, folders and the archive in the list. The browser remembers which folders are open. Those are
 * read from the server like the list itself, and so is the folder of the open conversation. Loaded when there is a pin,
 * a folder, or the archive is opened.
 */
import { byId, element } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { readJson, writeJson } from "../page/storage.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { language, t } from "../page/words.js";
import { groupByDate } from "./date_groups.js";

/** @typedef {import("../page/api.js").ConversationItem} Item */

const KEY = "tornado-stream:folders";
/** Conversations in one request, and requests at most when a folder is opened. */
const PART = { limit: 200, most: 50 };
const ARROW = "M7.5 5l5 5-5 5";

/** Let the list show pins and folders. @param {import("./rows.js").List} list */
export async function organize(list) {
  await loadStyleSheet("organize").catch(() => {});
  list.organizer ??= new Organizer(list);
}

export class Organizer {
  /** @type {Set<string>} */
  #open = new Set();
  /** The folder of the open conversation. @type {string | null} */
  #current = null;
  /** @type {Map<string, HTMLElement>} */
  #headings = new Map();
  #pinned = element("h3", "", t("select.pins"));
  /** ETags of the folders' newest parts. @type {Map<string, string>} */
  #etags = new Map();

  /** @param {import("./rows.js").List} list */
  constructor(list) {
    this.list = list;
    this.conversations = list.conversations;
    this.storage = list.unread.storage;
    const stored = readJson(this.storage, KEY);
    if (Array.isArray(stored)) this.#open = new Set(stored.map(String));
    this.conversations.also = () => this.#refresh();
    list.conversation.addEventListener("loaded", (event) => (this.#current = /** @type {CustomEvent} */ (event).detail.folder ?? null));
    this.conversations.refreshSoon();
  }

  /** The groups of the list: pins, folders, then dates. */
  groups() {
    const { conversations } = this;
    const beside = conversations.visible([conversations.pinned, ...Array.from(conversations.opened.values(), ({ items }) => items)].flat());
    /** @type {Set<string>} */
    const seen = new Set();
    /** @type {Item[]} */
    const pinned = [];
    /** @type {Item[]} */
    const loose = [];
    /** @type {Map<string, Item[]>} */
    const folders = new Map(conversations.folders.map(({ name }) => [name, []]));
    const add = (/** @type {Item} */ item) => {
      if (seen.has(item.id)) return;
      seen.add(item.id);
      if (item.archived) return;
      if (item.pinned) pinned.push(item);
      else if (!item.folder) loose.push(item);
      else folders.set(item.folder, [...(folders.get(item.folder) ?? []), item]);
    };
    const byTime = (/** @type {Item} */ a, /** @type {Item} */ b) => b.updated_at - a.updated_at;
    for (const item of beside) add(item);
    const isMixed = loose.length > 0;
    for (const item of conversations.shown) add(item);
    if (isMixed) loose.sort(byTime);
    const names = [...folders.keys()].sort((a, b) => a.localeCompare(b));
    names.forEach((name, index) => this.#heading(name).classList.toggle("first", !index));
    return [
      ...(pinned.length ? [{ key: "pinned", items: pinned.sort(byTime), heading: this.#pinned }] : []),
      ...names.map((name) => ({ key: `folder ${name}`, items: this.#open.has(name) ? (folders.get(name) ?? []).sort(byTime) : [], heading: this.#heading(name) })),
      ...groupByDate(loose),
    ];
  }

  /** Show the archive, or the list again. */
  async toggleArchive() {
    const { conversations, list } = this;
    const isOpen = conversations.found?.label;
    list.search.value = "";
    await conversations.search("");
    if (isOpen) return this.#showArchive(false);
    const what = { archived: true };
    const page = await conversations.api.conversations(what).catch(() => null);
    if (conversations.query) return; // the user has begun a search meanwhile
    if (!page) return list.report(t("list.noServer"));
    conversations.found = { items: page.conversations, next: page.next, what, label: (n, more) => t(more ? "select.archiveMore" : "select.archiveCount", { n }) };
    conversations.change([], {});
    this.#showArchive(true);
    (list.rows.all[0] ?? byId("archive")).focus();
  }

  /** @param {boolean} open */
  #showArchive(open) {
    const button = byId("archive");
    button.setAttribute("aria-pressed", String(open));
    const { conversations } = this;
    if (!open) return;
    const close = () => {
      if (conversations.found?.label) return;
      conversations.removeEventListener("change", close);
      button.setAttribute("aria-pressed", "false");
    };
    conversations.addEventListener("change", close);
  }

  /** @param {string} name */
  #heading(name) {
    let heading = this.#headings.get(name);
    if (!heading) this.#headings.set(name, (heading = this.#createHeading(name)));
    const [toggle] = heading.children;
    const count = this.conversations.folders.find((folder) => folder.name === name)?.count;
    toggle.setAttribute("aria-expanded", String(this.#open.has(name)));
    /** @type {HTMLElement} */ (toggle.lastElementChild).textContent = count?.toLocaleString(language) ?? "";
    return heading;
  }

  /** @param {string} name */
  #createHeading(name) {
    const heading = element("h3", "folder");
    heading.id = `folder-${this.#headings.size}`;
    const toggle = element("button", "folder-toggle");
    toggle.type = "button";
    toggle.append(draw(ARROW), element("bdi", "folder-name", name), element("span", "folder-count"));
    toggle.addEventListener("click", () => void this.#toggle(name));
    const more = element("button", "row-more");
    more.type = "button";
    more.setAttribute("aria-label", t("select.folderMenu", { folder: name }));
    more.setAttribute("aria-haspopup", "dialog");
    more.addEventListener("click", () => void this.#change(name, toggle));
    heading.append(toggle, more);
    return heading;
  }

  /** @param {string} name */
  async #toggle(name) {
    if (!this.#open.delete(name)) this.#open.add(name);
    writeJson(this.storage, KEY, [...this.#open]);
    this.conversations.change([], {});
    if (this.#open.has(name)) await this.#read(name).catch(() => this.list.report(t("list.noServer")));
    else this.conversations.opened.delete(name);
    this.conversations.change([], {});
  }

  /** Rename a folder, or give it up. @param {string} name @param {HTMLElement} toggle */
  async #change(name, toggle) {
    await this.list.withActions(async ({ places }) => {
      const now = await places.changeFolder(name, () => toggle.focus());
      if (this.#open.delete(name) && now) this.#open.add(now);
      writeJson(this.storage, KEY, [...this.#open]);
      const heading = now !== name && this.#headings.get(now);
      if (heading) requestAnimationFrame(() => /** @type {HTMLElement} */ (heading.firstElementChild).focus()); // the old one had the focus
    });
  }

  /** Read open folders again; the server answers 304 if nothing has changed. */
  async #refresh() {
    const { opened, folders } = this.conversations;
    opened.delete(""); // the server has what was moved
    const names = folders.map(({ name }) => name).filter((name) => this.#open.has(name) || name === this.#current);
    for (const name of opened.keys()) if (!names.includes(name)) opened.delete(name);
    const before = new Map(opened);
    for (const name of names) await this.#read(name);
    if (names.some((name) => before.get(name) !== opened.get(name))) this.conversations.change([], {});
  }

  /** Read a folder: its newest part, and the others if they are not known. @param {string} name */
  async #read(name) {
    const { api, opened } = this.conversations;
    const known = opened.get(name)?.items ?? [];
    const etag = known.length ? this.#etags.get(name) : undefined;
    const page = await api.conversations({ folder: name, limit: PART.limit, etag });
    if (!page) return;
    this.#etags.set(name, page.etag);
    const items = [...page.conversations];
    const last = known.findIndex(({ id }) => id === items.at(-1)?.id);
    if (page.next && last >= 0) items.push(...known.slice(last + 1));
    else for (let { next } = page, n = 1; next && n < PART.most; n++) {
      const more = await api.conversations({ folder: name, limit: PART.limit, before: next });
      items.push(...(more?.conversations ?? []));
      next = more?.next ?? null;
    }
    opened.set(name, { items });
  }
}
