// @ts-check
/**
 * Which conversations have an answer that was not seen in this browser: it has ended, and no tab
 * showed it since. Kept for all tabs together, as what has been seen. Fires `change`.
 *
 * @typedef {import("./api.js").ConversationItem} Item
 */
import { readJson } from "./storage.js";

const KEY = "tornado-stream:seen";
/** So many are remembered; of older ones it is taken for granted. */
const MOST = 200;

export class Unread extends EventTarget {
  /** Ended before the reader's eyes, which the list does not know yet. @type {Set<string>} */
  #watched = new Set();

  /**
   * @param {import("./storage.js").Storage} storage @param {import("./conversations.js").Conversations} list
   * @param {import("./conversation.js").Conversation} conversation @param {import("./wake.js").Wake} wake
   */
  constructor(storage, list, conversation, wake) {
    super();
    this.storage = storage;
    this.list = list;
    this.conversation = conversation;
    this.wake = wake;
    list.addEventListener("change", () => this.#see());
    conversation.addEventListener("path", () => this.#see());
    conversation.addEventListener("news", (event) => this.#watch(/** @type {CustomEvent} */ (event).detail));
    wake.addEventListener("wake", () => this.#see());
  }

  /** Hear when another tab has shown something. @param {Window} page */
  follow(page) {
    page.addEventListener("storage", ({ key }) => key === KEY && this.#changed());
    return this;
  }

  /** What tells whether an item is unread, as things are now. @returns {(item: Item) => boolean} */
  look() {
    const { since, seen } = this.#kept ?? { since: Infinity, seen: {} };
    return ({ id, generation_id, updated_at }) => updated_at > since && !generation_id && updated_at > (seen[id] ?? 0);
  }

  /** @param {import("./tabs.js").News} news */
  #watch({ type, conversation_id: id }) {
    if (type === "ended" && !this.wake.hidden) this.#watched.add(id);
  }

  /** What is open before the reader's eyes, or was when it ended, is seen as soon as the list knows that it ended. */
  #see() {
    const { list, conversation, wake } = this;
    if (list.state !== "ready") return;
    const kept = this.#kept ?? this.#begin();
    const open = !wake.hidden && conversation.state === "ready" ? conversation.id : null;
    if (open === null && !this.#watched.size) return;
    const ended = list.items.filter(({ id, generation_id }) => (id === open || this.#watched.has(id)) && !generation_id);
    for (const { id } of ended) this.#watched.delete(id);
    const found = ended.filter(this.look());
    for (const { id, updated_at } of found) kept.seen[id] = updated_at;
    if (found.length) this.#keep(kept);
  }

  /** The first visit: whatever is there is not news. */
  #begin() {
    const ended = this.list.items.filter((item) => !item.generation_id);
    return this.#keep({ since: Math.max(0, ...ended.map((item) => item.updated_at)), seen: {} });
  }

  /** @returns {{since: number, seen: Record<string, number>} | null} */
  get #kept() {
    const kept = readJson(this.storage, KEY);
    return typeof kept?.since === "number" && kept.seen ? kept : null;
  }

  /** @param {{since: number, seen: Record<string, number>}} kept */
  #keep(kept) {
    const seen = Object.entries(kept.seen).sort(([, a], [, b]) => b - a);
    if (seen.length > MOST) {
      kept.since = Math.max(kept.since, seen[MOST / 2][1]);
      kept.seen = Object.fromEntries(seen.slice(0, MOST / 2));
    }
    this.storage.set(KEY, JSON.stringify(kept));
    this.#changed();
    return kept;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
