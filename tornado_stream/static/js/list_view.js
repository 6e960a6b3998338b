// @ts-check
/** Shows the list of conversations by date, or what a search has found, and does what its rows ask for. */
import { Refused } from "./api.js";
import { byId } from "./dom.js";
import { ListKeys } from "./list_keys.js";
import { onLongPress } from "./long_press.js";
import { byPeriod } from "./periods.js";
import { Rows } from "./rows.js";
import { t } from "./words.js";

/**
 * `open`: null is a new one; `found`: the message that was, and what was searched for.
 * @typedef {{open: (id: string | null, found?: {message: string, text: string}) => void, removed: (id: string) => void, say: (text: string) => void}} Acts
 * @typedef {import("./row_view.js").RowView} RowView
 */

export class ListView {
  #scroller = byId("side-list");
  #end = byId("list-end");
  #status = byId("list-status");
  #search = byId("search");
  #dated = new Rows(byId("conversations"));
  #found = new Rows(byId("found"));
  /** The search that is shown, and where the list was before. */
  #shown = { found: /** @type {object | null} */ (null), scrollTop: 0 };
  /** @type {ReturnType<ListView["load"]> | null} */
  #tools = null;
  #atEnd = new IntersectionObserver((looks) => looks.at(-1)?.isIntersecting && void this.conversations.more(), { root: this.#scroller, rootMargin: "1000px" });

  /**
   * @param {import("./conversations.js").Conversations} conversations
   * @param {import("./conversation.js").Conversation} conversation
   * @param {import("./unread.js").Unread} unread @param {Acts} acts
   */
  constructor(conversations, conversation, unread, acts) {
    this.conversations = conversations;
    this.conversation = conversation;
    this.unread = unread;
    this.acts = acts;
    for (const state of [conversations, unread]) state.addEventListener("change", () => this.#show());
    conversation.addEventListener("place", () => this.#show());
    conversation.addEventListener("path", () => void (conversation.id && conversation.state === "missing" && conversations.forget(conversation.id)));
    this.keys = new ListKeys(this.#scroller, this.#search, () => this.#rows, {
      rename: (row) => this.#rename(row),
      remove: (row) => void this.#remove(row),
      find: (text) => void conversations.search(text),
    });
    this.#search.addEventListener("input", () => void conversations.search(this.#search.value));
    byId("search-form").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
    this.#scroller.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clicked(event));
    this.#scroller.addEventListener("dblclick", (/** @type {MouseEvent} */ { target }) => {
      const row = /** @type {Element} */ (target).closest("a") && this.#rows.of(target);
      if (row) this.#rename(row);
    });
    onLongPress(this.#scroller, (target) => this.#pressed(target));
    this.#show();
  }

  /** Delete the open conversation, or another. @param {string} id */
  async remove(id) {
    const { deletion } = await this.load();
    const { title } = this.#dated.get(id)?.item ?? this.conversation;
    deletion.remove({ id, title });
  }

  /** What few visits need: the menu, and deleting. */
  load() {
    this.#tools ??= Promise.all([import("./row_menu.js"), import("./deletion.js")]).then(([{ RowMenu }, { Deletion }]) => ({
      menu: new RowMenu({ rename: (row) => this.#rename(row), remove: (row) => void this.#remove(row) }),
      deletion: new Deletion(this.conversations, this.conversation, {
        ...this.acts,
        focus: (id) => this.#rows.get(id)?.focus(),
        why,
      }),
    }));
    this.#tools.catch(() => {
      this.#tools = null; // the next time it may be reached
      this.#report(t("list.noServer"));
    });
    return this.#tools;
  }

  get #rows() {
    return this.conversations.found ? this.#found : this.#dated;
  }

  #show() {
    const { shown, found, query } = this.conversations;
    const isUnread = this.unread.look();
    const groups = !found ? byPeriod(shown) : shown.length ? [{ key: "", items: shown }] : [];
    const rows = this.#rows;
    rows.show(groups, (item) => ({ current: item.id === this.conversation.id, unread: isUnread(item), query: found ? query : "" }));
    this.keys.settle(this.conversation.id);
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

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const row = this.#rows.of(target);
    if (!row) return;
    if (row.more.contains(target)) return void this.load().then(({ menu }) => menu.toggle(row));
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey; // a new tab or window
    if (!target.closest("a") || elsewhere) return;
    event.preventDefault();
    const { id, message_id: message } = row.item;
    this.acts.open(id, message ? { message, text: this.conversations.query } : undefined);
  }

  /** @param {Element} target @returns {boolean} */
  #pressed(target) {
    const row = this.#rows.of(target);
    if (row) void this.load().then(({ menu }) => menu.open(row));
    return !!row;
  }

  /** @param {RowView} row */
  #rename(row) {
    row.edit(async (title) => {
      try {
        await this.conversations.rename(row.item.id, title);
        this.acts.say(t("list.renamed"));
      } catch (error) {
        this.#report(why(error));
      }
    });
  }

  /** @param {RowView} row */
  async #remove(row) {
    const { deletion } = await this.load();
    const rows = this.#rows.all;
    const at = rows.indexOf(row);
    const stay = row.item.id === this.conversation.id || !row.element.contains(document.activeElement);
    deletion.remove(row.item);
    if (!stay) (rows[at + 1] ?? rows[at - 1] ?? this.#search).focus();
  }

  /** @param {string} text */
  #report(text) {
    this.#status.textContent = text;
    this.acts.say(text);
  }
}

/** Why the server did not do it. @param {unknown} error */
const why = (error) => (error instanceof Refused ? t("list.failed", { why: error.message || error.code }) : t("list.noServer"));
