// @ts-check
/**
 * Says what happens where it is heard and not seen: one polite region for screen readers (never
 * the text itself, word by word) and the title of the tab.
 */
import { outcomeOf } from "./outcome.js";
import { t } from "./words.js";

export class Announcer {
  #wasLost = false;

  /** @param {HTMLElement} region @param {import("./conversation.js").Conversation} conversation */
  constructor(region, conversation) {
    this.region = region;
    this.conversation = conversation;
    conversation.addEventListener("path", () => {
      this.#wasLost = false;
      this.#entitle();
      if (conversation.running) this.say(t("say.generating"));
    });
    conversation.addEventListener("title", () => this.#entitle());
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      this.#answer(answer, what);
      if (what !== "delta") this.#entitle();
    });
  }

  /** @param {string} text */
  say(text) {
    this.region.textContent = text;
  }

  /** @param {import("./answer.js").Answer} answer @param {string} what */
  #answer(answer, what) {
    const outcome = outcomeOf(answer);
    if (what === "end" || what === "failed") this.say(answer.state === "done" && outcome.tone === "quiet" ? t("say.complete") : spoken(outcome));
    else if (what === "stopping" || (what === "notice" && answer.waiting)) this.say(outcome.text);
    else if (what === "link" && answer.link === "lost" && !this.#wasLost) this.say(outcome.text);
    else if (what === "link" && answer.link === "open" && this.#wasLost) this.say(t("say.generating"));
    this.#wasLost = answer.link === "lost";
  }

  get #subject() {
    const { title, path } = this.conversation;
    return title || (path[0]?.role === "user" ? path[0].text : "");
  }

  #entitle() {
    const subject = this.#subject.trim().replace(/\s+/g, " ");
    const short = subject.length > 50 ? `${subject.slice(0, 49).trimEnd()}…` : subject;
    document.title = this.conversation.running
      ? t("generatingTitle", { subject: short || t("title") })
      : short ? t("titled", { subject: short }) : t("title");
  }
}

/** @param {import("./outcome.js").Outcome} outcome */
const spoken = ({ title, text, hint }) => [title, text, hint].filter(Boolean).join(". ");
