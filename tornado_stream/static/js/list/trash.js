// @ts-check
/**
 * Conversations that the user has deleted and can still restore. When the time for that is over, or when
 * the page is closed, the trash asks the server to delete them. Fires `change`, and `failed` (detail:
 * `item`, `error`) if the server did not delete a conversation, which is then shown again.
 *
 * @typedef {{id: string, title: string, ids?: string[]}} Item one conversation, or `ids` of several that are deleted and restored together
 * @typedef {{item: Item, left: number, since: number, timer: ReturnType<typeof setTimeout> | undefined}} Entry
 */

/** Milliseconds for which a deleted conversation can be restored. */
export const UNDO_TIME = 8000;

/** @param {Item} item */
export const idsOf = ({ id, ids }) => ids ?? [id];

export class Trash extends EventTarget {
  /** @type {Map<string, Entry>} */
  #waiting = new Map();
  #paused = false;

  /** @param {import("./conversations.js").Conversations} conversations */
  constructor(conversations) {
    super();
    this.conversations = conversations;
  }

  /** The conversations that can be restored, in the order in which they were deleted. @returns {Item[]} */
  get items() {
    return [...this.#waiting.values()].map(({ item }) => item);
  }

  /** Hide a conversation, and delete it later. @param {Item} item */
  add(item) {
    if (this.#waiting.has(item.id)) return;
    const entry = { item, left: UNDO_TIME, since: 0, timer: undefined };
    this.#waiting.set(item.id, entry);
    if (!this.#paused) this.#start(entry);
    this.conversations.setHidden(idsOf(item), true);
    this.#changed();
  }

  /** Restore a conversation, and those that were deleted with it. @param {string} id @returns {boolean} false: it was too late */
  restore(id) {
    const entry = this.#remove([...this.#waiting.values()].find(({ item }) => idsOf(item).includes(id))?.item.id ?? id);
    if (!entry) return false;
    this.conversations.setHidden(idsOf(entry.item), false);
    this.#changed();
    return true;
  }

  /** Stop the clocks of all conversations in the trash, or let them run again. @param {boolean} paused */
  setPaused(paused) {
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const entry of this.#waiting.values()) paused ? this.#stop(entry) : this.#start(entry);
  }

  /** Delete a conversation at once. @param {string} id @param {boolean} [leaving] the page is being closed, and the request has to outlive it */
  async deleteNow(id, leaving = false) {
    const entry = this.#remove(id);
    if (!entry) return;
    this.#changed();
    try {
      await this.conversations.remove(idsOf(entry.item), leaving);
    } catch (error) {
      this.conversations.setHidden(idsOf(entry.item), false);
      this.dispatchEvent(new CustomEvent("failed", { detail: { item: entry.item, error } }));
    }
  }

  /** Delete everything at once, because the page is being closed. */
  deleteAll() {
    for (const id of [...this.#waiting.keys()]) void this.deleteNow(id, true);
  }

  /** @param {Entry} entry */
  #start(entry) {
    entry.since = performance.now();
    entry.timer = setTimeout(() => void this.deleteNow(entry.item.id), entry.left);
  }

  /** @param {Entry} entry */
  #stop(entry) {
    clearTimeout(entry.timer);
    entry.left -= performance.now() - entry.since;
  }

  /** @param {string} id */
  #remove(id) {
    const entry = this.#waiting.get(id);
    clearTimeout(entry?.timer);
    this.#waiting.delete(id);
    return entry;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
