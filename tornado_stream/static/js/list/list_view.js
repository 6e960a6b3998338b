// @ts-check
/** Shows the conversations by date, or the results of a search, and handles clicks and keys in the list. */
import { byId } from "../page/dom.js";
import { holdKeys } from "../page/shortcuts.js";
import { t, withWords } from "../page/words.js";
import { groupByDate } from "./date_groups.js";
import { handleListKey } from "./list_keys.js";
import { Rows } from "./rows.js";

/** @typedef {import("./row_view.js").RowView} RowView */

export class ListView {
  search = byId("search");
  #scroller = byId("side-list");
  #end = byId("list-end");
  #status = byId("list-status");
  #dated = new Rows(byId("conversations"));
  #found = new Rows(byId("found"));
  /** The search results that are shown, and the scroll position of the dated list to return to. */
  #shown = { found: /** @type {object | null} */ (null), scrollTop: 0 };
  /** The only row that Tab reaches. @type {RowView | undefined} */
  #tabStop;
  /** @type {import("./row_actions.js").RowActions | null} */
  #actions = null;
  /** Shows pins and folders; null while there are none. @type {{groups: () => {key: string, items: import("./conversations.js").Item[], heading?: HTMLElement}[], toggleArchive: () => void} | null | undefined} */
  organizer = null;
  /** Marks the rows that are shared; null where the server lets nobody share. @type {import("./share_marks.js").ShareMarks | null} */
  marks = null;
  /** The rows that are selected. @type {import("./selection.js").Selection | null} */
  selection = null;
  /** @type {typeof import("./search_highlights.js") | null} */
  #highlights = null;
  #endObserver = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && void this.conversations.loadMore(), { root: this.#scroller, rootMargin: "1000px" });

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
    byId("side").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => handleListKey(event, this));
    this.#listen(this.#scroller);
    if ("sharing" in document.body.dataset) void withWords(import("./share_marks.js")).then(({ markShared }) => markShared(this), () => {});
    this.#show();
  }

  /** The rows that are visible: those of the dated list, or those of the search. */
  get rows() {
    return this.conversations.found ? this.#found : this.#dated;
  }

  /** Search for a text; an empty one ends the search. @param {string} text */
  async find(text) {
    this.#highlights ??= await import("./search_highlights.js").catch(() => null);
    await this.conversations.search(text);
  }

  /** Load the code of the row actions if necessary, and pass them to `act`. @param {(actions: import("./row_actions.js").RowActions) => void} act */
  async withActions(act) {
    if (this.#actions) return act(this.#actions); // without an await: the next key belongs to what `act` opens
    const loading = withWords(import("./row_actions.js")).then(
      ({ RowActions }) => act((this.#actions ??= new RowActions(this.conversations, this.conversation, this, this.callbacks))),
      () => this.report(t("list.noServer")),
    );
    await holdKeys(loading);
  }

  /** Load what shows pins, folders and the archive. */
  async organize() {
    this.organizer ??= undefined;
    await withWords(import("./organizer.js")).then(({ organize }) => organize(this)).catch(() => this.report(t("list.noServer")));
    this.#show();
  }

  /** Show a message above the list, and announce it. @param {string} text */
  report(text) {
    this.#status.textContent = text;
    this.callbacks.say(text);
  }

  /** @param {HTMLElement} scroller */
  #listen(scroller) {
    scroller.addEventListener("click", (event) => this.#clicked(event));
    scroller.addEventListener("focusin", ({ target }) => this.#setTabStop(this.rows.containing(target)));
    scroller.addEventListener("dblclick", ({ target }) => {
      const row = /** @type {Element} */ (target).closest("a") && this.rows.containing(target);
      if (row) void this.withActions((actions) => actions.rename(row));
    });
    byId("archive").addEventListener("click", () => void this.organize().then(() => this.organizer?.toggleArchive()));
    if (!matchMedia("(any-pointer: coarse)").matches) return;
    void import("../page/long_press.js").then(({ onLongPress }) => onLongPress(scroller, (target) => this.#pressed(target)), () => {});
  }

  #show() {
    const { shown, found, query } = this.conversations;
    if (this.organizer === null && this.conversations.isOrganized) return void this.organize();
    const groups = !found ? (this.organizer?.groups() ?? groupByDate(shown)) : shown.length ? [{ key: "", items: shown }] : [];
    this.rows.show(groups, this.unread.predicate(), this.conversation.id, found ? { query, highlights: this.#highlights } : null);
    if (!this.#tabStop || this.#tabStop !== this.rows.get(this.#tabStop.item.id)) this.#setTabStop(this.rows.get(this.conversation.id) ?? this.rows.all[0]);
    this.selection?.show();
    this.marks?.show();
    this.#switchLists(found);
    this.#showStatus(shown.length);
    this.#endObserver.unobserve(this.#end); // observing the end anew calls the observer, even if the end is still visible
    this.#endObserver.observe(this.#end);
  }

  /** Switch between the dated list, which returns to its scroll position, and the results of each search. @param {object | null} found */
  #switchLists(found) {
    const { found: before, scrollTop } = this.#shown;
    if (found === before) return;
    this.#shown = { found, scrollTop: before ? scrollTop : this.#scroller.scrollTop };
    this.#dated.element.hidden = !!found;
    this.#found.element.hidden = !found;
    this.#scroller.scrollTop = found ? 0 : scrollTop;
  }

  /** @param {number} n the number of conversations that are shown */
  #showStatus(n) {
    const { state, found, query } = this.conversations;
    const text =
      state === "unreachable" ? t("list.unreachable")
      : state === "loading" ? t("list.loading")
      : found?.label ? found.label(n, !!found.next)
      : found && !n ? (found.next ? t("list.loading") : t("list.nothing", { query }))
      : found ? t(found.next ? "list.foundMore" : "list.found", { n })
      : n || this.organizer ? "" : t("list.empty");
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /** @param {RowView | undefined} row */
  #setTabStop(row) {
    this.#tabStop?.setTabStop(false);
    this.#tabStop = row;
    row?.setTabStop(true);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const row = this.rows.containing(target);
    if (!row || this.selection?.clicked(event, row)) return;
    if (row.menuButton.contains(target)) return void this.withActions(({ menu }) => menu.toggle(row));
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey; // the browser opens a new tab or window
    if (!target.closest("a") || elsewhere) return;
    event.preventDefault();
    const { id, message_id: message } = row.item;
    this.callbacks.open(id, message ? { message, text: this.conversations.query } : undefined);
  }

  /** @param {Element} target */
  #pressed(target) {
    const row = this.rows.containing(target);
    if (row) void this.withActions(({ menu }) => menu.open(row));
    return !!row;
  }
}
