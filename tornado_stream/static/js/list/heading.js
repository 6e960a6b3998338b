// @ts-check
/** The title of the open conversation in the header. It is a button, which opens the conversation's menu. */
import { byId } from "../page/dom.js";
import { t } from "../page/words.js";

export class Heading {
  element = byId("heading");
  link = byId("title");
  menuButton = this.link;
  #text = byId("title-text"); // while the title is edited, it is not on the page

  /** @param {import("../conversation/conversation.js").Conversation} conversation @param {import("./list_view.js").ListView} list */
  constructor(conversation, list) {
    this.conversation = conversation;
    for (const type of ["title", "switched", "path"]) conversation.addEventListener(type, () => this.#show());
    this.link.addEventListener("click", () => void list.withActions(({ menu }) => menu.toggle(this)));
  }

  get item() {
    const { id, title, place, updatedAt } = this.conversation;
    return { id: String(id), title, updated_at: updatedAt || Date.now(), ...place }; // where the list has it too, RowActions.known takes that
  }

  focus() {
    this.link.focus();
  }

  #show() {
    const { id, state, subject } = this.conversation;
    this.element.hidden = !id || state !== "ready";
    this.#text.textContent = subject || t("list.untitled");
  }
}
