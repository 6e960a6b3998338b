// @ts-check
/** Where the question is written. Enter sends, but never while an input method composes. Fires `change`. */
export class Composer extends EventTarget {
  #shownAt = 0;

  /**
   * @param {{form: HTMLFormElement, text: HTMLTextAreaElement, send: HTMLButtonElement, stop: HTMLButtonElement}} parts
   * @param {import("./conversation.js").Conversation} conversation @param {import("./turns.js").Turns} turns
   * @param {() => void} sent
   */
  constructor(parts, conversation, turns, sent) {
    super();
    this.parts = parts;
    this.conversation = conversation;
    this.turns = turns;
    this.sent = sent;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    parts.text.addEventListener("keydown", (event) => this.#key(event));
    parts.text.addEventListener("input", () => this.#changed());
    parts.stop.addEventListener("click", (event) => this.#stop(event));
    conversation.addEventListener("path", () => this.#update());
    conversation.addEventListener("answer", () => this.#update());
    this.#update();
    this.#grow();
  }

  get text() {
    return this.parts.text.value;
  }

  set text(text) {
    if (text === this.text) return;
    this.parts.text.value = text;
    this.#grow();
  }

  focus() {
    this.parts.text.focus();
  }

  /** Put text there; what was written already is kept below it. @param {string} text */
  fill(text) {
    const draft = this.parts.text.value;
    this.parts.text.value = draft.trim() && draft !== text ? `${text}\n${draft}` : text;
    this.#changed();
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
    if (!this.conversation.free || !text.value.trim()) return this.focus();
    const question = text.value;
    this.turns.send(question); // kept by the outbox before the draft goes
    text.value = "";
    this.#changed();
    this.sent();
    this.focus();
  }

  /** @param {MouseEvent} event */
  #stop(event) {
    // The second half of a double click on Send is not meant for the Stop that took its place.
    if (event.detail > 1 && performance.now() - this.#shownAt < 500) return;
    void this.turns.stop();
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
    this.#grow();
    this.dispatchEvent(new Event("change"));
  }

  #grow() {
    const { text } = this.parts;
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }
}
