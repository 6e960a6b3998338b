// @ts-check
/**
 * The column with the conversations: beside the page where it is wide, a drawer over it where it is
 * not. A drawer takes the focus and gives it back; Escape and a click beside it close it.
 */
import { byId } from "../page/dom.js";
import { isSomethingOpen } from "../page/shortcuts.js";

const KEY = "tornado-stream:side";

export class Sidebar {
  #wide = matchMedia("(width >= 56rem)");
  #toggle = byId("side-toggle");
  #open = false;

  /** @param {import("../page/storage.js").Storage} storage */
  constructor(storage) {
    this.storage = storage;
    this.#toggle.addEventListener("click", () => this.toggle());
    byId("side-close").addEventListener("click", () => this.close());
    byId("side-backdrop").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !isSomethingOpen()) this.close();
    });
    this.#wide.addEventListener("change", () => this.#fit());
    this.#fit();
  }

  /** Close the drawer; a column stays. */
  close() {
    if (this.#open && !this.#wide.matches) this.#set(false, true);
  }

  toggle() {
    this.#set(!this.#open, true);
  }

  /** Open it and go to its search. */
  search() {
    if (!this.#open) this.#set(true, true);
    byId("search").select();
  }

  #fit() {
    this.#set(this.#wide.matches && this.storage.get(KEY) !== "closed", false);
  }

  /** @param {boolean} open @param {boolean} byHand */
  #set(open, byHand) {
    this.#open = open;
    const covers = open && !this.#wide.matches;
    document.body.dataset.side = open ? "open" : "closed";
    this.#toggle.setAttribute("aria-expanded", String(open));
    for (const part of document.querySelectorAll(".skip, .top, .main, .bottom")) /** @type {HTMLElement} */ (part).inert = covers;
    if (!byHand) return;
    if (this.#wide.matches) this.storage.set(KEY, open ? "open" : "closed");
    else if (open) byId("side-close").focus();
    else this.#toggle.focus();
  }
}
