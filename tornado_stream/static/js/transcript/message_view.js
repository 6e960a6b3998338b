// @ts-check
/**
 * Views of one message. The rule: a view reads the state and writes the DOM; it has no state of its own.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/outcome.js").Outcome} Outcome
 * @typedef {(name: string, button: HTMLElement) => void} OnAction is called with the action's name when its button is pressed
 */
import { isUnanswered } from "../answers/answer.js";
import { MarkdownView } from "../markdown/markdown_view.js";
import { element, smallButton } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t, withWords } from "../page/words.js";
import { isFolded, textBlock } from "./long_text.js";
import { ACTIONS } from "./message_actions.js";

export class QuestionView {
  tools = element("div", "tools");

  /** @param {import("../answers/answer.js").Question} message */
  constructor(message) {
    this.message = message;
    this.text = textBlock(message.text);
    const { from, sent } = message;
    this.element = element("article", from === "user" ? "message user" : "message of-program");
    this.element.setAttribute("aria-label", t(from === "user" ? "message.you" : "message.sentByProgram"));
    this.element.append(this.text, this.tools);
    if (isFolded(message.text)) {
      this.text.classList.add("folded"); // before its button is there, so that nothing jumps
      void withWords(import("./question_fold.js")).then(({ addFold }) => addFold(this.text, message.text), () => this.text.classList.remove("folded"));
    }
    if (message.text.includes("`")) void import("./question_code.js").then(({ showCode }) => showCode(this.text, message.text), () => {});
    if (message.files.length) void withWords(import("./question_files.js")).then(({ showFiles }) => showFiles(message, this.text), () => {});
    if (sent || from !== "user") void withWords(import("./sent_parts.js")).then(({ showSent }) => showSent(message, this.element, this.text), () => {});
  }
}

export class AnswerView {
  tools = element("div", "tools");
  #content = new MarkdownView(element("div", "markdown content"));
  #status = new StatusView();
  #leftOut = element("p", "status-hint", t("message.notSentAgain"));
  /** @type {import("./answer_parts.js").AnswerParts | null} */
  #parts = null;
  #proxyHint = element("div");
  #proxyHintShown = false;
  #canDecide = false;

  /** @param {Answer} message @param {OnAction} onAction @param {import("./approval.js").Decide} decide about the calls for which it waits */
  constructor(message, onAction, decide) {
    this.message = message;
    this.decide = decide;
    this.onAction = onAction;
    this.element = element("article", "message answer");
    this.element.setAttribute("aria-label", t("message.answer"));
    this.element.append(this.#content.element, this.#status.element, this.#leftOut, this.#proxyHint, this.tools);
  }

  /** Show the answer as it is now. @param {Outcome} outcome @param {boolean} canAct offer the outcome's actions: it is the newest message, and nothing is running @param {boolean} [isNewest] nothing was asked after it */
  render(outcome, canAct, isNewest = canAct) {
    const { message } = this;
    this.#leftOut.hidden = isNewest || !isUnanswered(message);
    this.element.dataset.state = message.state;
    this.#content.show(message.content, 0, message.toolCalls[0]?.at); // what follows a call is shown with the calls
    if (message.state !== "running") this.#content.finish();
    this.#canDecide = canAct;
    if (this.#parts) this.#showParts();
    else if (message.reasoning.length || message.refusal.length || message.toolCalls.length || message.sources.length || message.images.length || message.imagesLost.length || message.trimmed || message.shortened.length || message.refused.length || message.without.length || message.low || message.unsaved) void this.#showParts();
    this.#status.show(outcome, canAct ? this.onAction : null);
    this.#showProxyHint();
  }

  /** Say how to repair a proxy that was found while this answer was read. The hint stays when the answer has ended. */
  #showProxyHint() {
    const { waitReason } = this.message;
    if (this.#proxyHintShown || waitReason?.kind !== "proxy" || !waitReason.found) return;
    this.#proxyHintShown = true;
    void withWords(import("./proxy_hint.js")).then(({ showProxyHint }) => showProxyHint(this.#proxyHint, waitReason.proxy), () => {});
  }

  async #showParts() {
    const loaded = this.#parts ?? (await withWords(import("./answer_parts.js")).catch(() => null)); // the next change tries again
    if (loaded && "AnswerParts" in loaded) this.#parts ??= new loaded.AnswerParts(this.message, this.#content.element);
    this.#parts?.show(this.#canDecide ? this.decide : null);
  }
}

/** What errors mean, once it is loaded. @type {typeof import("../page/errors.js") | null} */
let errors = null;

/** Shows an outcome. The rule: a countdown changes only the text, never the buttons, so that a button keeps the focus. */
class StatusView {
  element = element("div", "status");
  #icon = element("span", "status-icon");
  #title = element("strong");
  #text = element("span", "status-text");
  #detail = element("p", "status-hint");
  #hint = element("p", "status-hint");
  #actions = element("div", "status-actions");
  #shown = "";
  #offered = "";

  constructor() {
    const line = element("p");
    line.append(this.#title, this.#text);
    this.#detail.dir = "auto"; // the server's text is English
    this.element.append(this.#icon, line, this.#hint, this.#detail, this.#actions);
  }

  /** @param {Outcome} outcome @param {OnAction | null} onAction null: no buttons */
  show(outcome, onAction) {
    const offered = onAction ? outcome.actions : [];
    const hinted = !!onAction || outcome.tone === "quiet"; // an old answer needs no hint at what to do next
    const shown = JSON.stringify([outcome, hinted, offered]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#title.textContent = outcome.title;
    this.#showText(outcome, hinted);
    if (outcome.code && !errors) void withWords(import("../page/errors.js")).then((module) => ((errors = module), this.#showText(JSON.parse(this.#shown)[0], JSON.parse(this.#shown)[1])), () => {}); // without them, there is the server's text
    void this.#showIcon(outcome.icon);
    Object.assign(this.element.dataset, { tone: outcome.tone, empty: !outcome.title && !outcome.text, thinking: outcome.text === t("busy.thinking") });
    if (JSON.stringify(offered) !== this.#offered) {
      this.#actions.replaceChildren(...offered.map((name) => smallButton(t(ACTIONS[name].label), ({ currentTarget }) => onAction?.(name, /** @type {HTMLElement} */ (currentTarget)))));
    }
    this.#offered = JSON.stringify(offered);
    // The first button is the main one, but not while it is too early for a retry.
    this.#actions.firstElementChild?.classList.toggle("primary", outcome.tone !== "quiet" && !outcome.until);
  }

  /** @param {Outcome} outcome @param {boolean} hinted whether to say what the user can do next */
  #showText(outcome, hinted) {
    const [text, detail, hint] = errors?.explained(outcome) ?? [outcome.text, "", outcome.hint];
    this.#text.textContent = text;
    this.#detail.textContent = detail;
    this.#hint.textContent = hinted ? hint : "";
  }

  /** @param {string} name */
  async #showIcon(name) {
    if (name === (this.#icon.dataset.icon ?? "")) return;
    this.#icon.dataset.icon = name;
    const [icons] = name ? await Promise.all([import("../page/icons.js"), loadStyleSheet("parts")]).catch(() => []) : []; // if the server is not reached, there is only the text
    if (this.#icon.dataset.icon === name) this.#icon.replaceChildren(...(icons ? [icons.icon(name)] : []));
  }
}
