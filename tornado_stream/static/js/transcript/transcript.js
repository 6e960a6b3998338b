// @ts-check
/**
 * Shows the branch of the conversation that is chosen. The rule: the DOM changes at most once for each frame of the
 * screen, however many events have arrived. A long conversation is shown from its end. Its earlier messages are added
 * above in slices of time, so that the page stays responsive.
 *
 * @typedef {import("../conversation/conversation.js").Conversation} Conversation
 * @typedef {import("../conversation/branches.js").Message} Message
 */
import { loadTroubles, outcomeOf } from "../answers/outcome.js";
import { questionOf } from "../conversation/tree.js";
import { arrange } from "../page/dom.js";
import { perform } from "./message_actions.js";
import { AnswerView, QuestionView } from "./message_view.js";

/** How many messages are shown at once, and for how many milliseconds earlier ones are created at a time. */
const FIRST_MESSAGES = 30;
const SLICE_MS = 8;

export class Transcript {
  /** The views of the messages that are shown. @type {Map<Message, QuestionView | AnswerView>} */
  views = new Map();
  /** Null until its module is loaded. @type {import("./toolbars.js").Toolbars | null} */
  toolbars = null;
  /** Shows answers beside each other; null: it was not needed yet. @type {{arranged: (views: Transcript["views"]) => HTMLElement[]} | null} see columns.js */
  columns = null;
  /** @type {Set<Message>} */
  #changed = new Set();
  /** How many messages at the beginning of the path have no view yet. */
  #unbuilt = 0;
  #sliceTimer = 0;
  #frame = 0;
  #countTimer = 0;
  #isLoading = false;

  /** @param {HTMLElement} transcript @param {Conversation} conversation @param {import("../conversation/commands.js").Commands} commands @param {import("./message_actions.js").MessageCallbacks} callbacks */
  constructor(transcript, conversation, commands, callbacks) {
    this.element = transcript;
    this.scroller = /** @type {HTMLElement} */ (transcript.closest("#scroller"));
    this.conversation = conversation;
    this.commands = commands;
    this.callbacks = callbacks;
    conversation.addEventListener("path", () => this.#showPath());
    conversation.addEventListener("answer", (event) => this.#receive(/** @type {CustomEvent} */ (event).detail));
    this.#showPath();
  }

  /** The element of a message; undefined if the message is not shown. @param {string} id @returns {HTMLElement | undefined} */
  elementOf(id) {
    const message = this.conversation.messages.get(id);
    if (message && this.#unbuilt && !this.views.has(message)) this.#buildEarlier(Infinity);
    return message && this.views.get(message)?.element;
  }

  /** Let the user edit the newest question. Returns false if there is none, or if nothing can be sent now. */
  editLast() {
    const { newest, free } = this.conversation;
    const view = newest && this.views.get(questionOf(newest));
    if (!view || !free) return false;
    perform("edit", view, this, /** @type {HTMLElement} */ (document.activeElement));
    return true;
  }

  /** @param {import("../conversation/conversation.js").AnswerDetail} detail */
  #receive({ answer, what }) {
    this.#changed.add(answer);
    if (what === "start") this.#changed.add(answer.parent); // which may be an answer that waited
    if (this.conversation.newest) this.#changed.add(this.conversation.newest); // its actions depend on whether an answer is running
    this.#frame ||= requestAnimationFrame(() => this.#flush());
    if (["start", "end", "failed", "reset"].includes(what)) void this.#update();
  }

  #showPath() {
    const { path, columns } = this.conversation;
    const known = path.findIndex((message) => this.views.has(message));
    this.#unbuilt = Math.max(0, Math.min(path.length - FIRST_MESSAGES, known < 0 ? Infinity : known));
    const shown = path.slice(this.#unbuilt);
    const views = new Map([...shown, ...columns].map((message) => [message, this.views.get(message) ?? this.#newView(message)]));
    arrange(this.element, this.columns?.arranged(views) ?? [...views.values()].map((view) => view.element));
    this.views = views;
    for (const message of [...views.keys()].reverse()) this.#changed.add(message); // the newest first
    this.#flush();
    void this.#update();
    this.#buildEarlierSoon();
  }

  #buildEarlierSoon() {
    clearTimeout(this.#sliceTimer);
    if (this.#unbuilt) this.#sliceTimer = window.setTimeout(() => (this.#buildEarlier(SLICE_MS), this.#buildEarlierSoon()));
  }

  /** Create views of earlier messages, for so long. @param {number} time milliseconds */
  #buildEarlier(time) {
    const { path } = this.conversation;
    const until = performance.now() + time;
    /** @type {[Message, QuestionView | AnswerView][]} */
    const made = [];
    while (this.#unbuilt && performance.now() < until) {
      const message = path[--this.#unbuilt];
      const view = this.#newView(message);
      if (view instanceof AnswerView) this.#render(view, outcomeOf(view.message), false);
      made.unshift([message, view]);
    }
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    const atTop = this.scroller.scrollTop < 1;
    this.element.prepend(...made.map(([, view]) => view.element));
    this.views = new Map([...made, ...this.views]);
    if (atTop) this.scroller.scrollTop = this.scroller.scrollHeight - below; // anywhere else the browser keeps the position itself
    if (!this.#unbuilt) void this.#update();
  }

  /** Update the toolbars, and load their module when they are first needed. */
  async #update() {
    const { path, newest, columns } = this.conversation;
    if (this.toolbars) this.toolbars.update();
    else if (path.length && (columns.length || newest?.state !== "running")) {
      const loaded = await import("./toolbars.js").catch(() => null); // the next change tries again
      if (loaded) this.toolbars ??= new loaded.Toolbars(this);
    }
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#countTimer);
    this.#frame = 0;
    const { newest, columns } = this.conversation;
    const canShorten = !columns.length && this.commands.nextLeaveOut > 0;
    for (const message of this.#changed) {
      const view = this.views.get(message);
      if (!(view instanceof AnswerView)) continue;
      const outcome = outcomeOf(view.message, { canShorten });
      const isLast = message === newest || columns.some((one) => one === message);
      this.#render(view, outcome, isLast && this.conversation.freeFor(message), isLast);
      if (outcome.until && isLast) this.#countTimer = window.setTimeout(() => this.#count(), 1000);
    }
    this.#changed.clear();
  }

  /** @param {AnswerView} view @param {import("../answers/outcome.js").Outcome} outcome @param {boolean} canAct @param {boolean} [isNewest] */
  #render(view, outcome, canAct, isNewest) {
    view.render(outcome, canAct, isNewest);
    if (!outcome.pending || this.#isLoading) return;
    this.#isLoading = true;
    void loadTroubles().then(() => {
      for (const message of this.views.keys()) this.#changed.add(message);
      this.#flush();
      void this.#update();
      this.#isLoading = false; // last: if it could not be loaded, the next change tries again
    });
  }

  /** Count down one second in the newest message. A hidden page waits instead. */
  #count() {
    for (const message of [this.conversation.newest, ...this.conversation.columns]) if (message) this.#changed.add(message);
    if (document.hidden) this.#countTimer = window.setTimeout(() => this.#count(), 1000);
    else this.#flush();
  }

  /** @param {Message} message */
  #newView(message) {
    if (message.role === "user") return new QuestionView(message);
    const view = new AnswerView(message, (name, button) => perform(name, view, this, button), (decisions) => this.commands.decide(message, decisions));
    return view;
  }
}
