// @ts-check
/** What can be folded away. It opens and closes by itself only until the reader has done either. */
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

  /** @param {boolean} open */
  show(open) {
    if (!this.#touched) this.element.open = open;
  }
}
