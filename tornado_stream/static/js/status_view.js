// @ts-check
/**
 * How an answer ended, or what it waits for, and what can be done next. Seconds that are counted
 * down change the words and never the buttons: one that has the focus keeps it.
 *
 * @typedef {import("./outcome.js").Outcome} Outcome
 */
import { element, smallButton } from "./dom.js";
import { icon } from "./icons.js";

export class StatusView {
  element = element("div", "status");
  #icon = element("span", "status-icon");
  #title = element("strong");
  #text = element("span", "status-text");
  #hint = element("p", "status-hint");
  #actions = element("div", "status-actions");
  #shown = "";
  #offered = "";

  constructor() {
    const line = element("p", "status-line");
    line.append(this.#title, this.#text);
    this.element.append(this.#icon, line, this.#hint, this.#actions);
  }

  /** @param {Outcome} outcome @param {((name: import("./outcome.js").ActionName) => void) | null} act null: nothing can be done now */
  show(outcome, act) {
    this.#offer(outcome, act);
    const { tone, title, text, hint } = outcome;
    const shown = [tone, outcome.icon, title, text, hint].join("\n");
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (outcome.icon !== this.#icon.dataset.icon) this.#icon.replaceChildren(...(outcome.icon ? [icon(outcome.icon)] : []));
    Object.assign(this.#icon.dataset, { icon: outcome.icon });
    this.element.dataset.tone = tone;
    this.#title.textContent = title;
    this.#text.textContent = text;
    this.#hint.textContent = hint;
  }

  /** The first is the one to take, unless it is too early for it. @param {Outcome} outcome @param {((name: import("./outcome.js").ActionName) => void) | null} act */
  #offer({ actions, tone, until }, act) {
    const offered = act ? actions.map(({ label }) => label).join("\n") : "";
    if (offered !== this.#offered) {
      this.#offered = offered;
      this.#actions.replaceChildren(...(act ? actions : []).map(({ name, label }) => smallButton(label, () => act?.(name))));
    }
    this.#actions.firstElementChild?.classList.toggle("primary", tone !== "quiet" && !until);
  }
}
