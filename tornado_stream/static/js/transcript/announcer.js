// @ts-check
/**
 * Says what happens where it is heard and not seen: one polite region for screen readers (never
 * the text itself, word by word; what is waited for once an answer) and the title of the tab.
 */
import { outcomeOf } from "../answers/outcome.js";
import { t } from "../page/words.js";

export class Announcer {
  #wasLost = false;
  /** The reasons to wait that were named. @type {Set<string>} */
  #named = new Set();
  /** An answer that has ended and its reader may not know: the title says so. @type {{answer?: any, mark?: "done" | "bad"}} */
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
      if (conversation.running) this.say(t("say.generating"));
    });
    conversation.addEventListener("title", () => this.#showTitle());
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      this.#announce(answer, what);
      if (what === "end" || what === "failed") this.#unseen = { answer, mark: markOf(answer, lifecycle.hidden) };
      if (what !== "delta") this.#showTitle();
    });
  }

  /** @param {string} text */
  say(text) {
    this.region.textContent = text;
  }

  /** @param {import("../answers/answer.js").Answer} answer @param {string} what */
  #announce(answer, what) {
    const outcome = outcomeOf(answer);
    if (what === "end" || what === "failed") this.say(answer.state === "done" && outcome.tone === "quiet" ? t("say.complete") : spoken(outcome));
    else if (what === "stopping" || (what === "notice" && answer.waiting)) this.say(outcome.text);
    else if (what === "link" && answer.link === "lost" && !this.#wasLost) this.say(outcome.text);
    else if (what === "link" && answer.link === "open" && this.#wasLost) this.say(t("say.generating"));
    else if (what === "waitReason" && answer.waitReason && answer.waitReason.kind !== "model" && !this.#named.has(answer.waitReason.kind)) {
      this.#named.add(answer.waitReason.kind);
      this.say(answer.waitReason.line);
    }
    this.#wasLost = answer.link === "lost";
  }

  get #subject() {
    const { title, path } = this.conversation;
    return title || (path[0]?.role === "user" ? path[0].text : "");
  }

  #showTitle() {
    const subject = this.#subject.trim().replace(/\s+/g, " ");
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

/** @param {import("../answers/outcome.js").Outcome} outcome */
const spoken = ({ title, text, hint }) => [title, text, hint].filter(Boolean).join(". ");
