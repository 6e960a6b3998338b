// @ts-check
/**
 * The panel: the system prompt, which belongs to the open conversation, and the parameters, which
 * belong to this browser. Nothing changes before Save, and nothing closes before it is saved.
 */
import { excess } from "../conversation/requests.js";
import { whyNot } from "../page/api.js";
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { language, t } from "../page/words.js";
import { EFFORTS, NUMBERS, readNumber } from "./parameters.js";

/** @typedef {import("./parameters.js").NumberName} NumberName */

/** @type {Record<NumberName, string>} */
const HINTS = { temperature: t("panel.temperatureHint"), top_p: t("panel.topPHint"), max_tokens: t("panel.maxTokensHint") };

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
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    document.body.append(this.#dialog);
  }

  async open() {
    await loadStyleSheet("panel");
    this.#system.value = this.instructions.text;
    this.#fill(this.preferences.options);
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
    const set = element("fieldset", "panel-parameters");
    set.append(element("legend", "", t("panel.parameters")), element("p", "panel-hint", t("panel.parametersHint")));
    const fields = element("div", "panel-fields");
    for (const name of /** @type {NumberName[]} */ (Object.keys(NUMBERS))) {
      const input = element("input", "field");
      Object.assign(input, { type: "text", inputMode: NUMBERS[name].whole ? "numeric" : "decimal", autocomplete: "off", placeholder: t("panel.unset") });
      input.addEventListener("input", () => this.#complain(input, ""));
      this.#numbers.set(name, input);
      fields.append(labelled(`panel-${name}`, name, input, HINTS[name]));
    }
    this.#effort.append(new Option(t("panel.unset"), ""), ...EFFORTS.map((effort) => new Option(effort, effort)));
    fields.append(labelled("panel-effort", "reasoning_effort", this.#effort, t("panel.effortHint")));
    set.append(fields);
    return set;
  }

  #buttons() {
    const row = element("div", "dialog-actions");
    const reset = element("button", "button panel-reset", t("panel.reset"));
    const cancel = element("button", "button", t("panel.cancel"));
    reset.addEventListener("click", () => this.#fill({}));
    cancel.addEventListener("click", () => this.#dialog.close());
    for (const button of [reset, cancel]) button.type = "button";
    row.append(reset, cancel, this.#save);
    return row;
  }

  /** @param {import("./preferences.js").Options} options */
  #fill(options) {
    for (const [name, input] of this.#numbers) {
      input.value = options[name]?.toLocaleString(language, { useGrouping: false, maximumFractionDigits: 20 }) ?? "";
      this.#complain(input, "");
    }
    this.#effort.value = options.reasoning_effort ?? "";
    this.#complain(this.#system, "");
  }

  async #submit() {
    const options = this.#read();
    if (!options || this.#save.disabled) return;
    this.#save.disabled = true;
    const problem = await this.#saveSystem(this.#system.value.trim());
    this.#save.disabled = false;
    if (problem) return this.#complain(this.#system, problem);
    this.preferences.set(options);
    this.#dialog.close();
  }

  /** What is set; null where something written there cannot be. */
  #read() {
    /** @type {import("./preferences.js").Options} */
    const options = this.#effort.value ? { reasoning_effort: this.#effort.value } : {};
    let right = true;
    for (const [name, input] of [...this.#numbers].reverse()) {
      const { value, wrong } = readNumber(name, input.value);
      const { least, most } = NUMBERS[name];
      if (value !== undefined) options[name] = value;
      if (wrong) this.#complain(input, { number: t("panel.notNumber"), whole: t("panel.notWhole"), range: t("panel.outOfRange", { least, most }) }[wrong]);
      right &&= !wrong;
    }
    return right ? options : null;
  }

  /** @param {string} system @returns {Promise<string>} what went wrong */
  async #saveSystem(system) {
    const { text, conversation } = this.instructions;
    if (system === text) return "";
    if (excess(system)) return t("panel.systemTooLong");
    if (!conversation.id && conversation.newest) return t("panel.beginning");
    try {
      await this.instructions.save(system);
      return "";
    } catch (error) {
      return whyNot(error);
    }
  }

  /** Say what is wrong with a field, and go there. @param {HTMLInputElement | HTMLTextAreaElement} field @param {string} text */
  #complain(field, text) {
    const complaint = /** @type {HTMLElement} */ (document.getElementById(`${field.id}-wrong`));
    if (!complaint) return;
    complaint.textContent = text;
    field.setAttribute("aria-invalid", String(!!text));
    if (text) field.focus();
  }
}

/** @param {string} id @param {string} name @param {HTMLElement} field @param {string} hint */
function labelled(id, name, field, hint) {
  const row = element("div", "panel-field");
  const label = element("label", "", name);
  const why = element("p", "panel-hint", hint);
  const wrong = element("p", "panel-wrong");
  label.htmlFor = field.id = id;
  why.id = `${id}-hint`;
  wrong.id = `${id}-wrong`;
  field.setAttribute("aria-describedby", `${wrong.id} ${why.id}`);
  row.append(label, field, wrong, why);
  return row;
}
