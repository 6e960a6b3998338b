// @ts-check
/** Shows the list of conversations by date, or what a search has found. */
import { byId } from "../page/dom.js";
import { t } from "../page/words.js";
import { groupByDate } from "./date_groups.js";
import { listKey } from "./list_keys.js";
import { Rows } from "./rows.js";

/** @typedef {import("./row_view.js").RowView} RowView */

export class ListView {
  search = byId("search");
  #scroller = byId("side-list");
  #end = byId("list-end");
  #status = byId("list-status");
  #dated = new Rows(byId("conversations"));
  #found = new Rows(byId("found"));
  /** The search that is shown, and where the list was before. */
  #shown = { found: /** @type {object | null} */ (null), scrollTop: 0 };
  /** The row where Tab stops. @type {RowView | undefined} */
  #stop;
  /** @type {import("./row_actions.js").RowActions | null} */
  #actions = null;
  /** @type {typeof import("./search_highlights.js") | null} */
  #marks = null;
  #atEnd = new IntersectionObserver((looks) => looks.at(-1)?.isIntersecting && void this.conversations.more(), { root: this.#scroller, rootMargin: "1000px" });

  /**
   * @param {import("./conversations.js").Conversations} conversations
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {import("./unread.js").Unread} unread @param {import("./row_actions.js").ListCallbacks} callbacks
   */
  constructor(conversations, conversation, unread, callbacks) {
    this.conversations = conversations;
    this.conversation = conversation;
    this.unread = unread;
    this.callbacks = callbacks;
    for (const state of [conversations, unread]) state.addEventListener("change", () => this.#show());
    conversation.addEventListener("switched", () => this.#show());
    conversation.addEventListener("path", () => void (conversation.id && conversation.state === "missing" && conversations.forget(conversation.id)));
    this.search.addEventListener("input", () => void this.find(this.search.value));
    byId("search-form").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
    byId("side").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => listKey(event, this));
    this.#listen(this.#scroller);
    this.#show();
  }

  /** The rows that are shown. */
  get rows() {
    return this.conversations.found ? this.#found : this.#dated;
  }

  /** @param {string} text */
  async find(text) {
    this.#marks ??= await import("./search_highlights.js").catch(() => null);
    await this.conversations.search(text);
  }

  /** Do something that few visits need. @param {(actions: import("./row_actions.js").RowActions) => void} act */
  async use(act) {
    if (this.#actions) return act(this.#actions); // at once: the next key is for what it opens
    const module = await import("./row_actions.js").catch(() => null);
    if (!module) return this.report(t("list.noServer"));
    act((this.#actions ??= new module.RowActions(this.conversations, this.conversation, this, this.callbacks)));
  }

  /** @param {string} text */
  report(text) {
    this.#status.textContent = text;
    this.callbacks.say(text);
  }

  /** @param {HTMLElement} scroller */
  #listen(scroller) {
    scroller.addEventListener("click", (event) => this.#clicked(event));
    scroller.addEventListener("focusin", ({ target }) => this.#stopAt(this.rows.of(target)));
    scroller.addEventListener("dblclick", ({ target }) => {
      const row = /** @type {Element} */ (target).closest("a") && this.rows.of(target);
      if (row) void this.use((actions) => actions.rename(row));
    });
    if (!matchMedia("(any-pointer: coarse)").matches) return;
    void import("../page/long_press.js").then(({ onLongPress }) => onLongPress(scroller, (target) => this.#pressed(target)));
  }

  #show() {
    const { shown, found, query } = this.conversations;
    const groups = !found ? groupByDate(shown) : shown.length ? [{ key: "", items: shown }] : [];
    this.rows.show(groups, this.unread.look(), this.conversation.id, found ? { query, marks: this.#marks } : null);
    if (!this.#stop || this.#stop !== this.rows.get(this.#stop.item.id)) this.#stopAt(this.rows.get(this.conversation.id) ?? this.rows.all[0]);
    this.#turn(found);
    this.#showStatus(shown.length);
    this.#atEnd.unobserve(this.#end); // and look again: more may be needed at once
    this.#atEnd.observe(this.#end);
  }

  /** From the list to what was found, from one search to another, and back to where the list was. @param {object | null} found */
  #turn(found) {
    const { found: before, scrollTop } = this.#shown;
    if (found === before) return;
    this.#shown = { found, scrollTop: before ? scrollTop : this.#scroller.scrollTop };
    this.#dated.element.hidden = !!found;
    this.#found.element.hidden = !found;
    this.#scroller.scrollTop = found ? 0 : scrollTop;
  }

  /** @param {number} n how many are shown */
  #showStatus(n) {
    const { state, found, query } = this.conversations;
    const text =
      state === "unreachable" ? t("list.unreachable")
      : state === "loading" ? t("list.loading")
      : found && !n ? t("list.nothing", { query })
      : found ? t(found.next ? "list.foundMore" : "list.found", { n })
      : n ? "" : t("list.empty");
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /** @param {RowView | undefined} row */
  #stopAt(row) {
    this.#stop?.stop(false);
    this.#stop = row;
    row?.stop(true);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const row = this.rows.of(target);
    if (!row) return;
    if (row.more.contains(target)) return void this.use(({ menu }) => menu.toggle(row));
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey; // a new tab or window
    if (!target.closest("a") || elsewhere) return;
    event.preventDefault();
    const { id, message_id: message } = row.item;
    this.callbacks.open(id, message ? { message, text: this.conversations.query } : undefined);
  }

  /** @param {Element} target */
  #pressed(target) {
    const row = this.rows.of(target);
    if (row) void this.use(({ menu }) => menu.open(row));
    return !!row;
  }
}
