// @ts-check
/**
 * The messages' toolbars. One is made when its message comes near the screen, and all of them have
 * one listener: a thousand messages cost no more than those that are looked at.
 *
 * @typedef {import("./branches.js").Message} Message
 * @typedef {{element: HTMLElement, tools: HTMLElement}} View
 * @typedef {{message: Message, view: View, bar: Toolbar | null}} Entry
 * @typedef {object} Acts
 * @property {(text: string) => void} say
 * @property {() => void} asked something was sent
 * @property {() => void} stay what is read is to stay where it is
 * @property {(question: import("./answer.js").Question) => void} edit
 */
import { sourceOf } from "./answer.js";
import { copyText } from "./clipboard.js";
import { icon } from "./icons.js";
import { outcomeOf } from "./outcome.js";
import { Toolbar, toolsFor } from "./toolbar.js";
import { t } from "./words.js";

/** Milliseconds that a button says that it has copied. */
const COPIED = 2000;

export class Toolbars {
  /** @type {Map<Element, Entry>} */
  #entries = new Map();
  #near;

  /**
   * @param {HTMLElement} transcript @param {import("./conversation.js").Conversation} conversation
   * @param {import("./turns.js").Turns} turns @param {Acts} acts
   */
  constructor(transcript, conversation, turns, acts) {
    this.scroller = /** @type {HTMLElement} */ (transcript.closest("#scroller"));
    this.conversation = conversation;
    this.turns = turns;
    this.acts = acts;
    transcript.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    this.#near = new IntersectionObserver((seen) => this.#approach(seen), { root: this.scroller, rootMargin: "50%" });
  }

  /** @param {Message} message @param {View} view */
  add(message, view) {
    this.#entries.set(view.element, { message, view, bar: null });
    this.#near.observe(view.tools);
  }

  /** @param {View} view */
  remove(view) {
    this.#entries.delete(view.element);
    this.#near.unobserve(view.tools);
  }

  /** The state has changed. */
  update() {
    for (const entry of this.#entries.values()) if (entry.bar) this.#show(entry, entry.bar);
  }

  /** @param {View} view @param {import("./toolbar.js").ToolName} name */
  focus(view, name) {
    const entry = this.#entries.get(view.element);
    if (entry) this.#bar(entry).button(name)?.focus();
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #approach(seen) {
    for (const { target, isIntersecting } of seen) {
      const entry = isIntersecting && this.#entries.get(/** @type {Element} */ (target.parentElement));
      if (entry) this.#bar(entry);
    }
  }

  /** @param {Entry} entry */
  #bar(entry) {
    if (entry.bar) return entry.bar;
    const bar = (entry.bar = new Toolbar());
    this.#near.unobserve(entry.view.tools);
    this.#show(entry, bar);
    entry.view.tools.append(bar.element);
    return bar;
  }

  /** @param {Entry} entry @param {Toolbar} bar */
  #show({ message }, bar) {
    const { newest, free, branches } = this.conversation;
    const offered = message === newest && free ? outcomeOf(message).actions.map(({ name }) => name) : [];
    const versions = branches.siblings(message);
    bar.show(toolsFor(message, offered), { at: versions.indexOf(message) + 1, of: versions.length }, free);
  }

  /** @param {Element} target */
  #clicked(target) {
    const button = /** @type {HTMLButtonElement | null} */ (target.closest("[data-act]"));
    const entry = button && this.#entries.get(/** @type {Element} */ (button.closest("article")));
    if (entry) this.#act(/** @type {import("./toolbar.js").ToolName} */ (button.dataset.act), entry, button);
  }

  /** @param {import("./toolbar.js").ToolName} name @param {Entry} entry @param {HTMLButtonElement} button */
  #act(name, entry, button) {
    const { message } = entry;
    if (name === "copy") void this.#copy(message, button);
    else if (name === "previous") this.#turn(entry, -1);
    else if (name === "next") this.#turn(entry, 1);
    else if (message.role === "user") this.acts.edit(message);
    else if (name === "details") void this.#details(message, entry.view, button);
    else this.#ask(name, message);
  }

  /** @param {string} name @param {import("./answer.js").Answer} answer */
  #ask(name, answer) {
    if (name === "goOn") this.turns.goOn(answer);
    else this.turns.retry(answer);
    this.acts.asked();
  }

  /** @param {Message} message @param {HTMLButtonElement} button */
  async #copy(message, button) {
    const done = await copyText(sourceOf(message));
    this.acts.say(done ? t("copied") : t("tool.notCopied"));
    if (!done) return;
    button.replaceChildren(icon("check"));
    setTimeout(() => button.replaceChildren(icon("copy")), COPIED);
  }

  /** Show the version before or after this one, in its place on the screen. @param {Entry} entry @param {-1 | 1} step */
  #turn({ message, view }, step) {
    const versions = this.conversation.branches.siblings(message);
    const at = versions.indexOf(message) + step;
    if (!versions[at]) return;
    const top = view.tools.getBoundingClientRect().top;
    this.acts.stay();
    this.conversation.choose(versions[at]);
    const shown = [...this.#entries.values()].find((one) => one.message === versions[at]);
    if (!shown) return;
    const bar = this.#bar(shown);
    this.scroller.scrollTop += bar.element.getBoundingClientRect().top - top;
    const [way, back] = step < 0 ? /** @type {const} */ (["previous", "next"]) : /** @type {const} */ (["next", "previous"]);
    (bar.button(way)?.disabled ? bar.button(back) : bar.button(way))?.focus({ preventScroll: true });
    this.acts.say(t("tool.version", { n: at + 1, of: versions.length }));
  }

  /** @param {import("./answer.js").Answer} answer @param {View} view @param {HTMLButtonElement} button */
  async #details(answer, view, button) {
    const { toggleDetails } = await import("./details.js");
    toggleDetails(answer, this.conversation.messages, view.tools, button);
  }
}
