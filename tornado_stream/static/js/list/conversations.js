// @ts-check
/**
 * The list of conversations, newest first, and the results of a search. While the page is visible,
 * this object asks the server for the newest page every few seconds; the server answers 304 if nothing
 * has changed. Pinned conversations and those in folders are beside the list; organizer.js shows them.
 * Fires `change`, also when a new day begins, and `removed` (detail: the id).
 *
 * @typedef {import("../page/api.js").ConversationItem} Item
 */
/** Milliseconds between two requests for the newest page. */
const INTERVAL = 3000;
/** Milliseconds without a key after which a search is sent. */
const TYPING_PAUSE = 200;
/** How many older conversations one request asks for. */
const PAGE_SIZE = 100;
/** To close a gap to the known conversations, at most so many pages of the server's largest size are fetched. */
const GAP = { pages: 5, limit: 200 };

export class Conversations extends EventTarget {
  /** @type {Item[]} */
  items = [];
  /** The server's cursor for older conversations; null: there are none. @type {string | null} */
  next = null;
  /** @type {"loading" | "ready" | "unreachable"} */
  state = "loading";
  query = "";
  /** The results of the search, or another list that `what` asks for; null: there is none, or the server has not answered yet. @type {{items: Item[], next: string | null, what: object, label?: (n: number, more: boolean) => string} | null} */
  found = null;
  /** @type {Item[]} */
  pinned = [];
  /** @type {{name: string, count: number}[]} */
  folders = [];
  /** The conversations of open folders, by name. @type {Map<string, {items: Item[]}>} */
  opened = new Map();
  /** What else to ask the server after the newest page. @type {(() => Promise<void>) | undefined} */
  also;
  #etag = "";
  #stale = false;
  #sleep = new AbortController();
  #search = new AbortController();
  #fetchingMore = false;
  /** The ids of conversations that are deleted, or waiting in the trash. @type {Set<string>} */
  #hidden = new Set();
  #day = new Date().toDateString();

  /** @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle @param {import("../page/tabs.js").Tabs} tabs */
  constructor(api, lifecycle, tabs) {
    super();
    this.api = api;
    this.lifecycle = lifecycle;
    this.tabs = tabs;
  }

  /** The conversations to show: the results of a search if there are any, otherwise the list. @returns {Item[]} */
  get shown() {
    return this.visible(this.found ? this.found.items : this.items);
  }

  /** All known conversations of the list; one that was moved may be there twice, and the first is right. @returns {Item[]} */
  get all() {
    return [this.pinned, ...Array.from(this.opened.values(), ({ items }) => items), this.items].flat();
  }

  /** Whether there is more than the list by date. */
  get isOrganized() {
    return !!(this.pinned.length + this.folders.length + this.opened.size);
  }

  /** Those that are not deleted. @param {Item[]} items */
  visible(items) {
    return this.#hidden.size ? items.filter(({ id }) => !this.#hidden.has(id)) : items;
  }

