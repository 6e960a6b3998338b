// @ts-check
/** Keeps what is being written, for each conversation, until it is sent. */
const PREFIX = "tornado-stream:draft:";
const PAUSE = 300;

export class Drafts {
  #key = PREFIX;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./storage.js").Storage} storage
   * @param {import("./conversation.js").Conversation} conversation
   * @param {{text: string, addEventListener: EventTarget["addEventListener"]}} composer
   */
  constructor(storage, conversation, composer) {
    this.storage = storage;
    this.conversation = conversation;
    this.composer = composer;
    composer.addEventListener("change", () => this.#soon());
    conversation.addEventListener("place", (event) => this.#moved(/** @type {CustomEvent} */ (event).detail.adopted));
    this.#restore();
  }

  /** Write it down now: the page may go at any moment. */
  flush() {
    clearTimeout(this.#timer);
    const { text } = this.composer;
    if (text.trim()) this.storage.set(this.#key, text);
    else this.storage.remove(this.#key);
  }

  /** A deleted conversation needs none. @param {string} id */
  forget(id) {
    this.storage.remove(PREFIX + id);
  }

  #soon() {
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
    this.flush();
  }

  #restore() {
    this.#key = PREFIX + (this.conversation.id ?? "");
    this.composer.text = this.storage.get(this.#key) ?? "";
  }
}
