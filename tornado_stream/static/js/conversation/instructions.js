// @ts-check
/** The system prompt and the parameters that the open conversation has of its own, as the server has them. Fires `change`. */
export class Instructions extends EventTarget {
  text = "";
  /** @type {Record<string, any>} */
  options = {};

  /** @param {import("./conversation.js").Conversation} conversation @param {{system: string}} [defaults] what a new conversation begins with */
  constructor(conversation, defaults = { system: "" }) {
    super();
    this.conversation = conversation;
    this.defaults = defaults;
    conversation.addEventListener("switched", (event) => !(/** @type {CustomEvent} */ (event).detail.adopted) && this.set(conversation.id ? "" : defaults.system));
    conversation.addEventListener("loaded", (event) => {
      const { system, options } = /** @type {CustomEvent} */ (event).detail;
      this.set(system ?? "", options ?? {});
    });
    this.refresh();
  }

  /** The defaults have changed. */
  refresh() {
    if (!this.conversation.id && !this.conversation.newest) this.set(this.defaults.system);
  }

  /** The server has these now. @param {string} text @param {Record<string, any>} [options] */
  set(text, options = {}) {
    this.text = text;
    this.options = options;
    this.dispatchEvent(new Event("change"));
  }
}
