// @ts-check
/** What a user can do with a conversation in the list or in the header: open its menu, rename it, delete it. Loaded when first needed. */
import { failureText } from "../page/errors.js";
import { element } from "../page/dom.js";
import { isComposing } from "../page/shortcuts.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { ConversationMenu } from "./conversation_menu.js";
import { Deletion } from "./deletion.js";
import { Places } from "./places.js";
import { Selection } from "./selection.js";
import { titleOf } from "./row_view.js";

await Promise.all([loadStyleSheet("menus"), loadStyleSheet("organize")]).catch(() => {}); // it works without its style, too

/**
 * @typedef {import("./conversation_menu.js").Target} Target
 * @typedef {object} ListCallbacks
 * @property {(id: string | null, found?: {message: string, text: string}) => void} open opens a conversation, or with null a new one; `found`: the message that a search has found, and the text that was searched for
 * @property {(id: string) => void} removed
 * @property {(text: string) => void} say
 */

export class RowActions {
  menu = new ConversationMenu(this);

  /**
   * @param {import("./conversations.js").Conversations} conversations
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {import("./rows.js").List} list @param {ListCallbacks} callbacks
   */
  constructor(conversations, conversation, list, callbacks) {
    this.conversations = conversations;
    this.conversation = conversation;
    this.list = list;
    this.say = callbacks.say;
    this.places = new Places(conversations, list, callbacks.say);
    this.deletion = new Deletion(conversations, conversation, { ...callbacks, focus: (id) => list.rows.get(id)?.focus() });
  }

  /** Let the user edit the title in its place. @param {Target} target */
  rename(target) {
    const { id } = target.item;
    editTitle(target, async (title) => {
      try {
        await this.conversations.rename(id, title);
        if (id === this.conversation.id) this.conversation.entitle(title);
        this.say(t("list.renamed"));
      } catch (error) {
        this.list.report(failureText(error));
      }
    });
  }

  /** Share a conversation up to the last message of the branch that is shown. @param {Target} target */
  async share({ item }) {
    const { api } = this.conversations;
    const open = item.id === this.conversation.id && this.conversation.path.at(-1)?.id;
    const leaf = async () => open || (await api.conversation(item.id, AbortSignal.timeout(20_000))).current_id;
    try {
      const { ShareDialog } = await import("./share_dialog.js");
      await new ShareDialog(api, item, leaf).open();
    } catch (error) {
      this.list.report(failureText(error));
    }
  }

  /** What the list knows of a conversation. @param {{id: string, title: string}} item @returns {import("../page/api.js").ConversationItem} */
  known(item) {
    const { found, all } = this.conversations;
    return /** @type {any} */ ([...(found?.items ?? []), ...all].find(({ id }) => id === item.id) ?? item);
  }

  /** Select rows, with a key or with the menu. @param {import("./row_view.js").RowView} row @param {KeyboardEvent} [event] */
  select(row, event) {
    const list = this.list;
    list.selection ??= new Selection(list, this, () => (list.selection = null));
    list.selection.act(row, event);
  }

  /** Delete many conversations. @param {import("../page/api.js").ConversationItem[]} items */
  removeMany(items) {
    this.deletion.remove({ id: items[0].id, title: t("select.count", { n: items.length }), ids: items.map(({ id }) => id) });
  }

  /** Delete a conversation. If the focus was in its row, it moves to the next one. @param {Target} target */
  remove({ item, element }) {
    const rows = this.list.rows.all;
    const at = rows.findIndex((row) => row.element === element);
    const stay = item.id === this.conversation.id || !element.contains(document.activeElement);
    this.deletion.remove(item);
    if (!stay) (rows[at + 1] ?? rows[at - 1] ?? this.list.search).focus();
  }
}

/**
 * Replace a title by a text box. Enter saves the title, and so does leaving the box. Escape does not.
 * @param {Target} target @param {(title: string) => void} save called only if the title has changed
 */
function editTitle(target, save) {
  const { link, item } = target;
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
    if (focus) target.focus();
    const title = editor.value.trim();
    if (keep && title && title !== item.title) save(title);
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
