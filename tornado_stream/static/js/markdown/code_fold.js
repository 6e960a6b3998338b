// @ts-check
/** The button that shows all lines of long code. Loaded with the first long code. */
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

/** @type {WeakMap<HTMLElement, Fold>} */
const folds = new WeakMap();

/** Say how many lines the code has now. @param {HTMLElement} frame @param {number} count */
export function showCount(frame, count) {
  let fold = folds.get(frame);
  if (!fold) folds.set(frame, (fold = new Fold(frame)));
  fold.show(count);
}

class Fold {
  #button = element("button", "link code-fold");
  #count = 0;
  #open = false;

  /** @param {HTMLElement} frame */
  constructor(frame) {
    this.frame = frame;
    this.#button.type = "button";
    this.#button.ariaExpanded = "false";
    this.#button.addEventListener("click", () => this.#toggle());
    frame.append(this.#button);
  }

  /** @param {number} count */
  show(count) {
    this.#count = count;
    const label = this.#open ? t("message.showLess") : t("markdown.showAll", { n: count });
    if (this.#button.textContent !== label) this.#button.textContent = label;
  }

  /** The button of folded code is below it. That of open code is in the head, which stays in view. */
  #toggle() {
    this.#open = !this.#open;
    this.#button.ariaExpanded = String(this.#open);
    this.frame.classList.toggle("open", this.#open);
    if (this.#open) this.frame.querySelector(".language")?.after(this.#button);
    else this.frame.append(this.#button);
    this.show(this.#count);
    this.#button.focus({ preventScroll: true });
    if (!this.#open) this.frame.scrollIntoView({ block: "nearest" });
  }
}
