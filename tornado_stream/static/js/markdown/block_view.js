// @ts-check
/** One block on the page. It is changed as little as can be: what stays the same stays in place. */
import { element } from "../page/dom.js";
import { codeFrame, colour } from "./code.js";
import { htmlOf } from "./html.js";
import { blocksOf } from "./nodes.js";
import { whenReady } from "./scheduler.js";

/** @typedef {import("./html.js").Shape} Shape */

/** Where text that is not read yet is put: at the end of the last of these. */
const ENDS = "p, li, td, th, h2, h3, h4, h5, h6, code";

/** The nodes of items or rows. @param {Shape} shape @param {string[]} parts */
function partsOf(shape, parts) {
  const [box] = blocksOf(htmlOf({ ...shape, parts }));
  return [...holderOf(box).children];
}

/** The element that holds a block's parts. @param {HTMLElement} box */
const holderOf = (box) => box.querySelector(":scope > table > tbody") ?? box;

export class BlockView {
  /** @type {Text | null} */
  #plainText = null;
  /** Does it show more than its shape says? */
  #stale = false;

  /** @param {Shape} shape @param {HTMLElement} element */
  constructor(shape, element) {
    this.shape = shape;
    this.element = element;
  }

  /** Views of blocks that are new. @param {Shape[]} shapes */
  static build(shapes) {
    const elements = blocksOf(shapes.map((shape) => (shape.code === undefined ? htmlOf(shape) : "")).join("")).values();
    return shapes.map((shape) => {
      const made = shape.code === undefined ? elements.next().value : codeFrame(element("code", "", shape.code), shape.before);
      return new BlockView(shape, /** @type {HTMLElement} */ (made));
    });
  }

  /** @param {Shape} shape @param {number} done parts before those of `shape` @returns {boolean} false: another view is needed */
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

  /** Code that goes on. @param {string} text */
  append(text) {
    const code = /** @type {HTMLElement} */ (this.element.querySelector("code"));
    if (code.lastChild) /** @type {Text} */ (code.lastChild).appendData(text);
    else code.append(text);
    this.shape.code += text;
  }

  /** Text that goes on where `after` ends, if that is where the block ends. @param {string} after @param {string} text */
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

  /** Text that is not read yet. @param {string} text */
  appendPlain(text) {
    if (!this.#plainText) {
      this.#plainText = document.createTextNode("");
      ([...this.element.querySelectorAll(ENDS)].at(-1) ?? this.element).append(this.#plainText);
    }
    this.#plainText.appendData(text);
  }

  /** Nothing comes after this any more: colour its code, set its formulas. */
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
  if (old) old.replaceWith(node);
  else holder.append(node);
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
  const { styled, typeset } = await import("./formulas.js");
  await styled;
  return () => typeset(one);
}
