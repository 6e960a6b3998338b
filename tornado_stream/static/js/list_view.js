// @ts-check
/** Shows the list of conversations: rows that stay what they are while the list changes around them. */
import { Refused } from "./api.js";
import { byId } from "./dom.js";
import { RowMenu } from "./row_menu.js";
import { RowView } from "./row_view.js";
import { t } from "./words.js";

export class ListView {
  #list = byId("conversations");
  #status = byId("list-status");
  #search = byId("search");
  /** @type {Map<string, RowView>} */
  #rows = new Map();
  #menu = new RowMenu({ rename: (row) => this.#rename(row), remove: (row) => void this.#remove(row) });

  /**
   * @param {import("./conversations.js").Conversations} conversations
   * @param {import("./conversation.js").Conversation} conversation
   * @param {{open: (id: string | null) => void, removed: (id: string) => void, say: (text: string) => void}} acts open null: a new one
   */
  constructor(conversations, conversation, acts) {
    this.conversations = conversations;
    this.conversation = conversation;
    this.acts = acts;
    conversations.addEventListener("change", () => this.#show());
    conversation.addEventListener("place", () => this.#show());
    this.#search.addEventListener("input", () => void conversations.search(this.#search.value));
    byId("search-form").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
    this.#list.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clicked(event));
    new IntersectionObserver(([end]) => end.isIntersecting && void conversations.more(), { rootMargin: "300px" }).observe(byId("list-end"));
    this.#show();
  }

  #show() {
    const { shown } = this.conversations;
    const rows = new Map(shown.map((item) => [item.id, this.#rows.get(item.id) ?? new RowView(item)]));
    for (const [id, row] of this.#rows) if (!rows.has(id)) row.element.remove();
    let after = /** @type {Element | null} */ (null);
    for (const item of shown) {
      const row = /** @type {RowView} */ (rows.get(item.id));
      row.show(item, item.id === this.conversation.id);
      const next = after ? after.nextSibling : this.#list.firstChild;
      if (next !== row.element) this.#list.insertBefore(row.element, next); // moving a node would lose focus
      after = row.element;
    }
    this.#rows = rows;
    this.#showStatus();
  }

  #showStatus() {
    const { state, shown, found, query } = this.conversations;
    const text =
      state === "unreachable" ? t("list.unreachable")
      : state === "loading" ? t("list.loading")
      : found && !shown.length ? t("list.nothing", { query })
      : found ? t(found.next ? "list.foundMore" : "list.found", { n: shown.length })
      : shown.length ? "" : t("list.empty");
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const row = [...this.#rows.values()].find((one) => one.element.contains(target));
    if (!row) return;
    if (row.more.contains(target)) return this.#menu.open(row);
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey; // a new tab or window
    if (!target.closest("a") || elsewhere) return;
    event.preventDefault();
    this.acts.open(row.item.id);
  }

  /** @param {RowView} row */
  #rename(row) {
    row.edit((title) => void this.#try(() => this.conversations.rename(row.item.id, title), t("list.renamed")));
  }

  /** @param {RowView} row */
  async #remove(row) {
    const { id } = row.item;
    const neighbour = row.element.nextElementSibling ?? row.element.previousElementSibling;
    if (!(await this.#try(() => this.conversations.remove(id), t("list.removed")))) return row.more.focus();
    const focus = /** @type {HTMLElement | null | undefined} */ (neighbour?.querySelector("a")) ?? this.#search;
    if (id === this.conversation.id) this.acts.open(null);
    else focus.focus();
    this.acts.removed(id);
  }

  /** @param {() => Promise<void>} act @param {string} done @returns {Promise<boolean>} whether it was done */
  async #try(act, done) {
    try {
      await act();
      this.acts.say(done);
      return true;
    } catch (error) {
      const why = error instanceof Refused ? t("list.failed", { why: error.message || error.code }) : t("list.noServer");
      this.#status.textContent = why;
      this.acts.say(why);
      return false;
    }
  }
}
