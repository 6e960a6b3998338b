// @ts-check
/** Shows the model's reasoning: open, with the running time, while the model thinks, and folded when the answer begins. */
import { hasText } from "../answers/answer.js";
import { MarkdownView } from "../markdown/markdown_view.js";
import { element } from "../page/dom.js";
import { stopTicking, tick } from "../page/ticker.js";
import { seconds, t } from "../page/words.js";
import { Fold } from "./fold.js";

/** Milliseconds. If the reasoning took less, it was not measured but came in one piece, from a log. */
const BRIEF = 50;

export class ReasoningView {
  #fold = new Fold("reasoning");
  #text = new MarkdownView(element("div", "markdown text"));
  element = this.#fold.element;

  /** @param {import("../answers/answer.js").Answer} answer */
  constructor(answer) {
    this.answer = answer;
    this.element.append(this.#text.element);
  }

  show() {
    const { answer } = this;
    const thinking = isThinking(answer);
    this.element.hidden = !hasText(answer.reasoning);
    this.#text.show(answer.reasoning);
    if (answer.state !== "running") this.#text.finish(); // not earlier: more may follow after a part of the answer
    this.#fold.show(thinking);
    this.#label();
    if (thinking && answer.thought) tick(this.#label);
    else stopTicking(this.#label);
  }

  #label = () => {
    const label = labelOf(this.answer, Date.now());
    if (this.#fold.summary.textContent !== label) this.#fold.summary.textContent = label;
    if (!this.element.isConnected) stopTicking(this.#label);
  };
}

/** @param {import("../answers/answer.js").Answer} answer */
const isThinking = ({ state, content, refusal, toolCalls }) => state === "running" && !hasText(content) && !refusal.length && !toolCalls.length;

/** The line above the reasoning. @param {import("../answers/answer.js").Answer} answer @param {number} now as of `Date.now()` */
export function labelOf(answer, now) {
  const { thought, startedAt } = answer;
  if (isThinking(answer)) {
    const lasted = thought && startedAt !== null ? Math.floor((now - startedAt - thought.from) / 1000) : 0;
    return lasted > 0 ? t("message.thinkingFor", { seconds: seconds(lasted * 1000) }) : t("message.thinking");
  }
  const lasted = thought?.to ? thought.to - thought.from : 0;
  return lasted >= BRIEF ? t("message.thoughtFor", { seconds: seconds(lasted) }) : t("message.thoughts");
}
