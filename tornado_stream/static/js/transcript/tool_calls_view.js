// @ts-check
/**
 * Shows the model's tool calls, each at its place in the text: the name of each, its arguments, and what has become of it.
 * The rule: the page runs no tool. What only calls have that this server runs is loaded with the first of them.
 */
import { isOpen } from "../answers/answer.js";
import { MarkdownView } from "../markdown/markdown_view.js";
import { element, whenNeeded } from "../page/dom.js";
import { icon } from "../page/icons.js";
import { t, withWords } from "../page/words.js";
import { Fold } from "./fold.js";
import { pretty } from "./json_text.js";
import { TextView } from "./text_view.js";

/** Complete arguments of more lines than this are folded. */
const LONG = 12;
const loadRuns = whenNeeded(() => withWords(import("./tool_run.js")));

/** @typedef {import("../answers/answer.js").ToolCall} ToolCall */

export class ToolCallsView {
  element = element("div", "tool-calls");
  /** @type {ToolCallView[]} */
  #views = [];
  /** The text after each call. @type {MarkdownView[]} */
  #texts = [];
  /** @type {import("./approval.js").Approval | null} */
  #approval = null;

  /** Show the calls as they are now. @param {import("../answers/answer.js").Answer} answer @param {import("./approval.js").Decide | null} [decide] null: nothing can be decided now */
  show(answer, decide = null) {
    const { toolCalls: calls, state } = answer;
    if (calls.length < this.#views.length) {
      this.element.replaceChildren();
      this.#views = [];
      this.#texts = [];
    }
    calls.forEach((call, index) => {
      const view = (this.#views[index] ??= new ToolCallView(this.element));
      view.show(call, state !== "running" || index < calls.length - 1 || !!call.state, answer);
      this.#showText(answer, index);
    });
    if (decide && calls.some(isOpen)) void this.#showApproval(answer, decide);
    else this.#approval?.hide();
  }

  /** Show what the model wrote after a call. @param {import("../answers/answer.js").Answer} answer @param {number} index */
  #showText({ content, toolCalls: calls, state }, index) {
    const { at } = calls[index];
    const end = calls[index + 1]?.at ?? content.length;
    if (end <= at) return;
    const text = (this.#texts[index] ??= new MarkdownView(element("div", "markdown content")));
    if (!text.element.isConnected) this.#views[index].element.after(text.element);
    text.show(content, at, end);
    if (state !== "running" || index < calls.length - 1) text.finish();
  }

  /** @param {import("../answers/answer.js").Answer} answer @param {import("./approval.js").Decide} decide */
  async #showApproval(answer, decide) {
    const loaded = this.#approval ?? (await withWords(import("./approval.js")).catch(() => null)); // the next change tries again
    if (loaded && "Approval" in loaded) this.#approval ??= new loaded.Approval(this.element);
    const asked = answer.toolCalls.map((call, index) => ({ call, box: this.#views[index].element })).filter(({ call }) => isOpen(call));
    this.#approval?.show(asked, decide);
  }
}

class ToolCallView {
  #fold = new Fold("tool-call");
  #label = element("span", "", t("message.toolCall"));
  #name = new TextView(element("code"));
  #arguments = new TextView(element("div", "text"));
  #complete = false;
  element = element("div", "tool-box");
  /** What becomes of a call that this server runs. @type {import("./tool_run.js").ToolRun | null} */
  #run = null;

  /** @param {HTMLElement} parent */
  constructor(parent) {
    this.#fold.summary.append(icon("tool"), this.#label, this.#name.element);
    this.#fold.element.append(this.#arguments.element);
    this.element.append(this.#fold.element);
    parent.append(this.element);
  }

  /** @param {ToolCall} call @param {boolean} complete @param {import("../answers/answer.js").Answer} answer */
  show(call, complete, answer) {
    this.#name.show(call.name);
    this.#showArguments(call, complete);
    if (call.state) void this.#showRun(call, answer);
  }

  /** @param {ToolCall} call @param {boolean} complete */
  #showArguments(call, complete) {
    if (this.#complete && complete) return;
    this.#complete = complete;
    const shown = complete ? [pretty(call.arguments.join(""))] : call.arguments;
    this.#arguments.show(shown);
    this.#fold.show(!complete || shown[0].split("\n").length <= LONG);
  }

  /** @param {ToolCall} call @param {import("../answers/answer.js").Answer} answer */
  async #showRun(call, answer) {
    const loaded = this.#run ?? (await loadRuns()); // if it fails, the next change tries again
    if (loaded && "ToolRun" in loaded) this.#run ??= new loaded.ToolRun(this.element, this.#fold, { label: this.#label, arguments: this.#arguments });
    this.#run?.show(call, answer);
  }
}
