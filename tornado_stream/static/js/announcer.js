// @ts-check
/**
 * Says what happens where it is heard and not seen: one polite region for screen readers. Never
 * the text itself, word by word, and what is being waited for once for each answer.
 */
import { legLine } from "./legs.js";
import { outcomeOf } from "./outcome.js";
import { t } from "./words.js";

export class Announcer {
  #wasLost = false;
  /** The legs that were named for this answer. @type {Set<string>} */
  #named = new Set();

  /** @param {HTMLElement} region @param {import("./conversation.js").Conversation} conversation */
  constructor(region, conversation) {
    this.region = region;
    conversation.addEventListener("path", () => {
      this.#wasLost = false;
      this.#named.clear();
      if (conversation.running) this.say(t("say.generating"));
    });
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      if (what === "leg") this.#leg(answer.leg);
      else this.#answer(answer, what);
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

  /** @param {import("./legs.js").Leg | null} leg */
  #leg(leg) {
    if (!leg || leg.kind === "model" || this.#named.has(leg.kind)) return;
    this.#named.add(leg.kind);
    this.say(legLine(leg));
  }
}

/** @param {import("./outcome.js").Outcome} outcome */
const spoken = ({ title, text, hint }) => [title, text, hint].filter(Boolean).join(". ");
