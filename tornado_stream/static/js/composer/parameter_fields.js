// @ts-check
/** The fields in which a user writes the parameters of a model. An empty field is a parameter that is not set. */
import { element } from "../page/dom.js";
import { language, t } from "../page/words.js";
import { EFFORTS, NUMBERS, readNumber } from "./parameters.js";

/**
 * @typedef {import("./parameters.js").NumberName} NumberName
 * @typedef {import("./preferences.js").Options} Options
 */

/** @type {Record<NumberName, string>} */
const HINTS = { temperature: "panel.temperatureHint", top_p: "panel.topPHint", max_tokens: "panel.maxTokensHint" };

export class ParameterFields {
  element = element("fieldset", "panel-parameters");
  #effort = element("select", "field");
  /** @type {Map<NumberName, HTMLInputElement>} */
  #numbers = new Map();
  /** Other parameters, for example of a preset, which stay as they are. @type {Record<string, any>} */
  #others = {};

  /** @param {string} prefix of the ids @param {string} hint for whom the parameters hold */
  constructor(prefix, hint) {
    this.element.append(element("legend", "", t("panel.parameters")), element("p", "panel-hint", hint));
    const fields = element("div", "panel-fields");
    for (const name of /** @type {NumberName[]} */ (Object.keys(NUMBERS))) {
      const input = element("input", "field");
      Object.assign(input, { type: "text", inputMode: NUMBERS[name].whole ? "numeric" : "decimal", autocomplete: "off" });
      input.addEventListener("input", () => showError(input, ""));
      this.#numbers.set(name, input);
      fields.append(labelled(`${prefix}-${name}`, name, input, t(HINTS[name])));
    }
    this.#effort.append(new Option("", ""), ...EFFORTS.map((effort) => new Option(effort, effort)));
    fields.append(labelled(`${prefix}-effort`, "reasoning_effort", this.#effort, t("panel.effortHint")));
    this.element.append(fields);
  }

  /** Show parameters. @param {Options} options @param {Options} [defaults] what holds for an empty field */
  show(options, defaults = {}) {
    const { temperature, top_p, max_tokens, reasoning_effort, ...others } = options;
    this.#others = others;
    for (const [name, input] of this.#numbers) {
      input.value = written(options[name]);
      input.placeholder = defaults[name] === undefined ? t("panel.unset") : t("panel.default", { value: written(defaults[name]) });
      showError(input, "");
    }
    const { reasoning_effort: usual } = defaults;
    this.#effort.options[0].text = usual ? t("panel.default", { value: usual }) : t("panel.unset");
    this.#effort.value = reasoning_effort ?? "";
  }

  /** The parameters in the fields; null: one of them is wrong, and its field says why. @returns {Options | null} */
  read() {
    /** @type {Options} */
    const options = { ...this.#others, ...(this.#effort.value && { reasoning_effort: this.#effort.value }) };
    let valid = true;
    for (const [name, input] of [...this.#numbers].reverse()) {
      const { value, wrong } = readNumber(name, input.value);
      const { min, max } = NUMBERS[name];
      if (value !== undefined) options[name] = value;
      if (wrong) showError(input, { number: t("panel.notNumber"), whole: t("panel.notWhole"), range: t("panel.outOfRange", { least: min, most: max }) }[wrong]);
      valid &&= !wrong;
    }
    return valid ? options : null;
  }
}

/** A number as users of this language write it. @param {number | undefined} value */
const written = (value) => value?.toLocaleString(language, { useGrouping: false, maximumFractionDigits: 20 }) ?? "";

/** Show what is wrong with a field of `labelled`, and focus it; an empty text removes the message. @param {HTMLInputElement | HTMLTextAreaElement} field @param {string} text */
export function showError(field, text) {
  const message = /** @type {HTMLElement} */ (document.getElementById(`${field.id}-wrong`));
  if (!message) return;
  message.textContent = text;
  field.setAttribute("aria-invalid", String(!!text));
  if (text) field.focus();
}

/** A field with its label, its hint and a place for its error. @param {string} id @param {string} name @param {HTMLElement} field @param {string} hint */
export function labelled(id, name, field, hint) {
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
