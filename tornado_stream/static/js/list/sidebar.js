// @ts-check
/**
 * The sidebar with the conversations: a column beside a wide page, or a drawer over a narrow one. The
 * drawer takes the focus and gives it back. Escape, a click beside it, the browser's Back, or a swipe closes it.
 */
import { byId } from "../page/dom.js";
import { isSomethingOpen } from "../page/shortcuts.js";

const KEY = "tornado-stream:side";

export class Sidebar {
  #wide = matchMedia("(width >= 56rem)");
  #toggle = byId("side-toggle");
  #open = false;
  #hasGestures = false;
  #phone = matchMedia("(width < 56rem), (any-pointer: coarse)");

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
    this.#phone.addEventListener("change", () => this.#loadGestures());
    this.#fitToWidth();
    this.#loadGestures();
  }

  /** Whether it is open over the page. */
  get covers() {
    return this.#open && !this.#wide.matches;
  }

  /** Close the sidebar if it is a drawer. A column stays open. */
  close() {
    if (this.covers) this.#set(false, true);
  }

  toggle() {
    this.#set(!this.#open, true);
  }

  /** Open the sidebar and focus its search box. */
  search() {
    if (!this.#open) this.#set(true, true);
    byId("search").select();
  }

  #loadGestures() {
    if (!this.#phone.matches || this.#hasGestures) return;
    this.#hasGestures = true;
    void import("../page/back.js").then(({ closeByBack }) => closeByBack(this), () => {});
    void import("../page/swipe.js").then(({ listenForSwipes }) => listenForSwipes(this), () => {});
  }

  #fitToWidth() {
    this.#set(this.#wide.matches && this.storage.get(KEY) !== "closed", false);
  }

  /** @param {boolean} open @param {boolean} byUser if true, remember the choice and move the focus */
  #set(open, byUser) {
    this.#open = open;
    document.body.dataset.side = open ? "open" : "closed";
    this.#toggle.setAttribute("aria-expanded", String(open));
    for (const part of document.querySelectorAll(".skip, .top, .main, .bottom")) /** @type {HTMLElement} */ (part).inert = this.covers;
    if (!byUser) return;
    if (this.#wide.matches) return this.storage.set(KEY, open ? "open" : "closed");
    if (open) byId("side-close").focus();
    else this.#toggle.focus();
  }
}
