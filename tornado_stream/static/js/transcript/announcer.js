// @ts-check
/**
 * Tells users what happens while they do not see it: in one polite region for screen readers, and in the tab's title.
 * The rule: it never announces the text of an answer, and each kind of wait reason at most once an answer.
 */
import { loadTroubles, outcomeOf } from "../answers/outcome.js";
import { t, withWords } from "../page/words.js";

export class Announcer {
  #wasLost = false;
  /** The kinds of wait reasons that were announced. @type {Set<string>} */
  #named = new Set();
  /** The last answer that ended, if the user may not know: the title shows a mark for it. @type {{answer?: any, mark?: "done" | "bad"}} */
  #unseen = {};

  /** @param {HTMLElement} region @param {import("../conversation/conversation.js").Conversation} conversation @param {import("../page/lifecycle.js").PageLifecycle} lifecycle */
  constructor(region, conversation, lifecycle) {
    this.region = region;
    this.conversation = conversation;
    lifecycle.addEventListener("change", () => {
      if (this.#unseen.mark === "done" && !lifecycle.hidden) this.#unseen = {};
      this.#showTitle();
    });
    conversation.addEventListener("path", () => {
      this.#wasLost = false;
      this.#named.clear();
      this.#showTitle();
      if (conversation.running && !conversation.comparison?.isActive) this.say(t("say.generating"));
    });
    conversation.addEventListener("title", () => this.#showTitle());
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      this.#announce(answer, what);
      const mark = () => (this.#unseen = { answer, mark: markOf(answer, lifecycle.hidden) });
      if (what === "end" || what === "failed") mark();
      if (what !== "delta") this.#showTitle();
      if (this.#unseen.answer === answer && outcomeOf(answer).pending) void loadTroubles().then(() => (mark(), this.#showTitle()));
    });
  }

  /** Announce a text to screen readers. @param {string} text */
  say(text) {
    this.region.textContent = text;
  }

  /** @param {import("../answers/answer.js").Answer} answer @param {string} what */
  #announce(answer, what) {
    if (this.conversation.comparison?.has(answer)) return; // it speaks for its columns
    const outcome = outcomeOf(answer);
    if ((what === "end" || what === "failed") && answer.state === "done" && outcome.tone === "quiet" && !outcome.pending) this.say(t("say.complete"));
    else if (what === "end" || what === "failed" || what === "stopping" || (what === "notice" && answer.waiting)) void this.#explain(answer, outcome);
    else if (what === "link" && answer.link === "lost" && !this.#wasLost) this.say(outcome.text);
    else if (what === "link" && answer.link === "open" && this.#wasLost) this.say(t("say.generating"));
    else if (what === "waitReason" && answer.waitReason && answer.waitReason.kind !== "model" && !this.#named.has(answer.waitReason.kind)) {
      this.#named.add(answer.waitReason.kind);
      this.say(answer.waitReason.line);
    }
    this.#wasLost = answer.link === "lost";
  }

  /** Announce an outcome, an error by what its code means. @param {import("../answers/answer.js").Answer} answer @param {import("../answers/outcome.js").Outcome} outcome */
  async #explain(answer, outcome) {
    const { textContent: before } = this.region;
    if (outcome.pending) {
      await loadTroubles();
      outcome = outcomeOf(answer);
      if (answer.state === "done" && outcome.tone === "quiet") return this.say(t("say.complete"));
    }
    const errors = outcome.code && (await withWords(import("../page/errors.js")).catch(() => null));
    if (before !== this.region.textContent) return; // something newer was announced meanwhile
    const [text, , hint] = errors ? errors.explained(outcome) : [outcome.text, "", outcome.hint];
    this.say([outcome.title, text, hint].map((part) => part.replace(/[\p{L}\p{N}]\u2069?$/u, "$&.")).filter(Boolean).join(" "));
  }

  #showTitle() {
    const { temporary } = this.conversation;
    const subject = temporary ? "" : this.conversation.subject; // the browser would keep it in its history
    const short = subject.length > 50 ? `${subject.slice(0, 49).trimEnd()}…` : subject;
    const { running, newest } = this.conversation;
    const { answer, mark } = this.#unseen;
    const isUnseen = mark && answer.request.request_id === newest?.request.request_id;
    document.title = short ? t(running ? "tab.generating" : !isUnseen ? "tab.quiet" : mark === "done" ? "tab.done" : "tab.bad", { subject: short }) : t("title");
  }
}

/** @param {import("../answers/answer.js").Answer} answer that has ended @param {boolean} hidden */
function markOf(answer, hidden) {
  const { tone } = outcomeOf(answer);
  if (tone === "warn" || tone === "bad") return "bad";
  return hidden && answer.state === "done" ? "done" : undefined;
}
