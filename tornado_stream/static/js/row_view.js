// @ts-check
/** One conversation in the list: a link, a mark while it is generating or unread, a button for its menu, its title to be edited. */
import { element } from "./dom.js";
import { pathOf } from "./navigation.js";
import { t } from "./words.js";

/** Around a match in a snippet. */
const MATCH = /\ue000(.*?)\ue001/gsu;
/** So many characters are shown before it. */
const BEFORE = 30;
/** About so many rows are laid out together. */
const CHUNK = 50;

/**
 * What a row shows: the conversation, whether it is the open one or unread, what was searched for.
 * @typedef {{item: import("./api.js").ConversationItem, current: boolean, unread: boolean, query: string}} Look
 */

export class RowView {
  element = element("div", "row");
  more = element("button", "row-more");
  #link = element("a", "row-link");
  #title = element("span", "row-title");
  #mark = element("span", "row-mark");
  #snippet = element("span", "row-snippet");
  /** @type {Look | null} */
  #look = null;
  #shown = "";
  /** @type {HTMLInputElement | null} */
  #editor = null;

  /** @param {import("./api.js").ConversationItem} item */
  constructor(item) {
    this.item = item;
    this.beginsChunk = hash(item.id) % CHUNK === 0;
    this.element.dataset.id = item.id;
    this.element.setAttribute("role", "listitem");
    this.#link.append(this.#title);
    this.more.type = "button";
    this.more.setAttribute("aria-haspopup", "menu");
    this.more.setAttribute("aria-expanded", "false");
    this.stop(false);
    this.element.append(this.#link, this.more);
  }

  get title() {
    return this.item.title || t("list.untitled");
  }

  /** @param {Look} look */
  show(look) {
    const { item, current, unread, query } = look;
    const last = this.#look;
    this.item = item;
    this.#look = look;
    if (item === last?.item && current === last.current && unread === last.unread && query === last.query) return; // thousands are
    const shown = JSON.stringify(look);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#link.href = pathOf(item.id);
    this.element.classList.toggle("current", current);
    if (current) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
    this.#title.replaceChildren(...marked(this.title, query ? new RegExp(`(${escaped(query)})`, "giu") : null));
    this.#link.title = this.title;
    this.#showMark(item.generation_id ? "generating" : unread ? "unread" : "");
    this.#showSnippet(item.message_id ? (item.snippet ?? "") : ""); // without a message it is the title again
    this.more.setAttribute("aria-label", t("list.more", { title: this.title }));
  }

  focus() {
    this.#link.focus();
  }

  /** Whether Tab stops here. @param {boolean} stop */
  stop(stop) {
    this.#link.tabIndex = this.more.tabIndex = stop ? 0 : -1;
  }

  /** Let the reader write another title. @param {(title: string) => void} save */
  edit(save) {
    if (this.#editor) return;
    const editor = (this.#editor = element("input", "row-editor"));
    editor.value = this.item.title;
    editor.maxLength = 200;
    editor.setAttribute("aria-label", t("list.rename", { title: this.title }));
    const end = (/** @type {boolean} */ keep, /** @type {boolean} */ focus) => {
      if (this.#editor !== editor) return;
      this.#editor = null;
      const title = editor.value.trim();
      editor.replaceWith(this.#link);
      if (focus) this.focus();
      if (keep && title && title !== this.item.title) save(title);
    };
    editor.addEventListener("blur", () => end(true, false));
    editor.addEventListener("keydown", (event) => {
      if ((event.key !== "Enter" && event.key !== "Escape") || event.isComposing || event.keyCode === 229) return;
      event.preventDefault(); // Escape ends the editing, and does not close the drawer
      end(event.key === "Enter", true);
    });
    this.#link.replaceWith(editor);
    editor.focus();
    editor.select();
  }

  /** @param {"generating" | "unread" | ""} mark */
  #showMark(mark) {
    if (!mark) return this.#mark.remove();
    this.#mark.dataset.mark = mark;
    this.#mark.replaceChildren(element("span", "visually-hidden", mark === "unread" ? t("list.unread") : t("list.generating")));
    this.#title.after(this.#mark);
  }

  /** @param {string} snippet */
  #showSnippet(snippet) {
    if (!snippet) return this.#snippet.remove();
    this.#snippet.replaceChildren(...marked(begun(snippet), MATCH));
    this.#link.append(this.#snippet);
  }
}

/** A text with its matches marked. @param {string} text @param {RegExp | null} match with one group @returns {(string | HTMLElement)[]} */
function marked(text, match) {
  const parts = match ? text.split(match) : [text];
  return parts.map((part, index) => (index % 2 ? element("mark", "", part) : part)).filter((part) => part !== "");
}

/** A snippet that begins so near before its match that two short lines show it. @param {string} snippet */
function begun(snippet) {
  const first = snippet.indexOf("\ue000") - BEFORE;
  return first > 0 ? `…${snippet.slice(first).replace(/^\S{0,12}\s|^[\udc00-\udfff]/u, "")}` : snippet;
}

/** A text as a pattern for itself. @param {string} text */
export const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** A number that is the same for the same text (FNV-1a). @param {string} text */
function hash(text) {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
