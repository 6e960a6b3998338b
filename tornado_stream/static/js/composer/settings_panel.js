// @ts-check
/**
 * The panel with the system prompt of the open conversation and the parameters of this browser. Save stores
 * both. The panel stays open if one of them could not be stored.
 */
import { excess } from "../conversation/requests.js";
import { element } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { language, t } from "../page/words.js";
import { EFFORTS, NUMBERS, readNumber } from "./parameters.js";

/** @typedef {import("./parameters.js").NumberName} NumberName */

/** @type {Record<NumberName, string>} */
const HINTS = { temperature: "panel.temperatureHint", top_p: "panel.topPHint", max_tokens: "panel.maxTokensHint" };

export class SettingsPanel {
  #dialog = element("dialog", "dialog panel");
  #form = element("form");
  #system = element("textarea", "field");
  #effort = element("select", "field");
  #save = element("button", "button primary", t("panel.save"));
  /** @type {Map<NumberName, HTMLInputElement>} */
  #numbers = new Map();

  /** @param {import("../conversation/instructions.js").Instructions} instructions @param {import("./preferences.js").Preferences} preferences */
  constructor(instructions, preferences) {
    this.instructions = instructions;
    this.preferences = preferences;
    this.#build();
    this.#form.addEventListener("submit", (event) => void this.#submit(event));
    document.body.append(this.#dialog);
  }

  async open() {
    await loadStyleSheet("panel");
    this.#system.value = this.instructions.text;
    this.#showParameters(this.preferences.options);
    this.#dialog.showModal();
    this.#system.focus();
  }

  #build() {
    this.#dialog.setAttribute("aria-labelledby", "panel-title");
    const title = element("h2", "", t("panel.title"));
    title.id = "panel-title";
    this.#system.rows = 4;
    this.#form.append(title, labelled("panel-system", t("panel.system"), this.#system, t("panel.systemHint")), this.#parameters(), this.#buttons());
    this.#form.noValidate = true;
    this.#dialog.append(this.#form);
  }

  #parameters() {
    const fieldset = element("fieldset", "panel-parameters");
    fieldset.append(element("legend", "", t("panel.parameters")), element("p", "panel-hint", t("panel.parametersHint")));
    const fields = element("div", "panel-fields");
    for (const name of /** @type {NumberName[]} */ (Object.keys(NUMBERS))) {
      const input = element("input", "field");
      Object.assign(input, { type: "text", inputMode: NUMBERS[name].whole ? "numeric" : "decimal", autocomplete: "off", placeholder: t("panel.unset") });
      input.addEventListener("input", () => this.#showError(input, ""));
      this.#numbers.set(name, input);
      fields.append(labelled(`panel-${name}`, name, input, t(HINTS[name])));
    }
    this.#effort.append(new Option(t("panel.unset"), ""), ...EFFORTS.map((effort) => new Option(effort, effort)));
    fields.append(labelled("panel-effort", "reasoning_effort", this.#effort, t("panel.effortHint")));
    fieldset.append(fields);
    return fieldset;
  }

  #buttons() {
    const row = element("div", "dialog-actions");
    const reset = element("button", "button panel-reset", t("panel.reset"));
    const cancel = element("button", "button", t("panel.cancel"));
    reset.addEventListener("click", () => this.#showParameters({}));
    cancel.addEventListener("click", () => this.#dialog.close());
    for (const button of [reset, cancel]) button.type = "button";
    row.append(reset, cancel, this.#save);
    return row;
  }

  /** @param {import("./preferences.js").Options} options */
  #showParameters(options) {
    for (const [name, input] of this.#numbers) {
      input.value = options[name]?.toLocaleString(language, { useGrouping: false, maximumFractionDigits: 20 }) ?? "";
      this.#showError(input, "");
    }
    this.#effort.value = options.reasoning_effort ?? "";
    this.#showError(this.#system, "");
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const options = this.#readParameters();
    if (!options || this.#save.disabled) return;
    this.#save.disabled = true;
    const problem = await this.#saveSystem(this.#system.value.trim());
    this.#save.disabled = false;
    if (problem) return this.#showError(this.#system, problem);
    this.preferences.setOptions(options);
    this.#dialog.close();
  }

  /** The parameters in the fields; null: one of them is wrong, and its field says why. */
  #readParameters() {
    /** @type {import("./preferences.js").Options} */
    const options = this.#effort.value ? { reasoning_effort: this.#effort.value } : {};
    let valid = true;
    for (const [name, input] of [...this.#numbers].reverse()) {
      const { value, wrong } = readNumber(name, input.value);
      const { min, max } = NUMBERS[name];
      if (value !== undefined) options[name] = value;
      if (wrong) this.#showError(input, { number: t("panel.notNumber"), whole: t("panel.notWhole"), range: t("panel.outOfRange", { least: min, most: max }) }[wrong]);
      valid &&= !wrong;
    }
    return valid ? options : null;
  }

  /** @param {string} system @returns {Promise<string>} an error message; empty: the prompt is stored */
  async #saveSystem(system) {
    const { text, conversation } = this.instructions;
    if (system === text) return "";
    if (excess(system)) return t("panel.systemTooLong");
    if (!conversation.id && conversation.newest) return t("panel.beginning");
    try {
      await this.instructions.save(system);
      return "";
    } catch (error) {
      return failureText(error);
    }
  }

  /** Show what is wrong with a field, and focus it; an empty text removes the message. @param {HTMLInputElement | HTMLTextAreaElement} field @param {string} text */
  #showError(field, text) {
    const message = /** @type {HTMLElement} */ (document.getElementById(`${field.id}-wrong`));
    if (!message) return;
    message.textContent = text;
    field.setAttribute("aria-invalid", String(!!text));
    if (text) field.focus();
  }
}

/** A field with its label, its hint and a place for its error. @param {string} id @param {string} name @param {HTMLElement} field @param {string} hint */
function labelled(id, name, field, hint) {
  const row = element("div", "panel-field");
  const label = element("label", "", name);
  const help = element("p", "panel-hint", hint);
  const wrong = element("p", "panel-wrong");
  label.htmlFor = field.id = id;
  help.id = `${id}-hint`;
  wrong.id = `${id}-wrong`;
  field.setAttribute("aria-describedby", `${wrong.id} ${help.id}`);
  row.append(label, field, wrong, help);
  return row;
}
