// @ts-check
import { base } from "../page/base.js";

/** The rule: the page's address names the open conversation: `/c/{id}`, or `/` for a new one, below the base path. The browser's back and forward buttons work. */
export class Navigation {
  /** @param {import("./conversation.js").Conversation} conversation @param {Window} page */
  constructor(conversation, page) {
    this.conversation = conversation;
    this.page = page;
    conversation.addEventListener("switched", () => this.#follow());
    // The address of another place on the page is no other conversation.
    page.addEventListener("popstate", () => void (pathOf(conversation.id) !== page.location.pathname && this.open()));
  }

  /** Open the conversation that the address names. */
  async open() {
    const [, id] = /^\/c\/([^/]+)$/.exec(this.page.location.pathname.slice(base.length)) ?? [];
    if (id) await this.conversation.open(decodeURIComponent(id).toLowerCase());
    else this.conversation.clear();
  }

  #follow() {
    const path = pathOf(this.conversation.id);
    const { history, location } = this.page;
    if (path !== location.pathname) history[history.state?.layer ? "replaceState" : "pushState"](null, "", path);
  }
}

/** The address of a conversation. @param {string | null} id null: a new one */
export const pathOf = (id) => `${base}/${id ? `c/${encodeURIComponent(id)}` : ""}`;
