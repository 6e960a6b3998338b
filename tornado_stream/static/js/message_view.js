// @ts-check
/**
 * One message on the page. A view reads the state and writes the DOM; it keeps nothing of its own.
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./outcome.js").Outcome} Outcome
 */
import { hasText } from "./answer.js";
import { element, smallButton } from "./dom.js";
import { TextView } from "./text_view.js";
import { t } from "./words.js";

export class QuestionView {
  /** @param {import("./answer.js").Question} question */
  constructor(question) {
    this.element = element("article", "message user");
    this.element.setAttribute("aria-label", t("message.you"));
    this.element.append(element("div", "text", question.text));
  }
}

export class AnswerView {
  #reasoning = new ReasoningView();
  #content = new TextView(element("div", "text content"));
  #refusal = new TextView(element("div", "text"));
  #refusalBox = element("div", "refusal");
  #tools = new ToolCallsView();
  #asides = element("div", "asides");
  #status = new StatusView();
  #mend = element("div");
  #mending = false;

  /** @param {Answer} answer @param {(name: import("./outcome.js").ActionName) => void} act */
  constructor(answer, act) {
    this.answer = answer;
    this.act = act;
    this.element = element("article", "message answer");
    this.element.setAttribute("aria-label", t("message.answer"));
    this.#refusalBox.append(element("p", "", t("message.refused")), this.#refusal.element);
    this.element.append(this.#reasoning.element, this.#content.element, this.#refusalBox);
    this.element.append(this.#tools.element, this.#asides, this.#status.element, this.#mend);
  }

  /** @param {Outcome} outcome @param {boolean} actable only the newest message is, and only while none is written */
  render(outcome, actable) {
    const { answer } = this;
    this.element.dataset.state = answer.state;
    this.#reasoning.show(answer);
    this.#content.show(answer.content);
    this.#refusal.show(answer.refusal);
    this.#refusalBox.hidden = !answer.refusal.length;
    this.#tools.show(answer.toolCalls);
    this.#showAsides();
    this.#status.show(outcome, actable ? this.act : null);
    this.#showMend();
  }

  /** How to mend the proxy that this answer has found out; it stays when the answer has ended. */
  #showMend() {
    const { leg } = this.answer;
    if (this.#mending || leg?.kind !== "proxy" || !leg.found) return;
    this.#mending = true;
    void import("./mend.js").then(({ showMend }) => showMend(this.#mend, leg.proxy), () => {}); // the text matters more
  }

  #showAsides() {
    const { trimmed, unsaved } = this.answer;
    const lines = [trimmed ? t("message.trimmed", { n: trimmed }) : "", unsaved ? t("message.unsaved") : ""].filter(Boolean);
    if (lines.join("\n") === [...this.#asides.children].map((line) => line.textContent).join("\n")) return;
    this.#asides.replaceChildren(...lines.map((line) => element("p", "", line)));
  }
}

class ReasoningView {
  element = element("details", "reasoning");
  #summary = element("summary");
  #text = new TextView(element("div", "text"));

  constructor() {
    this.element.append(this.#summary, this.#text.element);
  }

  /** @param {Answer} answer */
  show({ reasoning, content, state }) {
    const thinking = state === "running" && !hasText(content);
    const label = t(thinking ? "message.thinking" : "message.thoughts");
    if (this.#summary.textContent !== label) this.#summary.textContent = label;
    this.#text.show(reasoning);
    this.element.hidden = !reasoning.length;
  }
}

class ToolCallsView {
  element = element("div", "tool-calls");
  /** @type {{name: TextView, arguments: TextView}[]} */
  #views = [];

  /** @param {import("./answer.js").ToolCall[]} calls */
  show(calls) {
    if (calls.length < this.#views.length) {
      this.element.replaceChildren();
      this.#views = [];
    }
    calls.forEach((call, index) => {
      const view = (this.#views[index] ??= this.#add());
      view.name.show(call.name);
      view.arguments.show(call.arguments);
    });
  }

  #add() {
    const box = element("div", "tool-call");
    const line = element("p", "", t("message.toolCall"));
    const view = { name: new TextView(element("code")), arguments: new TextView(element("div", "text")) };
    line.append(view.name.element);
    box.append(line, view.arguments.element);
    this.element.append(box);
    return view;
  }
}

class StatusView {
  element = element("div", "status");
  #title = element("strong");
  #text = element("span", "status-text");
  #hint = element("p", "status-hint");
  #actions = element("div", "status-actions");
  #shown = "";

  constructor() {
    const line = element("p");
    line.append(this.#title, this.#text);
    this.element.append(line, this.#hint, this.#actions);
  }

  /** @param {Outcome} outcome @param {((name: import("./outcome.js").ActionName) => void) | null} act */
  show(outcome, act) {
    const shown = JSON.stringify([outcome, act !== null]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.dataset.tone = outcome.tone;
    this.#title.textContent = outcome.title;
    this.#text.textContent = outcome.text;
    this.#hint.textContent = outcome.hint;
    const actions = act ? outcome.actions : [];
    this.#actions.replaceChildren(...actions.map(({ name, label }) => smallButton(label, () => act?.(name))));
  }
}
