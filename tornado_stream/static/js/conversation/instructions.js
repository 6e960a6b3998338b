// @ts-check
/** The system prompt of the open conversation, as the server keeps it. Fires `change`. */
export class Instructions extends EventTarget {
  text = "";

  /** @param {import("./conversation.js").Conversation} conversation */
  constructor(conversation) {
    super();
    this.conversation = conversation;
    conversation.addEventListener("switched", (event) => !(/** @type {CustomEvent} */ (event).detail.adopted) && this.become(""));
    conversation.addEventListener("loaded", (event) => this.become(/** @type {CustomEvent} */ (event).detail.system ?? ""));
  }

  /** The server keeps this one. @param {string} text */
  become(text) {
    this.text = text;
    this.dispatchEvent(new Event("change"));
  }
}
