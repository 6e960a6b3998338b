// @ts-check
/**
 * The parts that most answers do not have: reasoning, a refusal, tool calls, notes. The module is loaded when an
 * answer has one of them for the first time.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 */
import { element } from "../page/dom.js";
import { icon } from "../page/icons.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, language, t } from "../page/words.js";
import { ReasoningView } from "./reasoning_view.js";
import { SourcesView } from "./sources_view.js";
import { TextView } from "./text_view.js";
import { ToolCallsView } from "./tool_calls_view.js";

await loadStyleSheet("parts").catch(() => {}); // the parts work without their style, too

export class AnswerParts {
  #reasoning;
  #refusal = new TextView(element("div", "text"));
  #refusalBox = element("div", "refusal");
  #tools = new ToolCallsView();
  #sources = new SourcesView();
  #notes = element("div", "asides");

  /** @param {Answer} answer @param {HTMLElement} content the element with the answer's text: reasoning goes before it, all else after it */
  constructor(answer, content) {
    this.answer = answer;
    this.#reasoning = new ReasoningView(answer);
    const title = element("p", "", t("message.refused"));
    title.prepend(icon("shield"));
    this.#refusalBox.append(title, this.#refusal.element);
    content.before(this.#reasoning.element);
    content.after(this.#refusalBox, this.#tools.element, this.#sources.element, this.#notes);
  }

  show() {
    const { answer } = this;
    this.#reasoning.show();
    this.#refusal.show(answer.refusal);
    this.#refusalBox.hidden = !answer.refusal.length;
    this.#tools.show(answer);
    this.#sources.show(answer.sources);
    this.#showNotes();
  }

  #showNotes() {
    const { trimmed, refused, low, unsaved } = this.answer;
    const lines = [
      trimmed ? t("message.trimmed", { n: trimmed }) : "",
      refused.length ? t("message.optionRefused", { names: inRow(refused, ", ") }) : "",
      low ? t("budget.low", { left: leftOf(low) }) : "",
      unsaved ? t("message.unsaved") : "",
    ].filter(Boolean);
    if (lines.join("\n") === [...this.#notes.children].map((line) => line.textContent).join("\n")) return;
    this.#notes.replaceChildren(...lines.map((line) => element("p", "", line)));
  }
}

/** What is left of a budget, as a text. @param {{left: number, currency: string | null}} low */
const leftOf = ({ left, currency }) => (currency ? `${left.toLocaleString(language, { maximumFractionDigits: left < 0.1 ? 4 : 2 })} ${currency}` : t("budget.tokens", { n: left }));
