// @ts-check
/**
 * The rows of buttons below the messages. The rule: a row is created when its message is near the screen and nothing
 * scrolls. One click listener serves all rows. The module is loaded when a message has buttons for the first time.
 *
 * @typedef {import("./message_actions.js").View} View
 */
import { outcomeOf } from "../answers/outcome.js";
import { questionOf } from "../conversation/tree.js";
import { arrange, element, whenNeeded } from "../page/dom.js";
import { icon } from "../page/icons.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t, withWords } from "../page/words.js";
import { ACTIONS, perform, toolbarOf } from "./message_actions.js";

await loadStyleSheet("toolbar").catch(() => {}); // the toolbars work without their style, too

/** Milliseconds without a message that comes near the screen or leaves it, after which toolbars are created. */
const IDLE_MS = 100;

const loadVersions = whenNeeded(() => withWords(import("./versions.js")));

export class Toolbars {
  /** By the element for the toolbar. @type {Map<Element, View>} */
  #views = new Map();
  /** The elements near the screen that have no toolbar yet. @type {Set<Element>} */
  #nearScreen = new Set();
  #idleTimer = 0;
  #observer;
  /** What shows the branches of the conversation, once it has more than one. @type {import("./versions.js").Versions | null} */
  versions = null;

  /** @param {import("./message_actions.js").Page & {element: HTMLElement, scroller: HTMLElement}} transcript */
  constructor(transcript) {
    this.transcript = transcript;
    this.conversation = transcript.conversation;
    this.#observer = new IntersectionObserver((seen) => this.#intersected(seen), { root: transcript.scroller, rootMargin: "50%" });
    transcript.element.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    this.update();
  }

  /** Show the toolbars as they should be now: messages or their states have changed. */
  update() {
    const { live, path, newest, columns } = this.conversation;
    const views = new Map([...this.transcript.views].map(([, view]) => [/** @type {Element} */ (view.tools), view]));
    for (const tools of this.#views.keys()) if (!views.has(tools)) this.#forget(tools);
    for (const tools of views.keys()) if (!this.#views.has(tools)) this.#observer.observe(tools);
    this.#views = views;
    for (const view of views.values()) {
      view.element.toggleAttribute("data-newest", [newest, newest && questionOf(newest), ...columns].includes(view.message));
      if (view.tools.firstChild) this.show(view);
    }
    if (this.versions) this.versions.showElsewhere();
    else if (live && ![...path, ...columns].includes(live)) void this.#loadVersions();
  }

  /** Create or change one toolbar. @param {View} view */
  show({ message, tools }) {
    const { newest, branches, columns } = this.conversation;
    const isColumn = columns.some((one) => one === message);
    const free = this.conversation.freeFor(message);
    const offered = (message === newest || isColumn) && free ? outcomeOf(/** @type {any} */ (message)).actions : [];
    const versions = isColumn ? [message] : branches.siblings(message);
    const names = toolbarOf(message, offered);
    if (versions.length > 1 && !this.versions) void this.#loadVersions();
    const model = versions.length > 1 && message.role === "assistant" ? message.model || String(message.request.model ?? "") : "";
    const shown = [names, versions.indexOf(message), versions.length, free, model, !!this.versions].join();
    if (shown === tools.dataset.shown) return;
    tools.dataset.shown = shown;
    const bar = /** @type {HTMLElement} */ (tools.firstElementChild ?? tools.appendChild(element("div", "toolbar")));
    const buttons = names.map((name) => find(bar, name) ?? button(name));
    const version = versions.length > 1 && this.versions?.switchOf(bar, versions.indexOf(message) + 1, versions.length, model);
    arrange(bar, version ? [version, ...buttons] : buttons);
    for (const name of names) if (ACTIONS[name].sendsRequest) find(bar, name)?.toggleAttribute("disabled", !free);
  }

  async #loadVersions() {
    const loaded = await loadVersions(); // if it fails, the next change tries again
    if (!loaded || this.versions) return;
    this.versions = new loaded.Versions(this.transcript, { show: (view) => this.show(view), button, find });
    this.update();
  }

  /** @param {Element} target */
  #clicked(target) {
    const button = /** @type {HTMLButtonElement | null} */ (target.closest("[data-action]"));
    const view = button && this.#views.get(/** @type {Element} */ (button.closest(".tools")));
    if (view) perform(String(button.dataset.action), view, this.transcript, button);
  }

  /** @param {Element} tools */
  #forget(tools) {
    this.#observer.unobserve(tools);
    this.#nearScreen.delete(tools);
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #intersected(seen) {
    for (const { target, isIntersecting } of seen) this.#nearScreen[isIntersecting ? "add" : "delete"](target);
    clearTimeout(this.#idleTimer);
    this.#idleTimer = window.setTimeout(() => this.#buildNear(), IDLE_MS);
  }

  #buildNear() {
    for (const tools of this.#nearScreen) {
      this.show(/** @type {View} */ (this.#views.get(tools)));
      this.#forget(tools);
    }
  }
}

/** @param {Element} bar @param {string} name @returns {HTMLButtonElement | null} */
const find = (bar, name) => bar.querySelector(`[data-action="${name}"]`);

/** @param {string} name */
function button(name) {
  const { label, icon: drawing = name } = ACTIONS[name];
  const made = element("button", "tool");
  made.type = "button";
  made.setAttribute("aria-label", t(label));
  made.dataset.action = name;
  if (ACTIONS[name].opens) made.setAttribute("aria-haspopup", "dialog");
  made.append(icon(drawing));
  return made;
}
