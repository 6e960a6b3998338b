// @ts-check
/**
 * The list of conversations, newest first, and what a search finds. While the page is visible the
 * server is asked every few seconds, and answers 304 where nothing is new. Fires `change`.
 *
 * @typedef {import("./api.js").ConversationItem} Item
 */
const EVERY = 3000;
const TYPING = 200;

export class Conversations extends EventTarget {
  /** @type {Item[]} */
  items = [];
  /** Where older ones begin; null: there are none. @type {string | null} */
  next = null;
  /** @type {"loading" | "ready" | "unreachable"} */
  state = "loading";
  query = "";
  /** What the search found; null: there is none, or not yet. @type {{items: Item[], next: string | null} | null} */
  found = null;
  #etag = "";
  #stale = false;
  #nap = new AbortController();
  #search = new AbortController();
  #fetchingMore = false;

  /** @param {import("./api.js").Api} api @param {import("./wake.js").Wake} wake @param {import("./tabs.js").Tabs} tabs */
  constructor(api, wake, tabs) {
    super();
    this.api = api;
    this.wake = wake;
    this.tabs = tabs;
  }

  /** What is to be shown. @returns {Item[]} */
  get shown() {
    return this.found ? this.found.items : this.items;
  }

  /** Ask for as long as the page lives. @param {AbortSignal} [signal] */
  async watch(signal) {
    while (!signal?.aborted) {
      this.#stale = false;
      this.#nap = new AbortController();
      if (!this.wake.hidden) await this.#refresh();
      if (!this.#stale) await this.wake.sleep(EVERY * (this.wake.hidden ? 15 : 1), this.#nap.signal);
    }
  }

  /** Something has changed: ask now. */
  soon() {
    this.#stale = !this.wake.hidden;
    this.#nap.abort();
  }

  /** Older ones, or more of what was found. */
  async more() {
    const { found } = this;
    const before = found ? found.next : this.next;
    if (!before || this.#fetchingMore) return;
    this.#fetchingMore = true;
    const page = await this.api.conversations({ q: found ? this.query : "", before }, AbortSignal.timeout(20_000)).catch(() => null);
    this.#fetchingMore = false;
    if (!page || found !== this.found || before !== (found ?? this).next) return;
    const items = found ? found.items : this.items;
    items.push(...without(page.conversations, items));
    (found ?? this).next = page.next;
    this.#changed();
  }

  /** Find conversations; an empty text shows them all again. @param {string} text */
  async search(text) {
    this.query = text.trim();
    this.#search.abort();
    this.#search = new AbortController();
    const { signal } = this.#search;
    if (this.query) {
      await new Promise((done) => setTimeout(done, TYPING));
      const page = signal.aborted ? null : await this.api.conversations({ q: this.query }, signal).catch(() => null);
      if (signal.aborted) return;
      this.found = { items: page?.conversations ?? [], next: page?.next ?? null };
      if (!page) this.state = "unreachable";
    } else this.found = null;
    this.#changed();
  }

  /** Throws where the server does not. @param {string} id @param {string} title */
  async rename(id, title) {
    await this.api.change(id, { title });
    for (const item of this.#everywhere(id)) item.title = title;
    this.#changed();
    this.#tell({ type: "changed", conversation_id: id });
  }

  /** Throws where the server does not. @param {string} id */
  async remove(id) {
    await this.api.remove(id);
    this.#drop(id);
    this.#tell({ type: "deleted", conversation_id: id });
  }

  async #refresh() {
    try {
      const page = await this.api.conversations({ etag: this.#etag }, AbortSignal.timeout(20_000));
      if (!page && this.state === "ready") return;
      if (page) this.#take(page);
      this.state = "ready";
    } catch {
      if (this.state === "unreachable") return;
      this.state = "unreachable";
    }
    this.#changed();
  }

  /** The newest page is there again; older ones that were fetched stay. @param {import("./api.js").ConversationPage} page */
  #take({ conversations, next, etag }) {
    this.#etag = etag;
    const last = conversations.at(-1);
    const known = last ? this.items.findIndex(({ id }) => id === last.id) : -1;
    const older = next && known >= 0 ? without(this.items.slice(known + 1), conversations) : [];
    this.items = [...conversations, ...older];
    if (!older.length) this.next = next;
  }

  /** @param {string} id */
  #drop(id) {
    const others = (/** @type {Item} */ item) => item.id !== id;
    this.items = this.items.filter(others);
    if (this.found) this.found.items = this.found.items.filter(others);
    this.#changed();
  }

  /** @param {string} id */
  #everywhere(id) {
    return [...this.items, ...(this.found?.items ?? [])].filter((item) => item.id === id);
  }

  /** @param {import("./tabs.js").News} news */
  #tell(news) {
    this.tabs.tell(news);
    this.soon();
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
