// @ts-check
/** What a user can do with a row of the list: open its menu, rename the conversation, delete it. Loaded when first needed. */
import { failureText } from "../page/errors.js";
import { element } from "../page/dom.js";
import { isComposing } from "../page/shortcuts.js";
import { t } from "../page/words.js";
import { Deletion } from "./deletion.js";
import { RowMenu } from "./row_menu.js";
import { titleOf } from "./row_view.js";

/**
 * @typedef {import("./row_view.js").RowView} RowView
 * @typedef {object} ListCallbacks
 * @property {(id: string | null, found?: {message: string, text: string}) => void} open opens a conversation, or with null a new one; `found`: the message that a search has found, and the text that was searched for
 * @property {(id: string) => void} removed
 * @property {(text: string) => void} say
 */

export class RowActions {
  menu = new RowMenu({ rename: (row) => this.rename(row), remove: (row) => this.remove(row) });

  /**
   * @param {import("./conversations.js").Conversations} conversations
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {{rows: import("./rows.js").Rows, search: HTMLElement, report: (text: string) => void}} list @param {ListCallbacks} callbacks
   */
  constructor(conversations, conversation, list, callbacks) {
    this.conversations = conversations;
    this.conversation = conversation;
    this.list = list;
    this.say = callbacks.say;
    this.deletion = new Deletion(conversations, conversation, { ...callbacks, focus: (id) => list.rows.get(id)?.focus() });
  }

  /** Let the user edit the title in the row. @param {RowView} row */
  rename(row) {
    editTitle(row, async (title) => {
      try {
        await this.conversations.rename(row.item.id, title);
        this.say(t("list.renamed"));
      } catch (error) {
        this.list.report(failureText(error));
      }
    });
  }

  /** Delete the row's conversation. If the focus was in the row, it moves to the next one. @param {RowView} row */
  remove(row) {
    const rows = this.list.rows.all;
    const at = rows.indexOf(row);
    const stay = row.item.id === this.conversation.id || !row.element.contains(document.activeElement);
    this.deletion.remove(row.item);
    if (!stay) (rows[at + 1] ?? rows[at - 1] ?? this.list.search).focus();
  }
}

/**
 * Replace the row's link by a text box with the title. Enter saves the title, and so does leaving the box. Escape does not.
 * @param {RowView} row @param {(title: string) => void} save called only if the title has changed
 */
function editTitle(row, save) {
  const { link, item } = row;
  if (!link.isConnected) return; // the title is being edited already
  const editor = element("input", "row-editor");
  editor.value = item.title;
  editor.maxLength = 200;
  editor.setAttribute("aria-label", t("list.rename", { title: titleOf(item) }));
  let ended = false;
  const end = (/** @type {boolean} */ keep, /** @type {boolean} */ focus) => {
    if (ended) return;
    ended = true; // first, because replacing the editor also fires `blur`
    editor.replaceWith(link);
    if (focus) row.focus();
    const title = editor.value.trim();
    if (keep && title && title !== row.item.title) save(title);
  };
  editor.addEventListener("blur", () => end(true, false));
  editor.addEventListener("keydown", (event) => {
    if ((event.key !== "Enter" && event.key !== "Escape") || isComposing(event)) return;
    event.preventDefault(); // so that Escape does not also close the drawer
    end(event.key === "Enter", true);
  });
  link.replaceWith(editor);
  editor.focus();
  editor.select();
}
