// @ts-check
/**
 * Shows the conversation's path. The DOM is changed at most once a frame, however many events
 * came; what is true comes from the events, not from the frames.
 *
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./answer.js").Answer | import("./answer.js").Question} Message
 */
import { AnswerView, QuestionView } from "./message_view.js";
import { outcomeOf } from "./outcome.js";

export class Transcript {
  /** @type {Map<Message, QuestionView | AnswerView>} */
  #views = new Map();
  /** @type {Set<Message>} */
  #changed = new Set();
  #frame = 0;

  /**
   * @param {HTMLElement} element @param {Conversation} conversation @param {import("./turns.js").Turns} turns
   * @param {(name: import("./outcome.js").ActionName) => void} act
   */
  constructor(element, conversation, turns, act) {
    this.element = element;
    this.conversation = conversation;
    this.turns = turns;
    this.act = act;
    conversation.addEventListener("path", () => this.#showPath());
    conversation.addEventListener("answer", (event) => {
      this.#changed.add(/** @type {CustomEvent} */ (event).detail.answer);
      if (conversation.newest) this.#changed.add(conversation.newest); // what it offers depends on what runs
      this.#frame ||= requestAnimationFrame(() => this.#flush());
    });
    this.#showPath();
  }

  /** A message on the page; undefined where it is not shown. @param {string} id @returns {HTMLElement | undefined} */
  elementOf(id) {
    const message = this.conversation.messages.get(id);
    return message && this.#views.get(message)?.element;
  }

  #showPath() {
    const path = this.conversation.path;
    const views = new Map(path.map((message) => [message, this.#views.get(message) ?? this.#view(message)]));
    for (const [message, view] of this.#views) if (!views.has(message)) view.element.remove();
    let after = /** @type {Element | null} */ (null);
    for (const { element } of views.values()) {
      const next = after ? after.nextSibling : this.element.firstChild;
      if (next !== element) this.element.insertBefore(element, next); // moving a node would lose focus and selection
      after = element;
    }
    this.#views = views;
    for (const message of path) this.#changed.add(message);
    this.#flush();
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { newest, free } = this.conversation;
    const canShorten = this.turns.nextLeaveOut > 0;
    for (const message of this.#changed) {
      const view = this.#views.get(message);
      if (!(view instanceof AnswerView)) continue;
      view.render(outcomeOf(view.answer, { canShorten }), free && message === newest);
    }
    this.#changed.clear();
  }

  /** @param {Message} message */
  #view(message) {
    return message.role === "user" ? new QuestionView(message) : new AnswerView(message, this.act);
  }
}
