// @ts-check
/**
 * The rows of buttons below the messages. The rule: a row is created when its message is near the screen and nothing
 * scrolls. One click listener serves all rows. The module is loaded when a message has buttons for the first time.
 *
 * @typedef {import("./message_actions.js").View} View
 */
import { outcomeOf } from "../answers/outcome.js";
import { arrange, element, smallButton } from "../page/dom.js";
import { icon } from "../page/icons.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { ACTIONS, perform, toolbarOf } from "./message_actions.js";

await loadStyleSheet("toolbar").catch(() => {}); // the toolbars work without their style, too

/** Milliseconds without a message that comes near the screen or leaves it, after which toolbars are created. */
const IDLE_MS = 100;

export class Toolbars {
  /** By the element for the toolbar. @type {Map<Element, View>} */
  #views = new Map();
  /** The elements near the screen that have no toolbar yet. @type {Set<Element>} */
  #nearScreen = new Set();
  #idleTimer = 0;
  #observer;
  #elsewhere = element("p", "elsewhere");

  /** @param {import("./message_actions.js").Page & {element: HTMLElement, scroller: HTMLElement}} transcript */
  constructor(transcript) {
    this.transcript = transcript;
    this.conversation = transcript.conversation;
    this.#observer = new IntersectionObserver((seen) => this.#intersected(seen), { root: transcript.scroller, rootMargin: "50%" });
    transcript.element.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    this.#elsewhere.append(t("message.elsewhere"), smallButton(t("message.goThere"), () => this.#showLive()));
    this.update();
  }

  /** Show the toolbars as they should be now: messages or their states have changed. */
  update() {
    const { live, path, newest } = this.conversation;
    const views = new Map([...this.transcript.views].map(([, view]) => [/** @type {Element} */ (view.tools), view]));
    for (const tools of this.#views.keys()) if (!views.has(tools)) this.#forget(tools);
    for (const tools of views.keys()) if (!this.#views.has(tools)) this.#observer.observe(tools);
    this.#views = views;
    for (const view of views.values()) {
      view.element.toggleAttribute("data-newest", view.message === newest || view.message === newest?.parent);
      if (view.tools.firstChild) this.show(view);
    }
    if (!live || path.includes(live)) this.#elsewhere.remove();
    else this.transcript.element.append(this.#elsewhere);
  }

  /** Create or change one toolbar. @param {View} view */
  show({ message, tools }) {
    const { newest, free, branches } = this.conversation;
    const offered = message === newest && free ? outcomeOf(message).actions : [];
    const versions = branches.siblings(message);
    const names = toolbarOf(message, offered);
    const model = versions.length > 1 && message.role === "assistant" ? message.model || String(message.request.model ?? "") : "";
    const shown = [names, versions.indexOf(message), versions.length, free, model].join();
    if (shown === tools.dataset.shown) return;
    tools.dataset.shown = shown;
    const bar = /** @type {HTMLElement} */ (tools.firstElementChild ?? tools.appendChild(element("div", "toolbar")));
    const buttons = names.map((name) => find(bar, name) ?? button(name));
    arrange(bar, versions.length > 1 ? [versionSwitch(bar, versions.indexOf(message) + 1, versions.length, model), ...buttons] : buttons);
    for (const name of names) if (ACTIONS[name].sendsRequest) find(bar, name)?.toggleAttribute("disabled", !free);
  }

  /** Show the next or the previous version of a message, at the same place on the screen. @param {View} view @param {1 | -1} step */
  showVersion({ message, tools }, step) {
    const { conversation, scroller, callbacks } = this.transcript;
    const versions = conversation.branches.siblings(message);
    const at = versions.indexOf(message) + step;
    if (!versions[at]) return;
    const top = tools.getBoundingClientRect().top;
    callbacks.keepPosition();
    conversation.choose(versions[at]);
    const view = this.transcript.views.get(versions[at]);
    if (!view) return;
    this.show(view);
    scroller.scrollTop += view.tools.getBoundingClientRect().top - top;
    const [button, other] = (step > 0 ? ["next", "previous"] : ["previous", "next"]).map((name) => find(view.tools, name));
    (button?.disabled ? other : button)?.focus({ preventScroll: true });
    const version = versions[at];
    callbacks.say([t("action.version", { n: at + 1, of: versions.length }), version.role === "assistant" && version.model].filter(Boolean).join(", "));
  }

  #showLive() {
    const { live } = this.conversation;
    if (live) this.conversation.choose(live);
    this.transcript.callbacks.questionSent();
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

/** ‹ 2/3 · name › @param {Element} bar @param {number} n @param {number} of @param {string} model */
function versionSwitch(bar, n, of, model) {
  const group = /** @type {HTMLElement} */ (bar.querySelector(".versions") ?? element("div", "versions"));
  if (!group.firstChild) group.append(button("previous"), element("span"), button("next"));
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", t("action.version", { n, of }));
  group.children[1].textContent = [t("action.count", { n, of }), model.slice(model.lastIndexOf("/") + 1)].filter(Boolean).join(" · ");
  group.children[1].setAttribute("title", model);
  find(group, "previous")?.toggleAttribute("disabled", n <= 1);
  find(group, "next")?.toggleAttribute("disabled", n >= of);
  return group;
}
