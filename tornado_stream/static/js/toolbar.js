// @ts-check
/**
 * What can be done with a message: a quiet row of buttons below it. Which buttons those are follows
 * from the state; who listens above them finds out what was pressed by `data-act`.
 *
 * @typedef {import("./branches.js").Message} Message
 * @typedef {"copy" | "edit" | "again" | "goOn" | "details" | "previous" | "next"} ToolName
 */
import { sourceOf } from "./answer.js";
import { arrange, element } from "./dom.js";
import { iconButton } from "./icons.js";
import { canGoOn } from "./outcome.js";
import { t } from "./words.js";

/** @type {Record<ToolName, [import("./icons.js").IconName, string]>} */
const BUTTONS = {
  previous: ["previous", "tool.previous"],
  next: ["next", "tool.next"],
  copy: ["copy", "tool.copy"],
  edit: ["edit", "tool.edit"],
  again: ["retry", "action.again"],
  goOn: ["resume", "action.goOn"],
  details: ["info", "tool.details"],
};

/** @param {ToolName} name */
const make = (name) => iconButton(BUTTONS[name][0], t(BUTTONS[name][1]), name);

/** What fits a message. @param {Message} message @param {string[]} offered what is offered beside how it ended @returns {ToolName[]} */
export function toolsFor(message, offered) {
  if (message.role === "user") return ["copy", "edit"];
  if (message.state === "running") return [];
  const { id } = message;
  const fits = { copy: sourceOf(message).trim(), again: id && !offered.includes("retry"), goOn: canGoOn(message) && !offered.includes("goOn"), details: id };
  return /** @type {const} */ (["copy", "again", "goOn", "details"]).filter((name) => fits[name]);
}

export class Toolbar {
  element = element("div", "toolbar");
  #versions = element("div", "versions");
  #count = element("span");
  #shown = "";

  constructor() {
    this.#versions.setAttribute("role", "group");
    this.#versions.append(make("previous"), this.#count, make("next"));
  }

  /** @param {ToolName[]} tools @param {{at: number, of: number}} version @param {boolean} free whether something can be asked now */
  show(tools, { at, of }, free) {
    const shown = `${tools} ${at} ${of} ${free}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const buttons = tools.map((name) => this.button(name) ?? make(name));
    arrange(this.element, of > 1 ? [this.#versions, ...buttons] : buttons);
    this.#showVersion(at, of);
    for (const name of /** @type {const} */ (["again", "goOn"])) this.button(name)?.toggleAttribute("disabled", !free);
  }

  /** @param {ToolName} name @returns {HTMLButtonElement | null} */
  button(name) {
    return this.element.querySelector(`[data-act="${name}"]`);
  }

  /** @param {number} at @param {number} of */
  #showVersion(at, of) {
    this.#versions.setAttribute("aria-label", t("tool.version", { n: at, of }));
    this.#count.textContent = t("tool.count", { n: at, of });
    this.button("previous")?.toggleAttribute("disabled", at <= 1);
    this.button("next")?.toggleAttribute("disabled", at >= of);
  }
}
