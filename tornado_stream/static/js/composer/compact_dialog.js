// @ts-check
/**
 * Says what the model reads with the next question, and offers to ask for a summary that takes its place. The rule:
 * the page sends nothing that the user has not seen, and nothing by itself; the old messages stay.
 *
 * @typedef {object} Bar the context bar, which opens the dialog
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("../conversation/commands.js").Commands} commands
 * @property {import("./composer.js").Composer} composer
 * @property {import("./preferences.js").Preferences} preferences
 * @property {import("./context_use.js").ContextUse} use
 * @property {(text: string) => void} say
 */
import { newAnswer } from "../answers/answer.js";
import { newQuestion } from "../conversation/tree.js";
import { button, byId, element, smallButton } from "../page/dom.js";
import { requestId } from "../page/ids.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { language, t } from "../page/words.js";

/** Tokens that a summary may have, for the estimate of its cost. */
const SUMMARY = 1000;

export class CompactDialog {
  #dialog = element("dialog", "dialog panel compact");
  #facts = element("dl", "facts-list");
  #cost = element("p", "panel-hint");
  #question = element("textarea", "field");
  #ask = element("button", "button primary", t("context.ask"));
  #note = new SummaryNote();
  /** The answer that is to be the summary, as long as it is being written. @type {import("../answers/answer.js").Answer | null} */
  #asked = null;

  /** @param {Bar} bar */
  constructor(bar) {
    this.bar = bar;
    const { conversation, composer } = bar;
    const title = element("h2", "", t("context.title"));
    title.id = "context-title";
    this.#dialog.setAttribute("aria-labelledby", title.id);
    const form = element("form");
    const label = element("label", "", t("context.question"));
    label.htmlFor = this.#question.id = "context-question";
    this.#question.rows = 4;
    const close = button(t("panel.cancel"), () => this.#dialog.close());
    close.autofocus = true; // not the text, which would open a keyboard on a phone
    const actions = element("div", "dialog-actions");
    actions.append(close, this.#ask);
    form.append(title, this.#facts, element("h3", "", t("context.compact")), element("p", "panel-hint", t("context.how")), label, this.#question, this.#cost, actions);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#question.addEventListener("input", () => this.#showCost());
    this.#dialog.append(form);
    document.body.append(this.#dialog);
    composer.parts.form.before(this.#note.element);
    conversation.addEventListener("switched", (event) => /** @type {CustomEvent} */ (event).detail.adopted || this.#forget());
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      if (answer === this.#asked && (what === "end" || what === "failed")) this.#ended(answer);
    });
  }

  async open() {
    await loadStyleSheet("panel");
    this.#question.value ||= t("context.request");
    const { tokens, context } = this.bar.use;
    this.#facts.replaceChildren(fact(t("context.next"), amount(tokens)), fact(t("context.takes"), context ? t("details.tokens", { n: context.toLocaleString(language) }) : t("context.unknown")));
    this.#ask.disabled = !this.bar.conversation.free || !!this.bar.conversation.temporary; // a summary names an answer that is stored
    this.#showCost();
    this.#dialog.showModal();
  }

  /** What the summary costs, as far as it can be known. */
  #showCost() {
    const { model } = this.bar.preferences;
    const { tokens } = this.bar.use;
    const price = /** @type {any} */ (model)?.price;
    const cost = price ? (tokens.value * price.input + SUMMARY * price.output) / 1e6 : null;
    const money = cost === null ? "" : ` ${t("context.money", { cost: `≈ ${cost.toLocaleString(language, { style: "currency", currency: price.currency, maximumFractionDigits: 4 })}` })}`;
    this.#cost.textContent = t("context.cost", { tokens: amount(tokens) }) + money;
  }

  #send() {
    const { conversation, commands } = this.bar;
    const question = this.#question.value.trim();
    if (!question || !conversation.free) return;
    this.#dialog.close();
    this.#forget();
    commands.send(question);
    this.#asked = conversation.live;
    this.bar.composer.callbacks.sent();
  }

  /** @param {import("../answers/answer.js").Answer} answer */
  #ended(answer) {
    this.#asked = null;
    if (answer.state !== "done" || !answer.content.join("").trim()) return;
    this.#note.show(t("context.ready"), t("context.goOn"), () => {
      this.bar.commands.next = (text, files) => this.#goOn(answer, text, files);
      this.#note.show(t("context.armed"), t("context.undo"), () => this.#forget());
      this.bar.composer.focus();
    }, () => this.#forget());
    this.bar.say(t("context.ready"));
  }

  /** Ask a question after the summary alone. @param {import("../answers/answer.js").Answer} summary @param {string} text @param {import("../answers/answer.js").AttachedFile[]} files */
  #goOn(summary, text, files) {
    const { conversation, preferences } = this.bar;
    this.#note.hide();
    const root = { ...newQuestion(null, summary.content.join("")), from: "system" };
    const answer = newAnswer(newQuestion(null, text, root, files), { message: text, files: files.map(({ id }) => id), conversation_id: conversation.id, summary: summary.id, request_id: requestId(), ...preferences.chosen });
    const whenEnded = (/** @type {Event} */ event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (detail.answer !== answer || detail.what !== "end") return;
      conversation.removeEventListener("answer", whenEnded);
      setTimeout(() => void conversation.refresh()); // the server has made the root, which the page does not know
    };
    conversation.addEventListener("answer", whenEnded);
    conversation.ask(answer);
  }

  #forget() {
    this.#asked = this.bar.commands.next = null;
    this.#note.hide();
  }
}

/** What the user can do with a summary, shown above the question. */
class SummaryNote {
  element = element("section", "summary-note");
  #text = element("p");
  #bar = element("div");

  constructor() {
    this.element.ariaLabel = t("context.compact");
    this.element.hidden = true;
    this.element.append(this.#text, this.#bar);
  }

  /** @param {string} text @param {string} label @param {() => void} act @param {(() => void) | null} [dismiss] */
  show(text, label, act, dismiss = null) {
    this.#text.textContent = text;
    this.#bar.replaceChildren(smallButton(label, act), ...(dismiss ? [smallButton(t("context.not"), dismiss)] : []));
    this.element.hidden = false;
  }

  hide() {
    if (this.element.querySelector(":focus-visible")) byId("question").focus(); // not after a touch, which would open the keyboard of the screen
    this.element.hidden = true;
  }
}

/** @param {string} name @param {string} value */
function fact(name, value) {
  const pair = element("div");
  pair.append(element("dt", "", name), element("dd", "", value));
  return pair;
}

/** @param {import("../answers/measures.js").Figure} figure */
const amount = ({ value, isEstimate }) => t("details.tokens", { n: `${isEstimate ? "≈ " : ""}${value.toLocaleString(language)}` });
