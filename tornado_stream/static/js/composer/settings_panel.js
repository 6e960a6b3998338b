// @ts-check
/**
 * The panel with what the open conversation has of its own: its system prompt and its parameters. Save stores both at
 * the server. The panel stays open if they could not be stored.
 */
import { excess } from "../conversation/requests.js";
import { saveInstructions } from "../conversation/save_instructions.js";
import { button, element, smallButton } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { labelled, ParameterFields, showError } from "./parameter_fields.js";

export class SettingsPanel {
  #dialog = element("dialog", "dialog panel");
  #form = element("form");
  #system = element("textarea", "field");
  #parameters = new ParameterFields("panel", t("panel.parametersHint"));
  #save = element("button", "button primary", t("panel.save"));
  /** @type {import("./tool_fields.js").ToolFields | null} */
  #tools = null;

  /**
   * @param {import("../conversation/instructions.js").Instructions} instructions @param {import("./preferences.js").Preferences} preferences
   * @param {(draft?: object) => void} presets opens the list of presets, or the form for a new one
   */
  constructor(instructions, preferences, presets) {
    this.presets = presets;
    this.instructions = instructions;
    this.preferences = preferences;
    this.#build();
    this.#form.addEventListener("submit", (event) => void this.#submit(event));
    document.body.append(this.#dialog);
  }

  async open() {
    await loadStyleSheet("panel");
    await this.#showTools();
    this.#system.value = this.instructions.text;
    showError(this.#system, "");
    this.#parameters.show(this.instructions.options, this.preferences.options);
    this.#dialog.showModal();
    this.#system.focus();
  }

  #build() {
    this.#dialog.setAttribute("aria-labelledby", "panel-title");
    const title = element("h2", "", t("panel.title"));
    title.id = "panel-title";
    this.#system.rows = 4;
    const ways = element("p", "ways");
    ways.append(smallButton(t("panel.presets"), () => this.#leaveFor()), smallButton(t("panel.asPreset"), () => this.#saveAsPreset()));
    this.#form.append(title, ways, labelled("panel-system", t("panel.system"), this.#system, t("panel.systemHint")), this.#parameters.element, this.#buttons());
    this.#form.noValidate = true;
    this.#dialog.append(this.#form);
  }

  /** Show the choice of tools, if the server has any. */
  async #showTools() {
    const { toolChoice } = this.preferences;
    if (!toolChoice) return;
    const { ToolFields } = await import("./tool_fields.js");
    this.#tools ??= new ToolFields("panel", t("tools.hint"), toolChoice);
    this.#parameters.element.before(this.#tools.element);
    this.#tools.show(toolChoice.chosen);
    void this.#tools.showAlways();
  }

  #buttons() {
    const row = element("div", "dialog-actions");
    const reset = button(t("panel.reset"), () => this.#parameters.show({}, this.preferences.options), "panel-reset");
    row.append(reset, button(t("panel.cancel"), () => this.#dialog.close()), this.#save);
    return row;
  }

  /** Open the form for a new preset with what is in the fields, and the model. */
  #saveAsPreset() {
    const options = this.#parameters.read();
    const { chosen } = this.preferences;
    if (options) this.#leaveFor({ kind: "preset", system: this.#system.value.trim(), model: chosen.model ?? "", options, tools: this.#tools?.read() });
  }

  /** @param {object} [draft] a new preset; absent: the list of presets */
  #leaveFor(draft) {
    this.#dialog.close();
    this.presets(draft);
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const options = this.#parameters.read();
    if (!options || this.#save.disabled) return;
    this.#save.disabled = true;
    const problem = await this.#store(this.#system.value.trim(), options);
    this.#save.disabled = false;
    if (problem) showError(this.#system, problem);
    else this.#dialog.close();
  }

  /** @param {string} system @param {import("./preferences.js").Options} options @returns {Promise<string>} an error message; empty: both are stored */
  async #store(system, options) {
    const { text, options: old, conversation } = this.instructions;
    const tools = this.#tools?.read();
    if (tools && String(tools) !== String(this.preferences.toolChoice?.chosen)) {
      try {
        await this.preferences.toolChoice?.choose(tools);
      } catch (error) {
        return failureText(error);
      }
    }
    if (system === text && JSON.stringify(options) === JSON.stringify(old)) return "";
    if (excess(system)) return t("panel.systemTooLong");
    if (!conversation.id && !conversation.temporary && conversation.newest) return t("panel.beginning");
    try {
      await saveInstructions(this.instructions, system, options);
      return "";
    } catch (error) {
      return failureText(error);
    }
  }
}
