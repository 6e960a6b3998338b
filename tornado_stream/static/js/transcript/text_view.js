// @ts-check
/** Beyond this many characters text goes on in a new text node. */
const NODE_LENGTH = 4000;

/**
 * Shows a growing list of pieces of text, at a cost in proportion to what is new. Text is text:
 * no markup, every blank and line break kept.
 */
export class TextView {
  /** @type {readonly string[]} */
  #pieces = [];
  #shown = 0;

  /** @param {HTMLElement} element of which the text is all there is */
  constructor(element) {
    this.element = element;
  }

  /** @param {readonly string[]} pieces the same list, longer, or another one */
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
