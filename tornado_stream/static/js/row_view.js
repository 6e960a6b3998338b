// @ts-check
/** One conversation in the list: a link, a mark while it is generating, a button for its menu, its title to be edited. */
import { element } from "./dom.js";
import { pathOf } from "./navigation.js";
import { t } from "./words.js";

/** Around a match in a snippet. */
const MATCH = /\ue000(.*?)\ue001/gsu;

export class RowView {
  element = element("li", "row");
  more = element("button", "row-more");
  #link = element("a", "row-link");
  #title = element("span", "row-title");
  #mark = element("span", "row-mark");
  #snippet = element("span", "row-snippet");
  #shown = "";
  /** @type {HTMLInputElement | null} */
  #editor = null;

  /** @param {import("./api.js").ConversationItem} item */
  constructor(item) {
    this.item = item;
    this.#mark.append(element("span", "visually-hidden", t("list.generating")));
    this.#link.append(this.#title, this.#mark, this.#snippet);
    this.more.type = "button";
    this.more.setAttribute("aria-haspopup", "menu");
    this.more.setAttribute("aria-expanded", "false");
    this.more.append(dots());
    this.element.append(this.#link, this.more);
  }

  get title() {
    return this.item.title || t("list.untitled");
  }

  /** @param {import("./api.js").ConversationItem} item @param {boolean} current */
  show(item, current) {
    this.item = item;
    const shown = JSON.stringify([item, current]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#link.href = pathOf(item.id);
    if (current) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
    this.#title.textContent = this.title;
    this.#link.title = this.title;
    this.#mark.hidden = !item.generation_id;
    this.#snippet.replaceChildren(...marked(item.snippet ?? ""));
    this.more.setAttribute("aria-label", t("list.more", { title: this.title }));
  }

  focus() {
    this.#link.focus();
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
      if ((event.key !== "Enter" && event.key !== "Escape") || event.isComposing) return;
      event.preventDefault(); // Escape ends the editing, and does not close the drawer
      end(event.key === "Enter", true);
    });
    this.#link.replaceWith(editor);
    editor.focus();
    editor.select();
  }
}

/** A snippet's text with its matches marked. @param {string} snippet @returns {(string | HTMLElement)[]} */
function marked(snippet) {
  return snippet.split(MATCH).map((part, index) => (index % 2 ? element("mark", "", part) : part)).filter((part) => part !== "");
}

function dots() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  for (const x of ["4.5", "10", "15.5"]) {
    const dot = document.createElementNS(svg.namespaceURI, "circle");
    for (const [name, value] of [["cx", x], ["cy", "10"], ["r", "1.4"], ["class", "solid"]]) dot.setAttribute(name, String(value));
    svg.append(dot);
  }
  return svg;
}
