// @ts-check
/** One row of the list: a link to the conversation, a mark if it is generating or unread, a button for its menu. */
import { pathOf } from "../conversation/navigation.js";
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

/** The average number of rows in a chunk (see rows.js). */
const CHUNK = 50;

/** The text that is searched for, and the module that highlights it, once it is loaded. @typedef {{query: string, highlights: typeof import("./search_highlights.js") | null}} Search */

export class RowView {
  element = element("div", "row");
  link = element("a", "row-link");
  menuButton = element("button", "row-more");
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
    this.#title.dir = "auto"; // a title that is cut off keeps its beginning
    this.link.append(this.#title);
    this.menuButton.type = "button";
    this.menuButton.setAttribute("aria-haspopup", "menu");
    this.menuButton.setAttribute("aria-expanded", "false");
    this.setTabStop(false);
    this.element.append(this.link, this.menuButton);
  }

  focus() {
    this.link.focus();
  }

  /** Let Tab reach this row, or not. @param {boolean} stop */
  setTabStop(stop) {
    this.link.tabIndex = this.menuButton.tabIndex = stop ? 0 : -1;
  }

  /**
   * @param {import("../page/api.js").ConversationItem} item @param {boolean} current whether this conversation is open
   * @param {boolean} unread @param {Search | null} search
   */
  show(item, current, unread, search) {
    if (item === this.item && current === this.#current && unread === this.#unread && this.#shown && !search) return; // fast, because thousands of rows have not changed
    const shown = JSON.stringify([item, current, unread, search?.query]);
    this.item = item;
    [this.#current, this.#unread] = [current, unread];
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.link.href = pathOf(item.id);
    this.element.classList.toggle("current", current);
    if (current) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
    this.link.title = titleOf(item);
    this.menuButton.setAttribute("aria-label", t("list.more", { title: titleOf(item) }));
    this.#showTexts(item.generation_id ? "generating" : item.decide ? "decide" : unread ? "unread" : "", search);
  }

  /** @param {"generating" | "decide" | "unread" | ""} mark @param {Search | null} search */
  #showTexts(mark, search) {
    const { message_id, snippet } = this.item;
    const title = titleOf(this.item);
    this.#title.replaceChildren(...(search?.highlights?.highlightTitle(title, search.query) ?? [title]));
    this.link.replaceChildren(this.#title);
    if (mark) this.#append("row-mark", element("span", "visually-hidden", mark === "unread" ? t("list.unread") : mark === "decide" ? t("list.decide") : t("list.generating"))).dataset.mark = mark;
    if (message_id && search?.highlights) this.#append("row-snippet", ...search.highlights.highlightSnippet(snippet ?? "")); // without a message, the snippet repeats the title
  }

  /** @param {string} name @param {(string | HTMLElement)[]} parts */
  #append(name, ...parts) {
    const part = element("span", name);
    part.append(...parts);
    this.link.append(part);
    return part;
  }
}

/** The title to show. @param {{title: string}} item */
export const titleOf = ({ title }) => title || t("list.untitled");

/** The FNV-1a hash of a text. @param {string} text */
function hash(text) {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
