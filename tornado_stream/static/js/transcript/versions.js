// @ts-check
/** The versions of a message in its toolbar, and the way to an answer that is being written on another branch. Loaded with the first message that has versions. */
import { element, smallButton } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, t } from "../page/words.js";

/**
 * @typedef {import("./message_actions.js").View} View
 * @typedef {object} Toolbars how toolbars are made and shown
 * @property {(view: View) => void} show
 * @property {(name: string) => HTMLButtonElement} button
 * @property {(bar: Element, name: string) => HTMLButtonElement | null} find
 */

await loadStyleSheet("parts").catch(() => {}); // it works without its style, too

export class Versions {
  #elsewhere = element("p", "elsewhere");

  /** @param {import("./message_actions.js").Page & {element: HTMLElement, scroller: HTMLElement}} transcript @param {Toolbars} toolbars */
  constructor(transcript, toolbars) {
    this.transcript = transcript;
    this.toolbars = toolbars;
    this.#elsewhere.append(t("message.elsewhere"), smallButton(t("message.goThere"), () => this.#showLive()));
  }

  /** Show the way to an answer that is being written on another branch, if there is one. */
  showElsewhere() {
    const { live, path, columns } = this.transcript.conversation;
    if (!live || [...path, ...columns].includes(live)) this.#elsewhere.remove();
    else this.transcript.element.append(this.#elsewhere);
  }

  #showLive() {
    const { conversation, callbacks } = this.transcript;
    if (conversation.live) conversation.choose(conversation.live);
    callbacks.questionSent();
  }

  /** Show the next or the previous version of a message, at the same place on the screen. @param {View} view @param {1 | -1} step */
  show({ message, tools }, step) {
    const { conversation, scroller, callbacks } = this.transcript;
    const versions = conversation.branches.siblings(message);
    const at = versions.indexOf(message) + step;
    if (!versions[at]) return;
    const top = tools.getBoundingClientRect().top;
    callbacks.keepPosition();
    conversation.choose(versions[at]);
    const view = this.transcript.views.get(versions[at]);
    if (!view) return;
    this.toolbars.show(view);
    scroller.scrollTop += view.tools.getBoundingClientRect().top - top;
    const [button, other] = (step > 0 ? ["next", "previous"] : ["previous", "next"]).map((name) => this.toolbars.find(view.tools, name));
    (button?.disabled ? other : button)?.focus({ preventScroll: true });
    const version = versions[at];
    callbacks.say(inRow([t("action.version", { n: at + 1, of: versions.length }), version.role === "assistant" && version.model], ", "));
  }

  /** ‹ 2/3 · name › @param {Element} bar @param {number} n @param {number} of @param {string} model */
  switchOf(bar, n, of, model) {
    const { button, find } = this.toolbars;
    const group = /** @type {HTMLElement} */ (bar.querySelector(".versions") ?? element("div", "versions"));
    if (!group.firstChild) group.append(button("previous"), element("span"), button("next"));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", t("action.version", { n, of }));
    group.children[1].textContent = inRow([t("action.count", { n, of }), model.slice(model.lastIndexOf("/") + 1)]);
    group.children[1].setAttribute("title", model);
    find(group, "previous")?.toggleAttribute("disabled", n <= 1);
    find(group, "next")?.toggleAttribute("disabled", n >= of);
    return group;
  }
}
