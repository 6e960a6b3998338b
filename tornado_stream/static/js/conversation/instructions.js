// @ts-check
/** The system prompt of the open conversation, as the server has it. Fires `change`. */
export class Instructions extends EventTarget {
  text = "";

  /** @param {import("./conversation.js").Conversation} conversation */
  constructor(conversation) {
    super();
    this.conversation = conversation;
    conversation.addEventListener("switched", (event) => !(/** @type {CustomEvent} */ (event).detail.adopted) && this.#set(""));
    conversation.addEventListener("loaded", (event) => this.#set(/** @type {CustomEvent} */ (event).detail.system ?? ""));
  }

  /** Store a system prompt at the server, which creates a conversation if this is a new one. Throws `Refused`. @param {string} text */
  async save(text) {
    const { conversation } = this;
    const { api, id } = conversation;
    if (id) await api.change(id, { system: text });
    const made = id ?? (await api.create({ system: text })).id;
    if (conversation.id !== id) return; // the user has opened another conversation meanwhile
    if (!id) conversation.adopt(made);
    this.#set(text);
    conversation.fireNews({ type: "changed", conversation_id: made });
  }

  /** @param {string} text */
  #set(text) {
    this.text = text;
    this.dispatchEvent(new Event("change"));
  }
}
