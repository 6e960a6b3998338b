// @ts-check
/**
 * Shows below the question how much of the model's context the conversation takes, with what is written now. Loaded
 * with the second question of a conversation. A click on it explains it, and offers to go on from a summary.
 */
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { language, t, withWords } from "../page/words.js";
import { contextUse } from "./context_use.js";

await loadStyleSheet("context").catch(() => {}); // it works without its style, too

/** Milliseconds without a key after which the draft is counted. */
const PAUSE = 250;

export class ContextBar {
  element = element("button", "quiet context");
  #meter = element("span", "context-meter");
  #text = element("span", "context-text");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Promise<import("./compact_dialog.js").CompactDialog> | null} */
  #dialog = null;

  /**
   * @param {import("../conversation/conversation.js").Conversation} conversation @param {import("../conversation/commands.js").Commands} commands
   * @param {import("./composer.js").Composer} composer @param {import("./preferences.js").Preferences} preferences
   * @param {import("../conversation/instructions.js").Instructions} instructions @param {(text: string) => void} say
   */
  constructor(conversation, commands, composer, preferences, instructions, say) {
    this.conversation = conversation;
    this.commands = commands;
    this.composer = composer;
    this.preferences = preferences;
    this.instructions = instructions;
    this.say = say;
    this.element.type = "button";
    this.element.setAttribute("aria-haspopup", "dialog");
    this.#meter.append(element("span"));
    this.element.append(this.#meter, this.#text);
    this.element.addEventListener("click", () => void this.#open());
    composer.parts.form.querySelector("#panel")?.after(this.element);
    for (const type of ["path", "switched"]) conversation.addEventListener(type, () => this.#soon());
    conversation.addEventListener("answer", (event) => /** @type {CustomEvent} */ (event).detail.what === "end" && this.#soon());
    composer.addEventListener("change", () => this.#soon());
    preferences.addEventListener("change", () => this.#soon());
    this.show();
  }

  /** What is taken now. */
  get use() {
    const { path } = this.conversation;
    return contextUse(path, this.instructions.text, this.composer.text, this.preferences.model?.context);
  }

  show() {
    const { path } = this.conversation;
    this.element.hidden = path.length < 3;
    if (this.element.hidden) return;
    const { tokens, context, share } = this.use;
    const count = `${tokens.isEstimate ? "≈ " : ""}${tokens.value.toLocaleString(language)}`;
    this.element.dataset.level = share === null ? "unknown" : share > 1 ? "over" : share > 0.8 ? "high" : "fine";
    this.#meter.hidden = share === null;
    /** @type {HTMLElement} */ (this.#meter.firstElementChild).style.width = `${Math.min(100, 100 * (share ?? 0))}%`;
    const percent = share?.toLocaleString(language, { style: "percent" });
    this.#text.textContent = percent ?? t("details.tokens", { n: tokens.value.toLocaleString(language, { notation: "compact" }) });
    const what = context ? t("context.of", { count, context }) : t("context.count", { count });
    const text = this.#text.textContent;
    this.element.setAttribute("aria-label", what.startsWith(text) ? what : `${text}: ${what}`);
    this.element.title = what;
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.show(), PAUSE);
  }

  async #open() {
    this.#dialog ??= withWords(import("./compact_dialog.js")).then(({ CompactDialog }) => new CompactDialog(this));
    try {
      await (await this.#dialog).open();
    } catch {
      this.#dialog = null;
      this.say(t("composer.noPart"));
    }
  }
}
