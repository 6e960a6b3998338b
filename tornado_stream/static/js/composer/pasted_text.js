// @ts-check
/**
 * A long text that was pasted or dropped. A browser lays out the whole text of a text box at every key, which is slow
 * for a long text. This text is therefore shown beside the text box, with its size and its beginning, and is sent
 * below the question. Fires `change` when the user has added or removed text.
 */
import { element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";

/** A text of so many characters, or more, does not go into the text box. */
export const LONG_TEXT = 100_000;

export class PastedText extends EventTarget {
  #text = "";

  /** @param {HTMLElement} element shows the text @param {HTMLTextAreaElement} box the user pastes into this text box */
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
    if (text.length < LONG_TEXT) return;
    event.preventDefault();
    this.text = [this.#text, text].filter(Boolean).join("\n\n");
    this.dispatchEvent(new Event("change"));
  }
}
