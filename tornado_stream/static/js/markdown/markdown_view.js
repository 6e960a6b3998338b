// @ts-check
/**
 * Shows a growing text as Markdown. The rule: the cost is proportional to the new text. A long text is shown in slices
 * of time, so that the page stays responsive.
 */
import { element } from "../page/dom.js";
import { BlockView, replace } from "./block_view.js";
import { Blocks } from "./blocks.js";
import { lex } from "./grammar.js";
import { shapeOf } from "./html.js";
import { hasTime, later, whenReady } from "./scheduler.js";

/** The characters without which a text needs no extras.js. */
const MAY_NEED = /[$<>~^\\\u2018-\u{3fffd}]/u;
/** Whether extras.js is loaded, or cannot be. */
let hasExtras = false;
const loadExtras = () => import("./extras.js").catch(() => {}).then(() => void (hasExtras = true));

/** How many blocks the browser lays out together. */
const PART = 16;

/** The element that holds a block. @param {HTMLElement} box @param {number} index of the block */
function partOf(box, index) {
  return box.children[Math.floor(index / PART)] ?? box.appendChild(element("div", "part"));
}

/** How many characters are parsed at a time. */
const CHUNK = 4000;

/** @typedef {import("./html.js").Shape} Shape */
/** @param {any[]} tokens @returns {Shape[]} */
const shapesOf = (tokens) => /** @type {Shape[]} */ (tokens.map(shapeOf).filter(Boolean));

export class MarkdownView {
  /** @type {readonly string[]} */
  #pieces = [];
  #taken = 0;
  /** The text that is not shown yet. */
  #waiting = "";
  #blocks = new Blocks();
  /** @type {BlockView[]} */
  #views = [];
  /** How many views will not change any more. */
  #closed = 0;
  #queued = false;
  /** @type {"" | "wanted" | "done"} */
  #end = "";

  /** @param {HTMLElement} element an empty one, only for this text */
  constructor(element) {
    this.element = element;
  }

  /** @param {readonly string[]} pieces the same list with more pieces, or another list, which replaces the text @param {number} [from] the first piece that is shown @param {number} [end] the first one after it that is not */
  show(pieces, from = 0, end = pieces.length) {
    if (pieces !== this.#pieces || (this.#end === "done" && end > this.#taken)) this.#begin(pieces, from);
    if (this.#taken >= end) return;
    this.#waiting += pieces.slice(this.#taken, end).join("");
    this.#taken = end;
    this.#work();
  }

  /** The text is complete. It does no harm to say so twice. */
  finish() {
    if (this.#end) return;
    this.#end = "wanted";
    this.#work();
  }

  /** @param {readonly string[]} pieces @param {number} from */
  #begin(pieces, from) {
    this.element.replaceChildren();
    this.#pieces = pieces;
    this.#taken = from;
    this.#closed = 0;
    this.#waiting = this.#end = "";
    this.#blocks = new Blocks();
    this.#views = [];
  }

  #work() {
    if (this.#queued) return;
    if (!hasExtras && MAY_NEED.test(this.#waiting)) return this.#wait();
    while (this.#waiting && hasTime()) this.#next();
    if (!this.#waiting && this.#end === "wanted") this.#finish();
    if (this.#waiting) this.#queue();
  }

  /** Show nothing more until extras.js is loaded. */
  #wait() {
    this.#queued = true;
    void whenReady(loadExtras().then(() => this.#goOn));
  }

  #queue() {
    this.#queued = true;
    later(this.#goOn);
  }

  #goOn = () => {
    this.#queued = false;
    this.#next();
    this.#work();
  };

  #next() {
    const text = this.#waiting.slice(0, CHUNK);
    this.#waiting = this.#waiting.slice(text.length);
    if (text) this.#show(this.#blocks.feed(text));
  }

  #finish() {
    this.#end = "done";
    this.#show(this.#blocks.end());
  }

  /** @param {import("./blocks.js").Update} update */
  #show({ closed = [], open, done = 0, code = "", more = "", after = "", whole }) {
    const last = this.#views.at(-1);
    if (after && this.#closed < this.#views.length && last?.extend(after, more)) return;
    if (after) return this.#show(this.#blocks.read(more));
    if (whole) {
      this.#closed = 0;
      this.#patch(shapesOf(whole), 0);
      this.#close(this.#views.length);
    } else if (open) {
      const ended = shapesOf(closed);
      this.#patch([...ended, ...shapesOf(open)], done);
      this.#close(ended.length);
    }
    if (code) this.#views.at(-1)?.append(code);
    if (more) last?.appendPlain(more);
  }

  /** Update the views that are not closed, or replace them. @param {Shape[]} shapes what they have to show @param {number} done see Update */
  #patch(shapes, done) {
    const from = this.#closed;
    const stale = shapes.filter((shape, index) => !this.#views[from + index]?.update(shape, index ? 0 : done));
    const made = BlockView.build(stale);
    stale.forEach((shape, n) => this.#put(from + shapes.indexOf(shape), made[n]));
    for (const view of this.#views.splice(from + shapes.length)) view.element.remove();
    while (this.element.lastElementChild?.matches(":empty")) this.element.lastElementChild.remove();
  }

  /** @param {number} index @param {BlockView} view */
  #put(index, view) {
    const old = this.#views[index];
    this.#views[index] = view;
    if (old) replace(old.element, view.element);
    else partOf(this.element, index).append(view.element);
  }

  /** @param {number} count how many more views are complete */
  #close(count) {
    for (const view of this.#views.slice(this.#closed, this.#closed + count)) view.settle();
    this.#closed += count;
  }
}

/** Show a whole text at once. @param {HTMLElement} element @param {string} text */
export function renderWhole(element, text) {
  const views = BlockView.build(shapesOf(lex(text, {})));
  element.replaceChildren();
  views.forEach((view, index) => partOf(element, index).append(view.element));
  for (const view of views) view.settle();
}
