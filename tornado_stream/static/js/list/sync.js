// @ts-check
/**
 * Keeps the open conversation up to date with changes made elsewhere. Another tab announces its
 * changes; a change on another device is seen in the list of conversations.
 */
export class Sync {
  #lastSeen = "";

  /**
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {import("./conversations.js").Conversations} list @param {import("../page/tabs.js").Tabs} tabs
   */
  constructor(conversation, list, tabs) {
    this.conversation = conversation;
    this.list = list;
    tabs.listen((news) => this.#handleNews(news));
    list.addEventListener("change", () => this.#compare());
    conversation.addEventListener("news", (event) => {
      tabs.tell(/** @type {CustomEvent} */ (event).detail);
      list.refreshSoon();
    });
  }

  /** @param {import("../page/tabs.js").News} news */
  #handleNews({ type, conversation_id: id, ids, changes }) {
    this.list.refreshSoon();
    if (ids && changes) {
      if (ids.includes(String(this.conversation.id))) Object.assign(this.conversation.place, changes);
      return this.list.change(ids, changes);
    }
    if (type === "deleted") this.list.forget(id);
    if (id !== this.conversation.id) return;
    if (type === "deleted") this.conversation.lose();
    else if (this.conversation.running) this.conversation.runner.nudge();
    else void this.conversation.refresh();
  }

  /** Compare the open conversation with its item in the list, and load it again if it has changed. */
  #compare() {
    const { conversation } = this;
    const item = this.list.all.find(({ id }) => id === conversation.id);
    if (!item || conversation.state !== "ready") return;
    conversation.entitle(item.title);
    if (conversation.running) return;
    const version = `${item.id} ${item.generation_id} ${item.updated_at}`;
    const isNew = item.generation_id || (conversation.updatedAt && item.updated_at > conversation.updatedAt);
    conversation.updatedAt ||= item.updated_at;
    if (!isNew || version === this.#lastSeen) return;
    this.#lastSeen = version; // load each version only once: a running answer may be on another branch
    void conversation.refresh();
  }
}
