// @ts-check
/**
 * A paste too long for a text box, which lays all of its text out again with every key: it is kept
 * beside the question, and sent below it. Fires `change`.
 */
import { element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";

/** Characters from which on a text box is slow to write in. */
export const LONG = 100_000;

export class PastedText extends EventTarget {
  #text = "";

  /** @param {HTMLElement} element where it is shown @param {HTMLTextAreaElement} box where it would have gone */
  constructor(element, box) {
    super();
    this.element = element;
    box.addEventListener("paste", (event) => this.#paste(event, event.clipboardData));
    box.addEventListener("drop", (event) => this.#paste(event, event.dataTransfer));
    this.remove = smallButton("×", () => {
      this.text = "";
      this.dispatchEvent(new Event("change"));
      box.focus();
    });
    this.remove.setAttribute("aria-label", t("composer.removePasted"));
  }

  get text() {
    return this.#text;
  }

  set text(text) {
    if (text === this.#text) return;
    this.#text = text;
    this.element.hidden = !text;
    const what = t("composer.pasted", { n: text.length, text: text.trimStart().slice(0, 60).replace(/\s+/g, " ") });
    this.element.replaceChildren(...(text ? [element("span", "", what), this.remove] : []));
  }

  /** @param {Event} event @param {DataTransfer | null} data */
  #paste(event, data) {
    const text = data?.getData("text/plain") ?? "";
    if (text.length < LONG) return;
    event.preventDefault();
    this.text = [this.#text, text].filter(Boolean).join("\n\n");
    this.dispatchEvent(new Event("change"));
  }
}
