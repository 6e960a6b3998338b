// @ts-check
/**
 * Tells which conversations are unread: an answer in them has ended, and no tab of this browser has
 * shown the conversation since. All tabs share the times at which conversations were seen. Fires `change`.
 */
import { readJson, writeJson } from "../page/storage.js";

const KEY = "tornado-stream:seen";
/** At most so many conversations are remembered one by one. Older ones count as seen. */
const MAX_SEEN = 200;

export class Unread extends EventTarget {
  /** The ids of conversations whose answer ended on the visible page, before the list says so. @type {Set<string>} */
  #watched = new Set();

  /**
   * @param {import("../page/storage.js").Storage} storage @param {import("./conversations.js").Conversations} list
   * @param {import("../conversation/conversation.js").Conversation} conversation @param {import("../page/lifecycle.js").PageLifecycle} lifecycle
   */
  constructor(storage, list, conversation, lifecycle) {
    super();
    this.storage = storage;
    this.list = list;
    this.conversation = conversation;
    this.lifecycle = lifecycle;
    list.addEventListener("change", () => this.#markSeen());
    conversation.addEventListener("path", () => this.#markSeen());
    lifecycle.addEventListener("change", () => this.#markSeen());
    conversation.addEventListener("news", (event) => {
      const { type, conversation_id: id } = /** @type {CustomEvent} */ (event).detail;
      if (type === "ended" && !lifecycle.hidden) this.#watched.add(id);
    });
  }

  /** Fire `change` also if another tab has shown a conversation. @param {Window} page */
  follow(page) {
    page.addEventListener("storage", ({ key }) => this.storage.isKey(key, KEY) && this.dispatchEvent(new Event("change")));
    return this;
  }

  /** A function that tells whether an item is unread, by what is stored at the moment. @returns {(item: import("../page/api.js").ConversationItem) => boolean} */
  predicate() {
    const { since, seen } = this.#stored ?? { since: Infinity, seen: {} };
    return ({ id, generation_id, updated_at }) => updated_at > since && !generation_id && updated_at > (seen[id] ?? 0);
  }

  #markSeen() {
    const { list, conversation, lifecycle } = this;
    if (list.state !== "ready") return;
    const stored = this.#stored ?? this.#storeFirstVisit();
    const open = !lifecycle.hidden && conversation.state === "ready" ? conversation.id : null;
    if (!open && !this.#watched.size) return;
    const ended = list.all.filter(({ id, generation_id }) => !generation_id && (id === open || this.#watched.has(id)));
    for (const { id } of ended) this.#watched.delete(id);
    const unread = ended.filter(this.predicate());
    for (const { id, updated_at } of unread) stored.seen[id] = updated_at;
    if (unread.length) this.#store(stored);
  }

  /** On the first visit, everything that exists counts as seen. */
  #storeFirstVisit() {
    const times = this.list.all.map(({ generation_id, updated_at }) => (generation_id ? 0 : updated_at));
    return this.#store({ since: Math.max(0, ...times), seen: {} });
  }

  /** @returns {{since: number, seen: Record<string, number>} | null} */
  get #stored() {
    const stored = readJson(this.storage, KEY);
    return typeof stored?.since === "number" && stored.seen ? stored : null;
  }

  /** @param {{since: number, seen: Record<string, number>}} stored */
  #store(stored) {
    const seen = Object.entries(stored.seen).sort(([, a], [, b]) => b - a);
    if (seen.length > MAX_SEEN) stored = { since: seen[MAX_SEEN / 2][1], seen: Object.fromEntries(seen.slice(0, MAX_SEEN / 2)) };
    writeJson(this.storage, KEY, stored);
    this.dispatchEvent(new Event("change"));
    return stored;
  }
}
