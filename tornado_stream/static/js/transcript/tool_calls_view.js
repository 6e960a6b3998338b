// @ts-check
/** Shows the model's tool calls: the name of each and its arguments. The rule: the page runs no tool. */
import { element } from "../page/dom.js";
import { icon } from "../page/icons.js";
import { t } from "../page/words.js";
import { Fold } from "./fold.js";
import { TextView } from "./text_view.js";

/** Complete arguments of more lines than this are folded. */
const LONG = 12;

export class ToolCallsView {
  element = element("div", "tool-calls");
  /** @type {ToolCallView[]} */
  #views = [];

  /** Show the calls as they are now. @param {import("../answers/answer.js").Answer} answer */
  show({ toolCalls: calls, state }) {
    if (calls.length < this.#views.length) {
      this.element.replaceChildren();
      this.#views = [];
    }
    calls.forEach((call, index) => {
      const view = (this.#views[index] ??= new ToolCallView(this.element));
      view.show(call, state !== "running" || index < calls.length - 1);
    });
  }
}

class ToolCallView {
  #fold = new Fold("tool-call");
  #name = new TextView(element("code"));
  #arguments = new TextView(element("div", "text"));
  #complete = false;

  /** @param {HTMLElement} parent */
  constructor(parent) {
    this.#fold.summary.append(icon("tool"), element("span", "", t("message.toolCall")), this.#name.element);
    this.#fold.element.append(this.#arguments.element);
    parent.append(this.#fold.element);
  }

  /** @param {import("../answers/answer.js").ToolCall} call @param {boolean} complete */
  show(call, complete) {
    this.#name.show(call.name);
    if (this.#complete && complete) return;
    this.#complete = complete;
    const shown = complete ? [pretty(call.arguments.join(""))] : call.arguments;
    this.#arguments.show(shown);
    this.#fold.show(!complete || shown[0].split("\n").length <= LONG);
  }
}

/** A part of JSON: a string, white space, an empty object or array, an opening or closing bracket, a comma, a colon. */
const TOKEN = /("(?:\\.|[^"\\])*")|\s+|([{[]\s*[}\]])|([{[])|([}\]])|(,)|(:)/g;

/** JSON with line breaks and indentation, and every number as it was written. A text that is not JSON is returned unchanged. @param {string} text */
export function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = (/** @type {number} */ step) => `\n${"  ".repeat((depth += step))}`;
  return text.replace(TOKEN, (token, string, empty, opens, closes, comma, colon) => {
    if (string) return string;
    if (empty) return empty[0] + empty.at(-1);
    if (opens) return opens + line(1);
    if (closes) return line(-1) + closes;
    if (comma) return comma + line(0);
    return colon ? ": " : "";
  });
}
