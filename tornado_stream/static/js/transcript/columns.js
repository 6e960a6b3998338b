// @ts-check
/**
 * Shows answers beside each other: columns where there is room, else tabs. The rule: a column is the view of an answer
 * as the transcript has it, with a head above it; nothing here depends on another column's answer.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {{element: HTMLElement, head: HTMLElement, name: HTMLElement, cost: HTMLElement, stop: HTMLButtonElement, goOn: HTMLButtonElement, tab: HTMLButtonElement}} Column
 */
import { totalsOf } from "../answers/measures.js";
import { arrange, element, smallButton } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, t } from "../page/words.js";
import { money } from "./details.js";

await loadStyleSheet("compare").catch(() => {}); // without it, the answers stand below each other

/** The room that a column needs, in rem: three have it from 56 on. */
const WIDTH = 56 / 3;

let made = 0;

export class Columns {
  #element = element("section", "columns");
  #tabs = element("div", "column-tabs");
  #row = element("div", "column-row");
  #foot = element("p", "columns-foot");
  /** @type {Map<Answer, Column>} */
  #columns = new Map();
  /** The answer whose tab is chosen. @type {Answer | null} */
  #chosen = null;
  /** The width of the conversation, in rem. It is not measured while columns are arranged, since that would lay out what is not whole. */
  #room = 0;

  /**
   * @param {import("./transcript.js").Transcript} transcript
   * @param {{stop: (answer: Answer) => void, goOn: (answer: Answer) => void}} callbacks
   */
  constructor(transcript, callbacks) {
    this.conversation = transcript.conversation;
    this.frame = /** @type {HTMLElement} */ (transcript.element.parentElement);
    this.callbacks = callbacks;
    this.#element.setAttribute("aria-label", t("compare.title"));
    this.#tabs.setAttribute("role", "tablist");
    this.#tabs.setAttribute("aria-label", t("compare.title"));
    this.#tabs.addEventListener("keydown", (event) => this.#key(event));
    this.#element.append(this.#tabs, this.#row, this.#foot);
    new ResizeObserver(([{ contentRect }]) => {
      this.#room = contentRect.width / parseFloat(getComputedStyle(document.documentElement).fontSize);
      this.#update();
    }).observe(transcript.scroller);
    this.conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      if (what !== "delta" && this.#columns.has(answer)) this.#update();
    });
  }

  /** The elements of the transcript: the columns stand in the place of the last answer. @param {Transcript["views"]} views of all messages that are shown @typedef {import("./transcript.js").Transcript} Transcript */
  arranged(views) {
    const { columns, newest } = this.conversation;
    this.frame.toggleAttribute("data-compared", columns.length > 0);
    const known = new Map(columns.map((answer) => [answer, this.#columns.get(answer) ?? this.#replaced(answer, columns) ?? this.#newColumn(answer)]));
    this.#columns = known;
    if (!columns.some((answer) => answer === this.#chosen)) this.#chosen = columns.find((answer) => answer === newest) ?? columns[0] ?? null;
    const others = [...views].filter(([message]) => message !== newest && !columns.some((one) => one === message)).map(([, view]) => view.element);
    if (!columns.length) return [...others, ...(newest ? [/** @type {any} */ (views.get(newest)).element] : [])];
    for (const [answer, column] of known) arrange(column.element, [column.head, /** @type {any} */ (views.get(answer)).element]);
    arrange(this.#row, [...known.values()].map((column) => column.element));
    arrange(this.#tabs, [...known.values()].map((column) => column.tab));
    this.#update();
    return [...others, this.#element];
  }

  /** The column of an answer whose place this one takes. @param {Answer} answer @param {Answer[]} columns */
  #replaced(answer, columns) {
    const [before, column] = [...this.#columns][columns.indexOf(answer)] ?? [];
    if (!before || !column || columns.includes(before)) return null;
    if (this.#chosen === before) this.#chosen = answer;
    return column;
  }

  /** @param {Answer} answer */
  #newColumn(answer) {
    const id = `column-${++made}`;
    const current = () => /** @type {Answer} */ ([...this.#columns].find(([, one]) => one === column)?.[0] ?? answer);
    /** @type {Column} */
    const column = {
      element: element("section", "answer-column"),
      head: element("div", "column-head"),
      name: element("bdi", "column-name"),
      cost: element("span", "column-cost"),
      stop: smallButton(t("compare.stop"), () => this.callbacks.stop(current())),
      goOn: smallButton(t("compare.goOn"), () => this.callbacks.goOn(current())),
      tab: element("button", "column-tab"),
    };
    column.element.id = id;
    column.tab.id = `${id}-tab`;
    column.tab.type = "button";
    column.tab.setAttribute("role", "tab");
    column.tab.setAttribute("aria-controls", id);
    column.tab.addEventListener("click", () => this.#choose(current()));
    column.head.append(column.name, column.cost, column.stop, column.goOn);
    return column;
  }

  #update() {
    const { newest } = this.conversation;
    const isWide = this.#room >= this.#columns.size * WIDTH;
    this.#element.toggleAttribute("data-wide", isWide);
    this.#tabs.hidden = isWide;
    for (const [answer, column] of this.#columns) {
      const name = String(answer.model ?? answer.request.model ?? "");
      const isChosen = answer === this.#chosen;
      const running = answer.state === "running";
      column.name.textContent = column.tab.textContent = name;
      column.tab.dataset.state = answer.state;
      column.tab.setAttribute("aria-selected", String(isChosen));
      column.tab.tabIndex = isChosen ? 0 : -1;
      column.element.setAttribute("role", isWide ? "group" : "tabpanel");
      column.element.setAttribute("aria-label", name);
      column.element.hidden = !isWide && !isChosen;
      column.cost.textContent = costOf([answer]);
      column.stop.hidden = !running;
      column.stop.disabled = answer.stopping;
      column.stop.setAttribute("aria-label", t("compare.stopModel", { model: name }));
      column.goOn.disabled = !answer.id;
      column.goOn.setAttribute("aria-label", t("compare.goOnModel", { model: name }));
    }
    const answers = [...this.#columns.keys()];
    const cost = costOf(answers);
    const next = answers.find((answer) => answer === newest);
    this.#foot.textContent = inRow([cost && t("compare.sum", { cost, n: answers.length }), next && t("compare.next", { model: String(next.model ?? next.request.model) })], " ");
  }

  /** @param {Answer} answer */
  #choose(answer) {
    this.#chosen = answer;
    this.#update();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const answers = [...this.#columns.keys()];
    const at = answers.findIndex((answer) => answer === this.#chosen);
    const forward = getComputedStyle(this.#tabs).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const to = { Home: 0, End: answers.length - 1, ArrowLeft: at - 1, ArrowRight: at - 1, [forward]: at + 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#choose(answers[(to + answers.length) % answers.length]);
    this.#columns.get(/** @type {Answer} */ (this.#chosen))?.tab.focus();
  }
}

/** What answers cost, as far as it is known; "": nothing is. @param {Answer[]} answers */
function costOf(answers) {
  const { cost } = totalsOf(answers);
  return cost ? money(cost) : "";
}
