// @ts-check
/** One Markdown block on the page. The rule: an update changes only the nodes whose content has changed. */
import { element } from "../page/dom.js";
import { codeFrame, colour, countLines } from "./code.js";
import { htmlOf } from "./html.js";
import { blocksOf } from "./nodes.js";
import { whenReady } from "./scheduler.js";

/** @typedef {import("./html.js").Shape} Shape */

/** Text that is not parsed yet is appended to the last of these elements. */
const ENDS = "p, li, summary, td, th, h2, h3, h4, h5, h6, code";

/** The elements of some items of a list, or rows of a table. @param {Shape} shape @param {string[]} parts */
function partsOf(shape, parts) {
  const [box] = blocksOf(htmlOf({ ...shape, parts }));
  return [...holderOf(box).children];
}

/** The element whose children are a block's items or rows. @param {HTMLElement} box */
const holderOf = (box) => box.querySelector(":scope > table > tbody") ?? box;

export class BlockView {
  /** The text that is shown and not parsed yet. @type {Text | null} */
  #plainText = null;
  /** Whether the block shows text that its shape does not contain. */
  #stale = false;

  /** @param {Shape} shape @param {HTMLElement} element */
  constructor(shape, element) {
    this.shape = shape;
    this.element = element;
  }

  /** Create views. @param {Shape[]} shapes */
  static build(shapes) {
    const elements = blocksOf(shapes.map((shape) => (shape.code === undefined ? htmlOf(shape) : "")).join("")).values();
    return shapes.map((shape) => {
      const made = shape.code === undefined ? elements.next().value : codeFrame(element("code", "", shape.code), shape.before);
      return new BlockView(shape, /** @type {HTMLElement} */ (made));
    });
  }

  /** Show a new shape. @param {Shape} shape @param {number} done how many parts come before those of `shape` and stay @returns {boolean} false: not possible, the caller has to create another view */
  update(shape, done) {
    const { type, before } = this.shape;
    this.#plainText?.remove();
    this.#plainText = null;
    if (this.#stale && !this.shape.parts?.pop()) return false;
    this.#stale = false;
    if (shape.type !== type || (shape.before !== before && !done)) return false;
    if (shape.code !== undefined) this.#showCode(shape.code);
    else if (shape.parts) this.#showParts(shape, done);
    return true;
  }

  /** Append to open code. @param {string} text */
  append(text) {
    const code = /** @type {HTMLElement} */ (this.element.querySelector("code"));
    if (code.lastChild) /** @type {Text} */ (code.lastChild).appendData(text);
    else code.append(text);
    countLines(this.element, text);
    this.shape.code += text;
  }

  /** Append letters without parsing, if the block's last text ends with `after`. Returns false if it does not. @param {string} after @param {string} text */
  extend(after, text) {
    let last = /** @type {Node | null} */ (this.element);
    while (last?.lastChild) last = last.lastChild;
    if (!(last instanceof Text) || last.data.endsWith("\n")) return false;
    const [shown, wanted] = [last.data.trimEnd(), after.trimEnd()];
    if (!shown.endsWith(wanted)) return false;
    last.appendData((shown.length === last.length ? after.slice(wanted.length) : "") + text);
    this.#stale = true;
    return true;
  }

  /** Append text that is not parsed yet. The next update removes it. @param {string} text */
  appendPlain(text) {
    if (!this.#plainText) {
      this.#plainText = document.createTextNode("");
      ([...this.element.querySelectorAll(ENDS)].at(-1) ?? this.element).append(this.#plainText);
    }
    this.#plainText.appendData(text);
  }

  /** The block is complete: colour its code and typeset its formulas. */
  settle() {
    settle(this.element);
  }

  /** @param {string} code */
  #showCode(code) {
    const shown = this.shape.code ?? "";
    if (code === shown) return;
    if (code.startsWith(shown)) return this.append(code.slice(shown.length));
    /** @type {HTMLElement} */ (this.element.querySelector("code")).textContent = this.shape.code = code;
  }

  /** @param {Shape} shape @param {number} done */
  #showParts(shape, done) {
    const shown = (this.shape.parts ??= []);
    const parts = shape.parts ?? [];
    const changed = parts.map((_, index) => index).filter((index) => parts[index] !== shown[done + index]);
    const holder = holderOf(this.element);
    const nodes = changed.length ? partsOf(shape, changed.map((index) => parts[index])) : [];
    changed.forEach((index, n) => put(holder, done + index, nodes[n]));
    shown.splice(done, shown.length, ...parts);
    while (holder.children.length > shown.length) holder.lastElementChild?.remove();
    for (let index = done - 1; index >= 0 && !settled.has(holder.children[index]); index--) settle(holder.children[index]);
  }
}

/** @param {Element} holder @param {number} index @param {Element} node */
function put(holder, index, node) {
  const old = holder.children[index];
  if (old) replace(old, node);
  else holder.append(node);
}

/** Put a newer element in place of an element, with the same folds open. @param {Element} old @param {Element} node */
export function replace(old, node) {
  const folds = old.querySelectorAll("details");
  node.querySelectorAll("details").forEach((fold, index) => (fold.open = folds[index]?.open ?? fold.open));
  old.replaceWith(node);
}

/** @type {WeakSet<Element>} */
const settled = new WeakSet();

/** @param {Element} root */
function settle(root) {
  for (const one of /** @type {HTMLElement[]} */ ([root, ...root.querySelectorAll(".code, .math")])) {
    if (settled.has(one)) continue;
    settled.add(one);
    if (one.classList.contains("code")) colour(one);
    else if (one.classList.contains("math")) void whenReady(typesetLater(one));
  }
}

/** @param {HTMLElement} one */
async function typesetLater(one) {
  const { loadStyle, typeset } = await import("./formulas.js");
  await loadStyle();
  return () => typeset(one);
}
