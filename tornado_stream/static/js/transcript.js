// @ts-check
/**
 * Shows the conversation's path. The DOM is changed at most once a frame, however many events
 * came; what is true comes from the events, not from the frames.
 *
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./branches.js").Message} Message
 * @typedef {object} Acts
 * @property {(name: import("./outcome.js").ActionName) => void} act what is offered beside how an answer ended
 * @property {() => void} asked something was sent from a message
 * @property {() => void} stay what is read is to stay where it is
 * @property {(text: string) => void} say
 */
import { arrange, element, smallButton } from "./dom.js";
import { AnswerView, QuestionView } from "./message_view.js";
import { outcomeOf } from "./outcome.js";
import { stopTicking, tick } from "./ticker.js";
import { Toolbars } from "./toolbars.js";
import { t } from "./words.js";

export class Transcript {
  /** @type {Map<Message, QuestionView | AnswerView>} */
  #views = new Map();
  /** @type {Set<Message>} */
  #changed = new Set();
  #frame = 0;
  #toolbars;
  #elsewhere = element("p", "elsewhere");

  /** @param {HTMLElement} element @param {Conversation} conversation @param {import("./turns.js").Turns} turns @param {Acts} acts */
  constructor(element, conversation, turns, acts) {
    this.element = element;
    this.conversation = conversation;
    this.turns = turns;
    this.acts = acts;
    this.#toolbars = new Toolbars(element, conversation, turns, { ...acts, edit: (question) => void this.edit(question) });
    this.#elsewhere.append(t("message.elsewhere"), smallButton(t("message.goThere"), () => this.#goThere()));
    conversation.addEventListener("path", () => this.#showPath());
    conversation.addEventListener("answer", (event) => this.#take(/** @type {CustomEvent} */ (event).detail));
    this.#showPath();
  }

  /** A message on the page; undefined where it is not shown. @param {string} id @returns {HTMLElement | undefined} */
  elementOf(id) {
    const message = this.conversation.messages.get(id);
    return message && this.#views.get(message)?.element;
  }

  /** Begin to edit the newest question; false where there is none, or nothing can be sent now. */
  editLast() {
    const { newest, free } = this.conversation;
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    if (newest && free) void this.edit(newest.parent, () => before?.focus());
    return !!newest && free;
  }

  /** Let the reader ask a question anew, in its place. @param {import("./answer.js").Question} question @param {() => void} [back] where the focus goes when it is given up */
  async edit(question, back) {
    const view = /** @type {QuestionView | undefined} */ (this.#views.get(question));
    if (!view || view.element.dataset.editing) return;
    view.element.dataset.editing = "true";
    const { edit } = await import("./editor.js");
    edit(view.text, (text) => this.#save(question, text), (saved) => {
      delete view.element.dataset.editing;
      if (saved) this.acts.asked();
      else if (back) back();
      else this.#toolbars.focus(view, "edit");
    });
  }

  /** @param {import("./answer.js").Question} question @param {string} text */
  #save(question, text) {
    const { free } = this.conversation;
    if (free) this.turns.edit(question, text);
    else this.acts.say(t("edit.busy"));
    return free;
  }

  /** @param {import("./conversation.js").AnswerDetail} detail */
  #take({ answer, what }) {
    this.#changed.add(answer);
    if (this.conversation.newest) this.#changed.add(this.conversation.newest); // what it offers depends on what runs
    this.#frame ||= requestAnimationFrame(this.#flush);
    if (["start", "end", "failed", "reset"].includes(what)) this.#update();
  }

  #showPath() {
    const { path } = this.conversation;
    const views = new Map(path.map((message) => [message, this.#views.get(message) ?? this.#view(message)]));
    for (const [message, view] of this.#views) if (!views.has(message)) this.#toolbars.remove(view);
    arrange(this.element, [...views.values()].map((view) => view.element));
    this.#views = views;
    for (const message of path) this.#changed.add(message);
    this.#flush();
    this.#update();
  }

  /** What depends on the whole conversation. */
  #update() {
    const { live, path, newest } = this.conversation;
    if (!live || path.includes(live)) this.#elsewhere.remove();
    else this.element.append(this.#elsewhere);
    for (const [message, { element }] of this.#views) element.toggleAttribute("data-newest", message === newest || message === newest?.parent);
    this.#toolbars.update();
  }

  #goThere() {
    const { live } = this.conversation;
    if (live) this.conversation.choose(live);
    this.acts.asked();
  }

  #flush = () => {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { newest, free } = this.conversation;
    const canShorten = this.turns.nextLeaveOut > 0;
    stopTicking(this.#flushNewest);
    for (const message of this.#changed) {
      const view = this.#views.get(message);
      if (!(view instanceof AnswerView)) continue;
      const outcome = outcomeOf(view.answer, { canShorten });
      view.render(outcome, free && message === newest);
      if (message === newest && outcome.until) tick(this.#flushNewest);
    }
    this.#changed.clear();
  };

  /** It counts seconds. */
  #flushNewest = () => {
    if (this.conversation.newest) this.#changed.add(this.conversation.newest);
    this.#flush();
  };

  /** @param {Message} message */
  #view(message) {
    const view = message.role === "user" ? new QuestionView(message) : new AnswerView(message, (name) => this.acts.act(name));
    this.#toolbars.add(message, view);
    return view;
  }
}
