// @ts-check
/**
 * Which conversations hold an answer that was not seen in this browser: it has ended, and no tab
 * showed it since. What was seen is kept for all tabs together. Fires `change`.
 */
import { readJson, writeJson } from "../page/storage.js";

const KEY = "tornado-stream:seen";
/** So many are remembered; older ones count as seen. */
const MOST = 200;

export class Unread extends EventTarget {
  /** Ended before the reader's eyes; the list does not know yet. @type {Set<string>} */
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
    list.addEventListener("change", () => this.#see());
    conversation.addEventListener("path", () => this.#see());
    lifecycle.addEventListener("change", () => this.#see());
    conversation.addEventListener("news", (event) => {
      const { type, conversation_id: id } = /** @type {CustomEvent} */ (event).detail;
      if (type === "ended" && !lifecycle.hidden) this.#watched.add(id);
    });
  }

  /** Hear when another tab has shown something. @param {Window} page */
  follow(page) {
    page.addEventListener("storage", ({ key }) => key === KEY && this.dispatchEvent(new Event("change")));
    return this;
  }

  /** What tells whether an item is unread, as things are now. @returns {(item: import("../page/api.js").ConversationItem) => boolean} */
  look() {
    const { since, seen } = this.#kept ?? { since: Infinity, seen: {} };
    return ({ id, generation_id, updated_at }) => updated_at > since && !generation_id && updated_at > (seen[id] ?? 0);
  }

  #see() {
    const { list, conversation, lifecycle } = this;
    if (list.state !== "ready") return;
    const kept = this.#kept ?? this.#begin();
    const open = !lifecycle.hidden && conversation.state === "ready" ? conversation.id : null;
    if (!open && !this.#watched.size) return;
    const ended = list.items.filter(({ id, generation_id }) => !generation_id && (id === open || this.#watched.has(id)));
    for (const { id } of ended) this.#watched.delete(id);
    const news = ended.filter(this.look());
    for (const { id, updated_at } of news) kept.seen[id] = updated_at;
    if (news.length) this.#keep(kept);
  }

  /** The first visit: whatever is there is no news. */
  #begin() {
    const times = this.list.items.map(({ generation_id, updated_at }) => (generation_id ? 0 : updated_at));
    return this.#keep({ since: Math.max(0, ...times), seen: {} });
  }

  /** @returns {{since: number, seen: Record<string, number>} | null} */
  get #kept() {
    const kept = readJson(this.storage, KEY);
    return typeof kept?.since === "number" && kept.seen ? kept : null;
  }

  /** @param {{since: number, seen: Record<string, number>}} kept */
  #keep(kept) {
    const seen = Object.entries(kept.seen).sort(([, a], [, b]) => b - a);
    if (seen.length > MOST) kept = { since: seen[MOST / 2][1], seen: Object.fromEntries(seen.slice(0, MOST / 2)) };
    writeJson(this.storage, KEY, kept);
    this.dispatchEvent(new Event("change"));
    return kept;
  }
}
