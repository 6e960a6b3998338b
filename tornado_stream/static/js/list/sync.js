// @ts-check
/**
 * Keeps the open conversation in step with what happens elsewhere: in another tab, which says so,
 * or on another device, which the list shows.
 */
export class Sync {
  #looked = "";

  /**
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {import("./conversations.js").Conversations} list @param {import("../page/tabs.js").Tabs} tabs
   */
  constructor(conversation, list, tabs) {
    this.conversation = conversation;
    this.list = list;
    tabs.listen((news) => this.#hear(news));
    list.addEventListener("change", () => this.#compare());
    conversation.addEventListener("news", (event) => {
      tabs.tell(/** @type {CustomEvent} */ (event).detail);
      list.soon();
    });
  }

  /** @param {import("../page/tabs.js").News} news */
  #hear({ type, conversation_id: id }) {
    this.list.soon();
    if (type === "deleted") this.list.forget(id);
    if (id !== this.conversation.id) return;
    if (type === "deleted") this.conversation.lose();
    else if (this.conversation.running) this.conversation.runner.nudge();
    else if (type !== "changed") void this.conversation.refresh();
  }

  /** What the list says of the open conversation, against what the page knows. */
  #compare() {
    const { conversation } = this;
    const item = this.list.items.find(({ id }) => id === conversation.id);
    if (!item || conversation.state !== "ready") return;
    conversation.entitle(item.title);
    if (conversation.running) return;
    const look = `${item.id} ${item.generation_id} ${item.updated_at}`;
    const isNew = item.generation_id || (conversation.updatedAt && item.updated_at > conversation.updatedAt);
    conversation.updatedAt ||= item.updated_at;
    if (!isNew || look === this.#looked) return;
    this.#looked = look; // once: what is running may be on another branch
    void conversation.refresh();
  }
}
