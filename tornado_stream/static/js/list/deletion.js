// @ts-check
/**
 * Deletes conversations and restores them: connects the trash, its notes (toasts), Ctrl+Z and the open
 * conversation. Loaded when first needed.
 */
import { failureText } from "../page/errors.js";
import { isMac } from "../page/shortcuts.js";
import { t } from "../page/words.js";
import { titleOf } from "./row_view.js";
import { Toasts } from "./toasts.js";
import { idsOf, Trash } from "./trash.js";

/** @typedef {import("./trash.js").Item} Item */

export class Deletion {
  /** The id of the conversation that was open when it was deleted; null once another one is opened. @type {string | null} */
  #wasOpen = null;
  /** Whether the user has written something since the last deletion. If not, Ctrl+Z undoes it even in a text box. */
  #hasWritten = false;

  /**
   * @param {import("./conversations.js").Conversations} conversations
   * @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {{open: (id: string | null) => void, removed: (id: string) => void, say: (text: string) => void, focus: (id: string) => void}} callbacks
   */
  constructor(conversations, conversation, callbacks) {
    this.conversation = conversation;
    this.callbacks = callbacks;
    this.trash = new Trash(conversations);
    const toasts = new Toasts(this.trash, (item) => this.undo(item));
    this.trash.addEventListener("failed", (event) => {
      const { item, error } = /** @type {CustomEvent} */ (event).detail;
      const text = `${t("trash.failed", { title: titleOf(item) })} ${failureText(error)}`;
      toasts.note(text);
      callbacks.say(text);
    });
    conversations.addEventListener("removed", (event) => callbacks.removed(/** @type {CustomEvent} */ (event).detail));
    conversation.addEventListener("switched", () => this.#restoreOpened());
    addEventListener("pagehide", () => this.trash.deleteAll());
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("input", () => (this.#hasWritten = true));
  }

  /** @param {Item} item */
  remove(item) {
    const open = idsOf(item).find((id) => id === this.conversation.id);
    if (open) this.callbacks.open(null);
    if (open) this.#wasOpen = open; // not before `open`, which sets it to null
    this.trash.add(item);
    this.#hasWritten = false;
    this.callbacks.say(t("trash.said", { title: titleOf(item), keys: isMac ? "⌘Z" : t("trash.keys") }));
  }

  /** @param {Item} item */
  undo(item) {
    const was = this.conversation.newest ? undefined : idsOf(item).find((id) => id === this.#wasOpen);
    if (!this.trash.restore(item.id)) return;
    if (was) this.callbacks.open(was);
    else this.callbacks.focus(item.id);
    this.callbacks.say(t("trash.restored", { title: titleOf(item) }));
  }

  /** If the user goes back to a deleted conversation in the browser's history, restore it. */
  #restoreOpened() {
    const { id } = this.conversation;
    if (id !== null && this.trash.restore(id)) this.callbacks.say(t("trash.restored", { title: titleOf(this.conversation) }));
    this.#wasOpen = null;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const writing = this.#hasWritten && /** @type {HTMLElement} */ (event.target).matches("input, textarea");
    const last = this.trash.items.at(-1);
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || writing || !last) return;
    event.preventDefault();
    this.undo(last);
  }
}
