// @ts-check
/**
 * The form in which the user writes a question. Enter sends it, but not while an input method composes
 * a character. If the text cannot be sent, it stays in the form, which says why. Fires `change` when
 * the text has changed.
 *
 * A browser lays out the whole text of a text box at every key, which is slow for a long text. A long text that was pasted
 * or dropped is therefore shown beside the text box, and is sent below the question.
 *
 * @typedef {import("../answers/answer.js").AttachedFile} AttachedFile
 */
import { excess } from "../conversation/requests.js";
import { growToText, whenNeeded } from "../page/dom.js";
import { enterSends, isSomethingOpen, shortcutOf } from "../page/shortcuts.js";
import { t, withWords } from "../page/words.js";

/** A text of so many characters, or more, does not go into the text box. */
const LONG_TEXT = 100_000;
const pastedText = whenNeeded(() => withWords(import("./pasted_text.js")));

export class Composer extends EventTarget {
  /** When Stop replaced Send. */
  #stopShownAt = 0;
  /** The long text that is shown beside the text box. */
  #pasted = "";
  /** The files that belong to the question, once there were some. @type {import("./attachments.js").Attachments | null} */
  attached = null;
  /** How often files are being added to them. */
  #adding = 0;

  /**
   * @param {{form: HTMLFormElement, text: HTMLTextAreaElement, send: HTMLButtonElement, stop: HTMLButtonElement, notice: HTMLElement, pasted: HTMLElement}} parts
   * @param {import("../conversation/conversation.js").Conversation} conversation @param {import("../conversation/commands.js").Commands} commands
   * @param {{sent: () => void, wait: (question: string, files: AttachedFile[], id: string) => Promise<boolean>, editLast: () => boolean, attachments: () => Promise<import("./attachments.js").Attachments | null>}} callbacks `attachments` loads the part that has files; `wait` lets a question wait for the end of the answer in this conversation; `editLast` edits the last question; false: there is none
   */
  constructor(parts, conversation, commands, callbacks) {
    super();
    this.parts = parts;
    this.conversation = conversation;
    this.commands = commands;
    this.callbacks = callbacks;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    parts.text.addEventListener("keydown", (event) => this.#perform(shortcutOf(event, "composer")) && event.preventDefault());
    parts.text.addEventListener("input", () => this.#changed());
    parts.text.addEventListener("paste", (event) => this.#paste(event, event.clipboardData));
    parts.text.addEventListener("drop", (event) => this.#paste(event, event.dataTransfer));
    parts.stop.addEventListener("click", (event) => this.#stop(event));
    conversation.addEventListener("path", () => this.update());
    conversation.addEventListener("answer", () => this.update());
    parts.text.enterKeyHint = enterSends() ? "send" : "enter";
    parts.form.toggleAttribute("data-taken", true); // early.js does nothing from now on
    this.update();
    growToText(this.parts.text);
  }

  /** Whether the user sent the question before the modules were loaded (early.js). */
  get isSent() {
    return this.parts.form.hasAttribute("data-sent");
  }

  /** Send such a question now. If that is impossible, it stays in the box. */
  sendEarly() {
    this.parts.form.removeAttribute("data-sent");
    this.parts.text.readOnly = false;
    this.#send();
  }

  /** The whole text to send: the text box and, below it, the pasted text. */
  get text() {
    const { value } = this.parts.text;
    return this.#pasted ? [value, this.#pasted].filter((text) => text.trim()).join("\n\n") : value;
  }

  set text(text) {
    if (text === this.text) return;
    this.#setText(text);
    this.update();
    this.#showNotice("");
    growToText(this.parts.text);
  }

  focus() {
    this.parts.text.focus();
  }

  /** Delete the text. */
  clear() {
    this.#setText("");
    this.#changed();
  }

  /** Replace what is in the text box; what was pasted beside it stays. @param {string} text */
  typed(text) {
    this.parts.text.value = text;
    this.#changed();
  }

  /** Insert a text above what the user has written. @param {string} text */
  fill(text) {
    const draft = this.text;
    this.#setText(draft.trim() && draft !== text ? `${text}\n${draft}` : text);
    this.#changed();
    this.focus();
  }

  /** Insert one of several suggestions. It replaces another suggestion that is still unchanged. @param {string} text @param {string[]} suggestions */
  suggest(text, suggestions) {
    if (suggestions.includes(this.text)) this.#setText("");
    this.fill(text);
  }

  /** @param {string} text */
  #setText(text) {
    const long = text.length >= LONG_TEXT;
    this.parts.text.value = long ? "" : text;
    void this.#showPasted(long ? text : "");
  }

  /** @param {Event} event @param {DataTransfer | null} data */
  #paste(event, data) {
    const text = data?.getData("text/plain") ?? "";
    if (data?.files.length && !text) return event.preventDefault(), void this.attach(data.files); // a copied table is text, and a picture of it
    if (text.length < LONG_TEXT) return;
    event.preventDefault();
    void this.#showPasted([this.#pasted, text].filter(Boolean).join("\n\n"));
    this.#changed();
  }

  /** Add files to the question. @param {Iterable<File>} files */
  async attach(files) {
    const added = [...files]; // the browser empties the list of a paste
    this.#adding++;
    const attached = (this.attached ??= await this.callbacks.attachments());
    this.#adding--;
    if (attached) attached.add(added);
    else this.#showNotice(t("composer.noPart"));
    this.focus();
  }

  /** Show a text beside the text box. If the code for it cannot be loaded, the text box takes the text, too. @param {string} text empty: none */
  async #showPasted(text) {
    if (text === this.#pasted) return;
    this.#pasted = text;
    this.parts.pasted.hidden = true;
    if (!text) return;
    const loaded = await pastedText();
    if (text !== this.#pasted) return; // it was sent, removed or changed meanwhile
    if (loaded) return loaded.showPasted(this.parts.pasted, text, () => (void this.#showPasted(""), this.#changed(), this.focus()));
    this.parts.text.value = this.text;
    this.#pasted = "";
  }

  /** @param {string | undefined} name of the shortcut @returns {boolean} whether the browser must ignore the key */
  #perform(name) {
    if (name === "send") this.#send();
    else if (name === "edit") return !this.text && this.callbacks.editLast();
    else if (name === "stop" && this.conversation.running && !isSomethingOpen()) void this.commands.stop();
    else return false;
    return true;
  }

  #send() {
    const question = this.text;
    const { free, running, id } = this.conversation;
    const files = this.attached?.files ?? [];
    if (!(free || (running && id)) || this.#adding) return this.focus();
    const obstacle = this.attached?.obstacle;
    if (obstacle) return this.#showNotice(obstacle);
    if (!question.trim() && !files.length) return this.focus();
    const bytes = excess(question);
    if (bytes) return this.#showNotice(t("composer.tooLong", { n: Math.ceil(bytes / 1024) }));
    if (!free) return void this.#wait(question, files);
    this.commands.send(question, files); // first: the outbox has stored the question when its draft is deleted
    this.attached?.sent(files);
    this.clear();
    this.callbacks.sent();
    this.focus();
  }

  /** Let the question wait for the end of the answer. @param {string} question @param {AttachedFile[]} files */
  async #wait(question, files) {
    const { id } = this.conversation;
    if (!(await this.callbacks.wait(question, files, String(id))) || this.conversation.id !== id) return;
    this.attached?.sent(files);
    if (!this.text.startsWith(question)) return;
    this.#setText(this.text.slice(question.length)); // what was written meanwhile
    this.#changed();
  }

  /** @param {MouseEvent} event */
  #stop(event) {
    // Ignore the second click of a double click on Send: Stop has appeared in its place.
    if (event.detail > 1 && performance.now() - this.#stopShownAt < 500) return;
    void this.commands.stop();
    this.focus();
  }

  /** Show what can be done now. */
  update() {
    const { send, stop } = this.parts;
    const { running, live, state, id } = this.conversation;
    if (stop.hidden === running) {
      const focused = document.activeElement === send || document.activeElement === stop;
      stop.hidden = !running;
      if (running) this.#stopShownAt = performance.now();
      if (focused) this.focus();
    }
    send.hidden = running && (enterSends() || !id || !(this.text.trim() || this.attached?.files.length)); // where Enter begins a new line, this button lets a question wait
    stop.disabled = !!live?.stopping;
    send.disabled = state !== "ready";
  }

  #changed() {
    this.update();
    this.#showNotice("");
    growToText(this.parts.text);
    this.dispatchEvent(new Event("change"));
  }

  /** Say why the text cannot be sent; empty: hide the notice. @param {string} text */
  #showNotice(text) {
    const { notice } = this.parts;
    if (notice.textContent === text) return;
    notice.textContent = text;
    notice.hidden = !text;
    if (text) this.focus();
  }
}
