// @ts-check
/**
 * The title of the tab shows how it stands with the newest answer: being written, done and not seen
 * yet, or in need of its reader. From events and not from frames: it is for tabs that are hidden.
 */
import { outcomeOf } from "./outcome.js";
import { t } from "./words.js";

/** Characters of a question that a tab shows at most. */
const LENGTH = 50;

export class TabTitle {
  /** @type {"" | "done" | "bad"} */
  #unseen = "";
  /** The answer that it is said of. */
  #id = "";

  /** @param {Document} page @param {import("./conversation.js").Conversation} conversation @param {import("./wake.js").Wake} wake */
  constructor(page, conversation, wake) {
    this.page = page;
    this.conversation = conversation;
    this.wake = wake;
    conversation.addEventListener("path", () => this.#show(this.#newest === this.#id ? this.#unseen : ""));
    conversation.addEventListener("title", () => this.#show());
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      if (what === "end" || what === "failed") this.#show(this.#after(answer));
      else if (what === "start") this.#show("");
    });
    wake.addEventListener("wake", () => !wake.hidden && this.#unseen === "done" && this.#show(""));
  }

  /** @param {import("./answer.js").Answer} answer that has ended */
  #after(answer) {
    const { tone } = outcomeOf(answer);
    if (tone === "warn" || tone === "bad") return "bad";
    return answer.state === "done" && this.wake.hidden ? "done" : "";
  }

  get #newest() {
    return this.conversation.newest?.request.request_id ?? "";
  }

  #show(unseen = this.#unseen) {
    this.#unseen = unseen;
    this.#id = this.#newest;
    const { title, path, running } = this.conversation;
    const subject = shortened(title || (path[0]?.role === "user" ? path[0].text : ""));
    if (!subject) this.page.title = t("title");
    else if (running) this.page.title = t("tab.generating", { subject });
    else this.page.title = unseen === "bad" ? t("tab.bad", { subject }) : unseen ? t("tab.done", { subject }) : t("tab.quiet", { subject });
  }
}

/** @param {string} subject */
function shortened(subject) {
  const line = subject.trim().replace(/\s+/g, " ");
  return line.length > LENGTH ? `${line.slice(0, LENGTH - 1).trimEnd()}…` : line;
}
