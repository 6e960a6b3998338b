// @ts-check
/**
 * One message on the page. A view reads the state and writes the DOM; it keeps nothing of its own.
 * What most messages have not, is made where it is first needed: there may be a thousand of them.
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./outcome.js").Outcome} Outcome
 */
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { ReasoningView } from "./reasoning_view.js";
import { StatusView } from "./status_view.js";
import { TextView } from "./text_view.js";
import { ToolCallsView } from "./tool_calls_view.js";
import { t } from "./words.js";

export class QuestionView {
  /** Where the toolbar is put. */
  tools = element("div", "tools");

  /** @param {import("./answer.js").Question} question */
  constructor(question) {
    this.text = element("div", "text", question.text);
    this.element = element("article", "message user");
    this.element.setAttribute("aria-label", t("message.you"));
    this.element.append(this.text, this.tools);
  }
}

export class AnswerView {
  /** Where the toolbar is put. */
  tools = element("div", "tools");
  #content = new TextView(element("div", "text content"));
  #status = new StatusView();
  /** @type {ReasoningView | null} */
  #reasoning = null;
  /** @type {TextView | null} */
  #refusal = null;
  /** @type {ToolCallsView | null} */
  #tools = null;
  /** @type {HTMLElement | null} */
  #asides = null;

  /** @param {Answer} answer @param {(name: import("./outcome.js").ActionName) => void} act */
  constructor(answer, act) {
    this.answer = answer;
    this.act = act;
    this.element = element("article", "message answer");
    this.element.setAttribute("aria-label", t("message.answer"));
    this.element.append(this.#content.element, this.#status.element, this.tools);
  }

  /** @param {Outcome} outcome @param {boolean} actable only the newest message is, and only while none is written */
  render(outcome, actable) {
    const { answer } = this;
    this.element.dataset.state = answer.state;
    if (answer.reasoning.length || this.#reasoning) this.#showReasoning();
    this.#content.show(answer.content);
    if (answer.refusal.length || this.#refusal) this.#showRefusal();
    if (answer.toolCalls.length || this.#tools) this.#showTools();
    this.#showAsides();
    this.#status.show(outcome, actable ? this.act : null);
    this.#status.element.classList.toggle("visually-hidden", outcome.text === t("busy.thinking")); // the fold says it
  }

  #showReasoning() {
    if (!this.#reasoning) this.#content.element.before((this.#reasoning = new ReasoningView(this.answer)).element);
    this.#reasoning.show();
  }

  #showRefusal() {
    if (!this.#refusal) {
      const box = element("div", "refusal");
      const title = element("p", "", t("message.refused"));
      title.prepend(icon("shield"));
      this.#refusal = new TextView(element("div", "text"));
      box.append(title, this.#refusal.element);
      this.#content.element.after(box);
    }
    this.#refusal.show(this.answer.refusal);
    /** @type {HTMLElement} */ (this.#refusal.element.parentElement).hidden = !this.answer.refusal.length;
  }

  #showTools() {
    if (!this.#tools) this.#status.element.before((this.#tools = new ToolCallsView()).element);
    this.#tools.show(this.answer);
  }

  #showAsides() {
    const { trimmed, unsaved } = this.answer;
    const lines = [trimmed ? t("message.trimmed", { n: trimmed }) : "", unsaved ? t("message.unsaved") : ""].filter(Boolean);
    if (!this.#asides && !lines.length) return;
    if (!this.#asides) this.#status.element.before((this.#asides = element("div", "asides")));
    if (lines.join("\n") === [...this.#asides.children].map((line) => line.textContent).join("\n")) return;
    this.#asides.replaceChildren(...lines.map((line) => element("p", "", line)));
  }
}
