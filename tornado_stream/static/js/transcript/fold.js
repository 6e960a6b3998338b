// @ts-check
/** An element that can be folded. The rule: it opens and closes by itself only until the user has opened or closed it. */
import { element } from "../page/dom.js";

export class Fold {
  summary = element("summary");
  #touched = false;

  /** @param {string} className */
  constructor(className) {
    this.element = element("details", className);
    this.element.append(this.summary);
    this.summary.addEventListener("click", () => (this.#touched = true));
  }

  /** Open or close it, unless the user has decided. @param {boolean} open */
  show(open) {
    if (!this.#touched) this.element.open = open;
  }
}
