// @ts-check
/** The address names the open conversation: `/c/{id}`, and `/` for a new one. Back and forward work. */
export class Navigation {
  /** @param {import("./conversation.js").Conversation} conversation @param {Window} page */
  constructor(conversation, page) {
    this.conversation = conversation;
    this.page = page;
    conversation.addEventListener("switched", () => this.#follow());
    page.addEventListener("popstate", () => void this.open());
  }

  /** Open what the address names. */
  async open() {
    const [, id] = /^\/c\/([^/]+)$/.exec(this.page.location.pathname) ?? [];
    if (id) await this.conversation.open(decodeURIComponent(id).toLowerCase());
    else this.conversation.clear();
  }

  #follow() {
    const path = pathOf(this.conversation.id);
    if (path !== this.page.location.pathname) this.page.history.pushState(null, "", path);
  }
}

/** @param {string | null} id */
export const pathOf = (id) => (id ? `/c/${encodeURIComponent(id)}` : "/");
