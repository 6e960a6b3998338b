// @ts-check
/** Stores the unsent text of each conversation in the browser, until it is sent. That of a temporary chat is not stored. */
const PREFIX = "tornado-stream:draft:";
/** Milliseconds without a change after which a text is stored. */
const PAUSE = 300;

export class Drafts {
  #key = PREFIX;
  #dirty = false;
  /** What the user wrote before the modules were loaded, until a conversation is open. */
  #typed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("../page/storage.js").Storage} storage
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {{text: string, isSent?: boolean, fill: (text: string) => void, addEventListener: EventTarget["addEventListener"]}} composer
   */
  constructor(storage, conversation, composer) {
    this.storage = storage;
    this.conversation = conversation;
    this.composer = composer;
    this.#typed = composer.text;
    composer.addEventListener("change", () => this.#storeSoon());
    conversation.addEventListener("switched", (event) => this.#switched(/** @type {CustomEvent} */ (event).detail.adopted));
    if (!this.#typed) this.#restore();
  }

  /** Store the text now, if it was changed in this tab. Otherwise another tab may have stored a newer one. */
  flush() {
    clearTimeout(this.#timer);
    if (!this.#dirty) return;
    this.#dirty = false;
    const { text } = this.composer;
    if (!this.#key) return;
    if (text.trim()) this.storage.set(this.#key, text);
    else this.storage.remove(this.#key);
  }

  /** Delete the draft of a deleted conversation. @param {string} id */
  forget(id) {
    this.storage.remove(PREFIX + id);
  }

  /** Delete the draft of a conversation that is not open, if it is this text, which was sent. @param {string} id @param {string} text */
  drop(id, text) {
    if (this.storage.get(PREFIX + id) === text) this.forget(id);
  }

  /** Add a text that could not be sent to the draft of its conversation. @param {string | null} id null: a new conversation @param {string} text */
  add(id, text) {
    const key = PREFIX + (id ?? "");
    if (key === this.#key) return this.composer.fill(text);
    this.storage.set(key, [this.storage.get(key), text].filter(Boolean).join("\n"));
  }

  #storeSoon() {
    this.#dirty = true;
    clearTimeout(this.#timer);
    if (!this.composer.text) this.flush(); // the text was sent or deleted
    else this.#timer = setTimeout(() => this.flush(), PAUSE);
  }

  /** @param {boolean} adopted true: the new conversation has got its id, so its draft moves to that id */
  #switched(adopted) {
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
    this.#key = this.conversation.temporary ? "" : PREFIX + (this.conversation.id ?? "");
    const draft = this.storage.get(this.#key) ?? "";
    const typed = this.#typed;
    this.#typed = "";
    if (typed && this.composer.isSent) return; // the draft comes back once the question is sent
    this.composer.text = draft && typed && draft !== typed ? `${draft}\n${typed}` : draft || typed;
    if (typed) this.#storeSoon();
  }

  /** Show the draft that a question, sent before the modules were loaded, had displaced. @param {string} draft */
  putBack(draft) {
    if (draft) this.composer.fill(draft);
  }

  /** The draft of the open conversation as it is stored. */
  get stored() {
    return this.storage.get(this.#key) ?? "";
  }
}
