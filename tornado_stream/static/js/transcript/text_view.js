// @ts-check
/** When a text node has so many characters, more text goes into a new one. */
const NODE_LENGTH = 4000;

/**
 * Shows a growing list of pieces as plain text: no markup, all white space kept. The rule: its cost is proportional
 * to the new text.
 */
export class TextView {
  /** @type {readonly string[]} */
  #pieces = [];
  #shown = 0;

  /** @param {HTMLElement} element an empty one, only for this text */
  constructor(element) {
    this.element = element;
  }

  /** @param {readonly string[]} pieces the same list with more pieces, or another list, which replaces the text */
  show(pieces) {
    if (pieces !== this.#pieces) {
      this.element.textContent = "";
      this.#pieces = pieces;
      this.#shown = 0;
    }
    if (this.#shown === pieces.length) return;
    const text = pieces.slice(this.#shown).join("");
    this.#shown = pieces.length;
    const last = /** @type {Text | null} */ (this.element.lastChild);
    if (last && (last.length < NODE_LENGTH || !/\s$/.test(last.data))) last.appendData(text);
    else this.element.append(text);
  }
}
