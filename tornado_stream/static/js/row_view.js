// @ts-check
/** One conversation in the list: a link, a mark while it is generating or unread, a button for its menu. */
import { element } from "./dom.js";
import { pathOf } from "./navigation.js";
import { t } from "./words.js";

/** About so many rows are laid out together. */
const CHUNK = 50;

/**
 * What a row shows: the conversation, whether it is the open one or unread, and of a search what
 * was searched for and how that is marked.
 * @typedef {{item: import("./api.js").ConversationItem, current: boolean, unread: boolean, query?: string, marks?: typeof import("./marks.js") | null}} Look
 */

export class RowView {
  element = element("div", "row");
  link = element("a", "row-link");
  more = element("button", "row-more");
  #title = element("span", "row-title");
  /** @type {Look | null} */
  #look = null;

  /** @param {import("./api.js").ConversationItem} item */
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

  /** @param {Look} look */
  show(look) {
    const { item, current, unread, query } = look;
    const last = this.#look;
    this.item = item;
    this.#look = look;
    if (item === last?.item && current === last.current && unread === last.unread && query === last.query) return; // thousands are
    if (last && JSON.stringify({ ...look, marks: 0 }) === JSON.stringify({ ...last, marks: 0 })) return;
    this.link.href = pathOf(item.id);
    this.element.classList.toggle("current", current);
    if (current) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
    this.link.title = this.title;
    this.more.setAttribute("aria-label", t("list.more", { title: this.title }));
    this.#showTexts(look);
  }

  /** @param {Look} look */
  #showTexts({ item, unread, query, marks }) {
    this.#title.replaceChildren(...(marks && query ? marks.markedTitle(this.title, query) : [this.title]));
    const mark = item.generation_id ? t("list.generating") : unread ? t("list.unread") : "";
    this.link.replaceChildren(this.#title);
    if (mark) this.#append("row-mark", element("span", "visually-hidden", mark)).dataset.mark = item.generation_id ? "generating" : "unread";
    if (marks && item.message_id) this.#append("row-snippet", ...marks.markedSnippet(item.snippet ?? "")); // without a message it is the title again
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
