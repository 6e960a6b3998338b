// @ts-check
/**
 * Conversations that the reader has deleted and may still want back: the server hears of it when
 * their time is over, or when the page goes. Fires `change`, and `failed` where the server did not.
 *
 * @typedef {{id: string, title: string}} Item
 * @typedef {{item: Item, left: number, since: number, timer: ReturnType<typeof setTimeout> | undefined}} Entry
 */

/** How long it can be taken back. */
export const WAIT = 8000;

export class Trash extends EventTarget {
  /** @type {Map<string, Entry>} */
  #waiting = new Map();
  #held = false;

  /** @param {import("./conversations.js").Conversations} conversations */
  constructor(conversations) {
    super();
    this.conversations = conversations;
  }

  /** What can be taken back, oldest first. @returns {Item[]} */
  get items() {
    return [...this.#waiting.values()].map(({ item }) => item);
  }

  /** @param {Item} item */
  put(item) {
    if (this.#waiting.has(item.id)) return;
    const entry = { item, left: WAIT, since: 0, timer: undefined };
    this.#waiting.set(item.id, entry);
    if (!this.#held) this.#run(entry);
    this.conversations.hide(item.id, true);
    this.#changed();
  }

  /** Take one back. @param {string} id @returns {boolean} whether it was not too late */
  undo(id) {
    if (!this.#take(id)) return false;
    this.conversations.hide(id, false);
    this.#changed();
    return true;
  }

  /** Let the time stand still, for all of them, or go on. @param {boolean} held */
  hold(held) {
    if (held === this.#held) return;
    this.#held = held;
    for (const entry of this.#waiting.values()) held ? this.#pause(entry) : this.#run(entry);
  }

  /** Delete one now. @param {string} id @param {boolean} [leaving] the page does not see how it ends */
  async end(id, leaving = false) {
    const entry = this.#take(id);
    if (!entry) return;
    this.#changed();
    try {
      await this.conversations.remove(id, leaving);
    } catch (error) {
      this.conversations.hide(id, false);
      this.dispatchEvent(new CustomEvent("failed", { detail: { item: entry.item, error } }));
    }
  }

  /** The page goes: delete all of them now. */
  flush() {
    for (const id of [...this.#waiting.keys()]) void this.end(id, true);
  }

  /** @param {Entry} entry */
  #run(entry) {
    entry.since = performance.now();
    entry.timer = setTimeout(() => void this.end(entry.item.id), entry.left);
  }

  /** @param {Entry} entry */
  #pause(entry) {
    clearTimeout(entry.timer);
    entry.left -= performance.now() - entry.since;
  }

  /** @param {string} id */
  #take(id) {
    const entry = this.#waiting.get(id);
    clearTimeout(entry?.timer);
    this.#waiting.delete(id);
    return entry;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
