// @ts-check
/** One conversation in the list: a link, a mark while it is generating or unread, a button for its menu. */
import { pathOf } from "../conversation/navigation.js";
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

/** About so many rows are laid out together. */
const CHUNK = 50;

/** What was searched for, and how that is marked. @typedef {{query: string, marks: typeof import("./search_highlights.js") | null}} Search */

export class RowView {
  element = element("div", "row");
  link = element("a", "row-link");
  more = element("button", "row-more");
  #title = element("span", "row-title");
  #current = false;
  #unread = false;
  #shown = "";

  /** @param {import("../page/api.js").ConversationItem} item */
  constructor(item) {
    this.item = item;
    this.beginsChunk = hash(item.id) % CHUNK === 0;
    this.element.dataset.id = item.id;
    this.element.setAttribute("role", "listitem");
    this.link.append(this.#title);
    this.more.type = "button";
    this.more.setAttribute("aria-haspopup", "menu");
    this.more.setAttribute("aria-expanded", "false");
    this.stop(false);
    this.element.append(this.link, this.more);
  }

  get title() {
    return this.item.title || t("list.untitled");
  }

  focus() {
    this.link.focus();
  }

  /** Whether Tab stops here. @param {boolean} stop */
  stop(stop) {
    this.link.tabIndex = this.more.tabIndex = stop ? 0 : -1;
  }

  /**
   * @param {import("../page/api.js").ConversationItem} item @param {boolean} current it is the open one
   * @param {boolean} unread @param {Search | null} search
   */
  show(item, current, unread, search) {
    if (item === this.item && current === this.#current && unread === this.#unread && this.#shown && !search) return; // thousands are
    const shown = JSON.stringify([item, current, unread, search?.query]);
    this.item = item;
    [this.#current, this.#unread] = [current, unread];
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.link.href = pathOf(item.id);
    this.element.classList.toggle("current", current);
    if (current) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
    this.link.title = this.title;
    this.more.setAttribute("aria-label", t("list.more", { title: this.title }));
    this.#showTexts(item.generation_id ? "generating" : unread ? "unread" : "", search);
  }

  /** @param {"generating" | "unread" | ""} mark @param {Search | null} search */
  #showTexts(mark, search) {
    const { message_id, snippet } = this.item;
    this.#title.replaceChildren(...(search?.marks?.markedTitle(this.title, search.query) ?? [this.title]));
    this.link.replaceChildren(this.#title);
    if (mark) this.#append("row-mark", element("span", "visually-hidden", mark === "unread" ? t("list.unread") : t("list.generating"))).dataset.mark = mark;
    if (message_id && search?.marks) this.#append("row-snippet", ...search.marks.markedSnippet(snippet ?? "")); // without a message it is the title again
  }

  /** @param {string} name @param {(string | HTMLElement)[]} parts */
  #append(name, ...parts) {
    const part = element("span", name);
    part.append(...parts);
    this.link.append(part);
    return part;
  }
}

/** A number that is the same for the same text (FNV-1a). @param {string} text */
function hash(text) {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
