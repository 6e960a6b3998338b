// @ts-check
/**
 * One message on the page. A view reads the state and writes the DOM; it keeps nothing of its own.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/outcome.js").Outcome} Outcome
 * @typedef {(name: string, button: HTMLElement) => void} OnAction what a press on an action's button does
 */
import { MarkdownView } from "../markdown/markdown_view.js";
import { element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";
import { textBlock } from "./long_text.js";
import { ACTIONS } from "./message_actions.js";

export class QuestionView {
  tools = element("div", "tools");

  /** @param {import("../answers/answer.js").Question} message */
  constructor(message) {
    this.message = message;
    this.text = textBlock(message.text);
    this.element = element("article", "message user");
    this.element.setAttribute("aria-label", t("message.you"));
    this.element.append(this.text, this.tools);
  }
}

export class AnswerView {
  tools = element("div", "tools");
  #content = new MarkdownView(element("div", "markdown content"));
  #status = new StatusView();
  /** @type {import("./answer_parts.js").AnswerParts | null} */
  #parts = null;
  #proxyHint = element("div");
  #proxyHintShown = false;

  /** @param {Answer} message @param {OnAction} act */
  constructor(message, onAction) {
    this.message = message;
    this.onAction = onAction;
    this.element = element("article", "message answer");
    this.element.setAttribute("aria-label", t("message.answer"));
    this.element.append(this.#content.element, this.#status.element, this.#proxyHint, this.tools);
  }

  /** @param {Outcome} outcome @param {boolean} canAct only the newest message is, and only while none is written */
  render(outcome, canAct) {
    const { message } = this;
    this.element.dataset.state = message.state;
    this.#content.show(message.content);
    if (message.state !== "running") this.#content.finish();
    if (this.#parts) this.#parts.show();
    else if (message.reasoning.length || message.refusal.length || message.toolCalls.length || message.trimmed || message.refused.length || message.unsaved) void this.#showParts();
    this.#status.show(outcome, canAct ? this.onAction : null);
    this.#showProxyHint();
  }

  /** How to mend the proxy that this answer has found out; it stays when the answer has ended. */
  #showProxyHint() {
    const { waitReason } = this.message;
    if (this.#proxyHintShown || waitReason?.kind !== "proxy" || !waitReason.found) return;
    this.#proxyHintShown = true;
    void import("./proxy_hint.js").then(({ showProxyHint }) => showProxyHint(this.#proxyHint, waitReason.proxy), () => {}); // the text matters more
  }

  async #showParts() {
    const loaded = await import("./answer_parts.js").catch(() => null); // and asked for again with the next change
    if (!loaded) return;
    this.#parts ??= new loaded.AnswerParts(this.message, this.#content.element);
    this.#parts.show();
  }
}

/** Seconds that are counted down change the words and never the buttons: one that has the focus keeps it. */
class StatusView {
  element = element("div", "status");
  #icon = element("span", "status-icon");
  #title = element("strong");
  #text = element("span", "status-text");
  #hint = element("p", "status-hint");
  #actions = element("div", "status-actions");
  #shown = "";
  #offered = "";

  constructor() {
    const line = element("p");
    line.append(this.#title, this.#text);
    this.element.append(this.#icon, line, this.#hint, this.#actions);
  }

  /** @param {Outcome} outcome @param {OnAction | null} act */
  show(outcome, onAction) {
    const offered = onAction ? outcome.actions : [];
    const hint = act || outcome.tone === "quiet" ? outcome.hint : ""; // what to do next is no word about an old one
    const shown = JSON.stringify([outcome, offered, hint]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#title.textContent = outcome.title;
    this.#text.textContent = outcome.text;
    this.#hint.textContent = hint;
    void this.#showIcon(outcome.icon);
    Object.assign(this.element.dataset, { tone: outcome.tone, empty: !outcome.title && !outcome.text, thinking: outcome.text === t("busy.thinking") });
    if (JSON.stringify(offered) !== this.#offered) {
      this.#actions.replaceChildren(...offered.map((name) => smallButton(t(ACTIONS[name].label), ({ currentTarget }) => onAction?.(name, /** @type {HTMLElement} */ (currentTarget)))));
    }
    this.#offered = JSON.stringify(offered);
    // The first is the one to take, unless it is too early for it.
    this.#actions.firstElementChild?.classList.toggle("primary", outcome.tone !== "quiet" && !outcome.until);
  }

  /** @param {string} name */
  async #showIcon(name) {
    if (name === (this.#icon.dataset.icon ?? "")) return;
    this.#icon.dataset.icon = name;
    const icons = name ? await import("../page/icons.js").catch(() => null) : null; // without a server the words must do
    if (this.#icon.dataset.icon === name) this.#icon.replaceChildren(...(icons ? [icons.icon(name)] : []));
  }
}
