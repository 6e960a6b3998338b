// @ts-check
/**
 * Shows a shared branch, and follows it if its link is live. The rule: what the server wrote stays on the page until it was read again.
 */
import { applyEvent } from "../answers/answer.js";
import { AnswerStream } from "../answers/answer_stream.js";
import { arrange, byId } from "../page/dom.js";
import { backoff, PageLifecycle } from "../page/lifecycle.js";
import { Locks } from "../page/locks.js";
import { SharedApi } from "../page/shared_api.js";
import { t } from "../page/words.js";
import { SharedMessage } from "./shared_message.js";

/** Milliseconds between two looks at a live branch in which no answer is being written: of a visible page, and of a hidden one. */
const LOOK = 5_000, LOOK_HIDDEN = 60_000;

export class SharedView {
  /** By the id of the message. @type {Map<string, SharedMessage>} */
  #messages = new Map();
  #box = byId("messages");
  #state = byId("shared-state");
  #lifecycle = new PageLifecycle().follow(window);
  #locks = new Locks(navigator.locks);

  /** @param {string} address path of the link @param {boolean} live */
  constructor(address, live) {
    this.address = address;
    this.api = new SharedApi(address);
    this.live = live;
  }

  /** Resolves when there is nothing more to show. */
  async run() {
    for (let failures = 0; ; ) {
      const outcome = await this.#look();
      if (outcome === "over") return this.#say(t("shared.over"));
      if (outcome === "read" && !this.live) return;
      failures = outcome === "read" ? 0 : failures + 1;
      this.#say(failures ? t("shared.lost") : t("shared.follows"));
      const running = [...this.#messages.values()].find(({ answer }) => answer?.state === "running");
      if (!failures && running && (await this.#follow(running))) continue;
      await this.#lifecycle.sleep(failures ? backoff(failures) : this.#lifecycle.hidden ? LOOK_HIDDEN : LOOK);
    }
  }

  /** Read the branch. @returns {Promise<"read" | "over" | "lost">} `over`: the link shows nothing any more */
  async #look() {
    try {
      const response = await this.api.branch();
      if (response.status === 404) return "over";
      if (!response.ok) return "lost";
      this.#show((await response.json()).messages);
      return "read";
    } catch {
      return "lost";
    }
  }

  /** @param {any[]} messages */
  #show(messages) {
    const shown = messages.map((raw) => {
      const known = this.#messages.get(raw.id);
      const message = known ?? new SharedMessage(this.address, raw);
      if (known) known.update(raw);
      return message;
    });
    this.#messages = new Map(shown.map((message) => [message.id, message]));
    arrange(this.#box, shown.map((message) => message.element));
  }

  /** Read a running answer. Returns whether it was read to its end. @param {SharedMessage} message */
  async #follow({ id, answer, generationId, lastEventId, show }) {
    if (!answer || !generationId) return false;
    const listener = {
      event: (/** @type {string} */ type, /** @type {any} */ data) => {
        if (type === "tool" || type === "step") return; // a reader sees which tools were called, and no more
        applyEvent(answer, type, data);
        show();
      },
      link: (/** @type {"open" | "lost"} */ link) => this.#say(link === "lost" ? t("shared.lost") : t("shared.follows")),
      waitReason: () => {},
    };
    try {
      await new AnswerStream(/** @type {any} */ (this.api), this.#lifecycle, { request_id: generationId }, listener, { locks: this.#locks, after: lastEventId }).run();
      return true;
    } catch {
      this.#messages.delete(id); // the next look shows it as it is then
      return false;
    }
  }

  /** @param {string} text */
  #say(text) {
    if (this.#state.textContent !== text) this.#state.textContent = text;
  }
}
