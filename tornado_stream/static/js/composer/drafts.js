// @ts-check
/** Keeps what is being written, for each conversation, until it is sent. */
const PREFIX = "tornado-stream:draft:";
const PAUSE = 300;

export class Drafts {
  #key = PREFIX;
  #dirty = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("../page/storage.js").Storage} storage
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {{text: string, fill: (text: string) => void, addEventListener: EventTarget["addEventListener"]}} composer
   */
  constructor(storage, conversation, composer) {
    this.storage = storage;
    this.conversation = conversation;
    this.composer = composer;
    composer.addEventListener("change", () => this.#soon());
    conversation.addEventListener("switched", (event) => this.#moved(/** @type {CustomEvent} */ (event).detail.adopted));
    this.#restore();
  }

  /** Write it down now: the page may go at any moment. What this tab did not change is another's. */
  flush() {
    clearTimeout(this.#timer);
    if (!this.#dirty) return;
    this.#dirty = false;
    const { text } = this.composer;
    if (text.trim()) this.storage.set(this.#key, text);
    else this.storage.remove(this.#key);
  }

  /** A deleted conversation needs none. @param {string} id */
  forget(id) {
    this.storage.remove(PREFIX + id);
  }

  /** Keep a text that could not be sent. @param {string | null} id @param {string} text */
  add(id, text) {
    const key = PREFIX + (id ?? "");
    if (key === this.#key) return this.composer.fill(text);
    this.storage.set(key, [this.storage.get(key), text].filter(Boolean).join("\n"));
  }

  #soon() {
    this.#dirty = true;
    clearTimeout(this.#timer);
    if (!this.composer.text) this.flush(); // sent, or given up
    else this.#timer = setTimeout(() => this.flush(), PAUSE);
  }

  /** @param {boolean} adopted what was a new conversation has got its id; the draft goes along */
  #moved(adopted) {
    if (!adopted) {
      this.flush();
      return this.#restore();
    }
    this.storage.remove(this.#key);
    this.#key = PREFIX + (this.conversation.id ?? "");
    this.#dirty = true;
    this.flush();
  }

  #restore() {
    this.#key = PREFIX + (this.conversation.id ?? "");
    this.composer.text = this.storage.get(this.#key) ?? "";
  }
}
