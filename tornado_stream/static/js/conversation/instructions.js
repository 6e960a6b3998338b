// @ts-check
/** The system prompt and the parameters that the open conversation has of its own, as the server has them. Fires `change`. */
export class Instructions extends EventTarget {
  text = "";
  /** @type {Record<string, any>} */
  options = {};
  isEdited = false; // they are those of a temporary chat, which the server does not have

  /** @param {import("./conversation.js").Conversation} conversation @param {{system: string, begins?: import("../page/presets_api.js").Preset | null, ownModel?: string, toolChoice?: {members: object} | null}} [defaults] what a new conversation begins with */
  constructor(conversation, defaults = { system: "" }) {
    super();
    this.conversation = conversation;
    this.defaults = defaults;
    conversation.addEventListener("switched", (event) => /** @type {CustomEvent} */ (event).detail.adopted || this.#forget());
    conversation.addEventListener("loaded", (event) => {
      const { system, options } = /** @type {CustomEvent} */ (event).detail;
      this.set(system ?? "", options ?? {});
    });
    this.refresh();
  }

  /** The defaults have changed, or the preset that a new conversation begins with. */
  refresh() {
    const { system, begins } = this.defaults;
    if (!this.conversation.id && !this.conversation.newest && !this.isEdited) this.set(begins?.system || system, begins?.options);
  }

  #forget() {
    this.isEdited = false;
    this.set("");
    this.refresh();
  }

  /** The server has these now. @param {string} text @param {Record<string, any>} [options] */
  set(text, options = {}) {
    this.text = text;
    this.options = options;
    this.dispatchEvent(new Event("change"));
  }
}
