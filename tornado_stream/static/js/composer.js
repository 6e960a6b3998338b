// @ts-check
/** Where the question is written. Enter sends, but never while an input method composes. */
export class Composer {
  #shownAt = 0;

  /**
   * @param {{form: HTMLFormElement, text: HTMLTextAreaElement, send: HTMLButtonElement, stop: HTMLButtonElement}} parts
   * @param {import("./conversation.js").Conversation} conversation
   * @param {() => void} sent
   */
  constructor(parts, conversation, sent) {
    this.parts = parts;
    this.conversation = conversation;
    this.sent = sent;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    parts.text.addEventListener("keydown", (event) => this.#key(event));
    parts.text.addEventListener("input", () => this.#grow());
    parts.stop.addEventListener("click", (event) => this.#stop(event));
    conversation.addEventListener("path", () => this.#update());
    conversation.addEventListener("answer", () => this.#update());
    this.#update();
    this.#grow();
  }

  focus() {
    this.parts.text.focus();
  }

  /** Put text there; what was written already is kept below it. @param {string} text */
  fill(text) {
    const draft = this.parts.text.value;
    this.parts.text.value = draft.trim() && draft !== text ? `${text}\n${draft}` : text;
    this.#grow();
    this.focus();
  }

  /** Replace what is there, if that is nothing or what `fill` put there before. @param {string} text @param {string[]} known */
  offer(text, known) {
    const draft = this.parts.text.value;
    if (!draft.trim() || known.includes(draft)) this.parts.text.value = "";
    this.fill(text);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.isComposing || event.keyCode === 229) return; // 229: Safari, after the composition has ended
    event.preventDefault();
    this.#send();
  }

  #send() {
    const { text } = this.parts;
    if (this.conversation.running || !text.value.trim()) return this.focus();
    const question = text.value;
    text.value = "";
    this.#grow();
    this.conversation.send(question);
    this.sent();
    this.focus();
  }

  /** @param {MouseEvent} event */
  #stop(event) {
    // The second half of a double click on Send is not meant for the Stop that took its place.
    if (event.detail > 1 && performance.now() - this.#shownAt < 500) return;
    void this.conversation.stop();
    this.focus();
  }

  #update() {
    const { send, stop } = this.parts;
    const { running, newest } = this.conversation;
    if (stop.hidden === running) {
      const focused = document.activeElement === send || document.activeElement === stop;
      send.hidden = running;
      stop.hidden = !running;
      if (running) this.#shownAt = performance.now();
      if (focused) this.focus();
    }
    stop.disabled = running && !!newest?.stopping;
  }

  #grow() {
    const { text } = this.parts;
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }
}
