// @ts-check
/**
 * The list of conversations, newest first, and what a search finds. While the page is visible the
 * server is asked every few seconds, and answers 304 where nothing is new. Fires `change`, also when
 * a new day begins, and `removed` (detail: the id).
 *
 * @typedef {import("../page/api.js").ConversationItem} Item
 */
const EVERY = 3000;
const TYPING = 200;
/** Older ones that are asked for at once. */
const PAGE = 100;
/** So many new ones, in pages of the server's largest size, are fetched rather than the list begun anew. */
const GAP = { pages: 5, limit: 200 };

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
  #sleep = new AbortController();
  #search = new AbortController();
  #fetchingMore = false;
  /** Not shown: they wait to be deleted, or were. @type {Set<string>} */
  #hidden = new Set();
  #day = new Date().toDateString();

  /** @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle @param {import("../page/tabs.js").Tabs} tabs */
  constructor(api, lifecycle, tabs) {
    super();
    this.api = api;
    this.lifecycle = lifecycle;
    this.tabs = tabs;
  }

  /** What is to be shown. @returns {Item[]} */
  get shown() {
    const items = this.found ? this.found.items : this.items;
    return this.#hidden.size ? items.filter(({ id }) => !this.#hidden.has(id)) : items;
  }

  /** Ask for as long as the page lives. @param {AbortSignal} [signal] */
  async watch(signal) {
    while (!signal?.aborted) {
      this.#stale = false;
      this.#sleep = new AbortController();
      if (!this.lifecycle.hidden) await this.#refresh();
      this.#lookAtTheDay();
      if (!this.#stale) await this.lifecycle.sleep(EVERY * (this.lifecycle.hidden ? 15 : 1), this.#sleep.signal);
    }
  }

  /** Something has changed: ask now. */
  soon() {
    this.#stale = !this.lifecycle.hidden;
    this.#sleep.abort();
  }

  /** Older ones, or more of what was found. */
  async more() {
    const { found } = this;
    const before = found ? found.next : this.next;
    if (!before || this.#fetchingMore) return;
    this.#fetchingMore = true;
    const what = { q: found ? this.query : "", before, limit: PAGE };
    const page = await this.api.conversations(what).catch(() => null);
    if (!page) await this.lifecycle.sleep(EVERY);
    this.#fetchingMore = false;
    if (page && found === this.found && before === (found ?? this).next) {
      const items = found ? found.items : this.items;
      items.push(...without(page.conversations, items));
      (found ?? this).next = page.next;
    }
    this.#changed(); // whoever is still at the end asks again
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
    this.#each((items) => items.map((item) => (item.id === id ? { ...item, title } : item)));
    this.#tell({ type: "changed", conversation_id: id });
  }

  /** Show one no more, or again. @param {string} id @param {boolean} hidden */
  hide(id, hidden) {
    if (hidden) this.#hidden.add(id);
    else this.#hidden.delete(id);
    this.#changed();
  }

  /** Throws where the server does not. @param {string} id @param {boolean} [leaving] the page goes, the request stays */
  async remove(id, leaving = false) {
    await this.api.remove(id, leaving);
    this.forget(id);
    this.dispatchEvent(new CustomEvent("removed", { detail: id }));
    this.#tell({ type: "deleted", conversation_id: id });
  }

  /** It is not there any more, whatever an answer on its way still says. @param {string} id */
  forget(id) {
    this.#hidden.add(id);
    this.#each((items) => items.filter((item) => item.id !== id));
  }

  async #refresh() {
    try {
      const page = await this.api.conversations({ etag: this.#etag });
      if (!page && this.state === "ready") return;
      if (page) await this.#take(page);
      this.state = "ready";
    } catch {
      if (this.state === "unreachable") return;
      this.state = "unreachable";
    }
    this.#changed();
  }

  /** The newest page is there again; older ones that were fetched stay. @param {import("../page/api.js").ConversationPage} page */
  async #take({ conversations, next, etag }) {
    const fresh = [...conversations];
    for (let n = 0; n < GAP.pages && next && this.items.length > PAGE && this.#olderThan(fresh) === null; n++) {
      const more = await this.api.conversations({ before: next, limit: GAP.limit });
      fresh.push(...without(more?.conversations ?? [], fresh));
      next = more?.next ?? null;
    }
    const older = (next && this.#olderThan(fresh)) || [];
    this.items = [...fresh, ...older];
    if (!older.length) this.next = next;
    this.#etag = etag;
  }

  /** What is known beyond the last of these; null: there is a gap between. @param {Item[]} fresh */
  #olderThan(fresh) {
    const last = fresh.at(-1)?.id;
    const known = this.items.findIndex(({ id }) => id === last);
    return known < 0 ? null : without(this.items.slice(known + 1), fresh);
  }

  /** @param {(items: Item[]) => Item[]} change */
  #each(change) {
    this.items = change(this.items);
    if (this.found) this.found.items = change(this.found.items);
    this.#changed();
  }

  /** What was written today was written yesterday once the day is over. */
  #lookAtTheDay() {
    const day = new Date().toDateString();
    if (day !== this.#day) this.#changed();
    this.#day = day;
  }

  /** @param {import("../page/tabs.js").News} news */
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