  /** Keep the list up to date until `signal` fires; without a signal, for as long as the page lives. @param {AbortSignal} [signal] */
  async watch(signal) {
    while (!signal?.aborted) {
      this.#stale = false;
      this.#sleep = new AbortController();
      if (!this.lifecycle.hidden) await this.#refresh();
      this.#checkDay();
      if (!this.#stale) await this.lifecycle.sleep(INTERVAL * (this.lifecycle.hidden ? 15 : 1), this.#sleep.signal);
    }
  }

  /** Ask the server again as soon as possible, because something has changed. */
  refreshSoon() {
    this.#stale = !this.lifecycle.hidden;
    this.#sleep.abort();
  }

  /** Load older conversations, or more results of the search. Fires `change` also after a failure. */
  async loadMore() {
    const { found } = this;
    const before = found ? found.next : this.next;
    if (!before || this.#fetchingMore) return;
    this.#fetchingMore = true;
    const what = { ...(found ? found.what : { sections: true }), before, limit: PAGE_SIZE };
    const page = await this.api.conversations(what).catch(() => null);
    if (!page) await this.lifecycle.sleep(INTERVAL);
    this.#fetchingMore = false;
    if (page && found === this.found && before === (found ?? this).next) {
      const items = found ? found.items : this.items;
      items.push(...without(page.conversations, items));
      (found ?? this).next = page.next;
    }
    this.#changed(); // a view that still shows the end of the list calls `loadMore` again
  }

  /** Find conversations. An empty text ends the search. @param {string} text */
  async search(text) {
    this.query = text.trim();
    this.#search.abort();
    this.#search = new AbortController();
    const { signal } = this.#search;
    if (this.query) {
      await new Promise((done) => setTimeout(done, TYPING_PAUSE));
      const what = { q: this.query };
      const page = signal.aborted ? null : await this.api.conversations(what, signal).catch(() => null);
      if (signal.aborted) return;
      this.found = { items: page?.conversations ?? [], next: page?.next ?? null, what };
      if (!page) this.state = "unreachable";
    } else this.found = null;
    this.#changed();
  }

  /** Rename a conversation. Throws if the server did not. @param {string} id @param {string} title */
  async rename(id, title) {
    await this.api.change(id, { title });
    this.change([id], { title });
    this.tellTabs({ type: "changed", conversation_id: id });
  }

  /** Note what has changed at the server. @param {string[]} ids @param {Partial<Item>} changes */
  change(ids, changes) {
    const some = new Set(ids);
    this.#updateItems((items) => items.map((item) => (some.has(item.id) ? { ...item, ...changes } : item)));
  }

  /** Leave conversations out of `shown`, or show them again. @param {string[]} ids @param {boolean} hidden */
  setHidden(ids, hidden) {
    for (const id of ids) hidden ? this.#hidden.add(id) : this.#hidden.delete(id);
    this.#changed();
  }

  /** Delete conversations at the server. Throws if the server did not. @param {string[]} ids @param {boolean} [leaving] the page is being closed, and the request has to outlive it */
  async remove(ids, leaving = false) {
    if (ids.length === 1) await this.api.remove(ids[0], leaving);
    else await this.api.many("DELETE", { ids }, leaving);
    this.forget(...ids);
    for (const id of ids) {
      this.dispatchEvent(new CustomEvent("removed", { detail: id }));
      this.tellTabs({ type: "deleted", conversation_id: id });
    }
  }

  /** Take deleted conversations out of the list for good, even if a response that is on its way still contains them. @param {string[]} ids */
  forget(...ids) {
    for (const id of ids) this.#hidden.add(id);
    this.#updateItems((items) => items.filter((item) => !ids.includes(item.id)));
  }

  async #refresh() {
    try {
      const page = await this.api.conversations({ etag: this.#etag, sections: true });
      await this.also?.();
      if (!page && this.state === "ready") return;
      if (page) await this.#merge(page);
      this.state = "ready";
    } catch {
      if (this.state === "unreachable") return;
      this.state = "unreachable";
    }
    this.#changed();
  }

  /** Put a new version of the newest page before the older conversations that are known. @param {import("../page/api.js").ConversationPage} page */
  async #merge({ conversations, next, etag, pinned, folders }) {
    const fresh = [...conversations];
    for (let n = 0; n < GAP.pages && next && this.items.length > PAGE_SIZE && this.#knownAfter(fresh) === null; n++) {
      const more = await this.api.conversations({ before: next, limit: GAP.limit, sections: true });
      fresh.push(...without(more?.conversations ?? [], fresh));
      next = more?.next ?? null;
    }
    const older = (next && this.#knownAfter(fresh)) || [];
    this.items = [...fresh, ...older];
    this.pinned = pinned ?? [];
    this.folders = folders ?? [];
    if (!older.length) this.next = next;
    this.#etag = etag;
  }

  /** The known conversations that follow the last of `fresh`; null: there is a gap between them. @param {Item[]} fresh */
  #knownAfter(fresh) {
    const last = fresh.at(-1)?.id;
    const known = this.items.findIndex(({ id }) => id === last);
    return known < 0 ? null : without(this.items.slice(known + 1), fresh);
  }

  /** @param {(items: Item[]) => Item[]} change */
  #updateItems(change) {
    this.items = change(this.items);
    this.pinned = change(this.pinned);
    for (const list of [...this.opened.values(), ...(this.found ? [this.found] : [])]) list.items = change(list.items);
    this.#changed();
  }

  /** The views group conversations by day, so they must hear when a new day has begun. */
  #checkDay() {
    const day = new Date().toDateString();
    if (day !== this.#day) this.#changed();
    this.#day = day;
  }

  /** @param {import("../page/tabs.js").News} news */
  tellTabs(news) {
    this.tabs.tell(news);
    this.refreshSoon();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Item[]} items @param {Item[]} known */
function without(items, known) {
  const ids = new Set(known.map(({ id }) => id));
  return items.filter(({ id }) => !ids.has(id));
}
