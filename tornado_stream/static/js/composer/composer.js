// @ts-check
/**
 * Where the question is written. Enter sends, but never while an input method composes; what cannot
 * be sent stays where it is and says why. Fires `change`.
 */
import { excess } from "../conversation/requests.js";
import { growToText } from "../page/dom.js";
import { isSomethingOpen, shortcutOf } from "../page/shortcuts.js";
import { t } from "../page/words.js";
import { LONG } from "./pasted_text.js";

export class Composer extends EventTarget {
  #shownAt = 0;

  /**
   * @param {{form: HTMLFormElement, text: HTMLTextAreaElement, send: HTMLButtonElement, stop: HTMLButtonElement, notice: HTMLElement}} parts
   * @param {import("../conversation/conversation.js").Conversation} conversation @param {import("../conversation/commands.js").Commands} commands
   * @param {import("./pasted_text.js").PastedText} pasted
   * @param {{sent: () => void, editLast: () => boolean}} callbacks `editLast` says whether there is a question to edit
   */
  constructor(parts, conversation, commands, pasted, callbacks) {
    super();
    this.parts = parts;
    this.conversation = conversation;
    this.commands = commands;
    this.pasted = pasted;
    this.callbacks = callbacks;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    parts.text.addEventListener("keydown", (event) => this.#key(event));
    parts.text.addEventListener("input", () => this.#changed());
    pasted.addEventListener("change", () => this.#changed());
    parts.stop.addEventListener("click", (event) => this.#stop(event));
    conversation.addEventListener("path", () => this.#update());
    conversation.addEventListener("answer", () => this.#update());
    this.#update();
    growToText(this.parts.text);
  }

  /** All that will be sent. */
  get text() {
    const { value } = this.parts.text;
    return this.pasted.text ? [value, this.pasted.text].filter((text) => text.trim()).join("\n\n") : value;
  }

  set text(text) {
    if (text === this.text) return;
    this.#put(text);
    this.#note("");
    growToText(this.parts.text);
  }

  focus() {
    this.parts.text.focus();
  }

  /** Put text there; what was written already is kept below it. @param {string} text */
  fill(text) {
    const draft = this.text;
    this.#put(draft.trim() && draft !== text ? `${text}\n${draft}` : text);
    this.#changed();
    this.focus();
  }

  /** Replace what is there, if that is nothing or what `fill` put there before. @param {string} text @param {string[]} known */
  offer(text, known) {
    const draft = this.text;
    if (!draft.trim() || known.includes(draft)) this.#put("");
    this.fill(text);
  }

  /** @param {string} text */
  #put(text) {
    const long = text.length >= LONG;
    this.parts.text.value = long ? "" : text;
    this.pasted.text = long ? text : "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.#take(shortcutOf(event, "composer"))) event.preventDefault();
  }

  /** @param {string | undefined} name @returns {boolean} whether that key is used up */
  #take(name) {
    if (name === "send") this.#send();
    else if (name === "edit") return !this.text && this.callbacks.editLast();
    else if (name === "stop" && this.conversation.running && !isSomethingOpen()) void this.commands.stop();
    else return false;
    return true;
  }

  #send() {
    const question = this.text;
    if (!this.conversation.free || !question.trim()) return this.focus();
    const over = excess(question);
    if (over) return this.#note(t("composer.tooLong", { n: Math.ceil(over / 1024) }));
    this.commands.send(question); // kept by the outbox before the draft goes
    this.#put("");
    this.#changed();
    this.callbacks.sent();
    this.focus();
  }

  /** @param {MouseEvent} event */
  #stop(event) {
    // The second half of a double click on Send is not meant for the Stop that took its place.
    if (event.detail > 1 && performance.now() - this.#shownAt < 500) return;
    void this.commands.stop();
    this.focus();
  }

  #update() {
    const { send, stop } = this.parts;
    const { running, live, state } = this.conversation;
    if (stop.hidden === running) {
      const focused = document.activeElement === send || document.activeElement === stop;
      send.hidden = running;
      stop.hidden = !running;
      if (running) this.#shownAt = performance.now();
      if (focused) this.focus();
    }
    stop.disabled = !!live?.stopping;
    send.disabled = state !== "ready";
  }

  #changed() {
    this.#note("");
    growToText(this.parts.text);
    this.dispatchEvent(new Event("change"));
  }

  /** Say what keeps the text from being sent. @param {string} text */
  #note(text) {
    const { notice } = this.parts;
    if (notice.textContent === text) return;
    notice.textContent = text;
    notice.hidden = !text;
    if (text) this.focus();
  }
}
