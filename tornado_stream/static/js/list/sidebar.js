// @ts-check
/**
 * The sidebar with the conversations: a column beside a wide page, or a drawer over a narrow one. The
 * drawer takes the focus and gives it back. Escape, a click beside it, or the browser's Back closes it: an open
 * drawer is an entry of the browser's history, which is replaced if the user chooses a conversation in it.
 */
import { byId } from "../page/dom.js";
import { isSomethingOpen } from "../page/shortcuts.js";

const KEY = "tornado-stream:side";

export class Sidebar {
  #wide = matchMedia("(width >= 56rem)");
  #toggle = byId("side-toggle");
  #open = false;
  /** The entry of the history is being removed, because the drawer was closed in another way than by Back. */
  #isLeaving = false;

  /** @param {import("../page/storage.js").Storage} storage */
  constructor(storage) {
    this.storage = storage;
    this.#toggle.addEventListener("click", () => this.toggle());
    byId("side-close").addEventListener("click", () => this.close());
    byId("side-backdrop").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !isSomethingOpen()) this.close();
    });
    this.#wide.addEventListener("change", () => this.#fitToWidth());
    addEventListener("popstate", (event) => this.#wentBack(event));
    this.#fitToWidth();
  }

  /** Close the sidebar if it is a drawer. A column stays open. */
  close() {
    if (this.#open && !this.#wide.matches) this.#set(false, true);
  }

  toggle() {
    this.#set(!this.#open, true);
  }

  /** Open the sidebar and focus its search box. */
  search() {
    if (!this.#open) this.#set(true, true);
    byId("search").select();
  }

  /** @param {PopStateEvent} event */
  #wentBack(event) {
    if (this.#isLeaving || (this.#open && !this.#wide.matches)) event.stopImmediatePropagation(); // so that the conversation stays
    if (!this.#isLeaving) this.close();
    this.#isLeaving = false;
  }

  #keepHistory() {
    const isEntry = Boolean(history.state?.drawer);
    if (this.#open && !isEntry) history.pushState({ drawer: true }, "");
    this.#isLeaving = !this.#open && isEntry;
    if (this.#isLeaving) history.back();
  }

  #fitToWidth() {
    this.#set(this.#wide.matches && this.storage.get(KEY) !== "closed", false);
  }

  /** @param {boolean} open @param {boolean} byUser if true, remember the choice and move the focus */
  #set(open, byUser) {
    this.#open = open;
    const covers = open && !this.#wide.matches;
    document.body.dataset.side = open ? "open" : "closed";
    this.#toggle.setAttribute("aria-expanded", String(open));
    for (const part of document.querySelectorAll(".skip, .top, .main, .bottom")) /** @type {HTMLElement} */ (part).inert = covers;
    if (!byUser) return;
    if (this.#wide.matches) return this.storage.set(KEY, open ? "open" : "closed");
    this.#keepHistory();
    if (open) byId("side-close").focus();
    else this.#toggle.focus();
  }
}
