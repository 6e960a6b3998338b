// @ts-check
/**
 * The form for a preset or a prompt. The rule: nothing that the user wrote and nothing that another tab saved is lost. If the
 * preset was changed meanwhile, the form shows that version and asks which one is right.
 */
import { Refused } from "../page/api.js";
import { button, element, smallButton } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { changePreset, createPreset, readPresets } from "../page/presets_api.js";
import { t } from "../page/words.js";
import { labelled, ParameterFields, showError } from "./parameter_fields.js";

/** @typedef {import("../page/presets_api.js").Preset} Preset */

const MOST_NAME = 64;

export class PresetForm {
  #dialog = element("dialog", "dialog panel preset-form");
  #form = element("form");
  #name = element("input", "field");
  #text = element("textarea", "field");
  #model = element("input", "field");
  #parameters = new ParameterFields("preset", "");
  #save = element("button", "button primary", t("panel.save"));
  #conflict = element("div", "preset-conflict");
  /** @type {import("./tool_fields.js").ToolFields | null} */
  #tools = null;
  /** @type {Preset | null} */
  #saved = null;
  #isNew;

  /**
   * @param {import("./new_chat.js").Page} page @param {Partial<Preset>} preset without an id it is new
   * @param {(saved: Preset | null) => void} closed
   */
  constructor(page, preset, closed) {
    this.page = page;
    this.preset = preset;
    this.#isNew = !preset.id;
    this.#build();
    this.#fill(preset);
    this.#form.addEventListener("submit", (event) => (event.preventDefault(), void this.#submit()));
    this.#dialog.addEventListener("close", () => {
      this.#dialog.remove(); // its ids are those of the next form, too
      closed(this.#saved);
    });
  }

  async open() {
    const { toolChoice } = this.page.preferences;
    if (toolChoice && !this.#isPrompt) {
      const { ToolFields } = await import("./tool_fields.js");
      this.#tools = new ToolFields("preset", t("tools.presetHint"), toolChoice);
      this.#parameters.element.after(this.#tools.element);
      this.#tools.show(this.preset.tools ?? []);
    }
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#name.focus();
  }

  get #isPrompt() {
    return this.preset.kind === "prompt";
  }

  #build() {
    const titles = this.#isPrompt ? [t("presets.newPrompt"), t("presets.editPrompt")] : [t("presets.newPreset"), t("presets.editPreset")];
    const title = element("h2", "", titles[this.#isNew ? 0 : 1]);
    title.id = "preset-title";
    this.#dialog.setAttribute("aria-labelledby", title.id);
    Object.assign(this.#name, { type: "text", autocomplete: "off", maxLength: MOST_NAME });
    Object.assign(this.#model, { type: "text", autocomplete: "off", spellcheck: false, placeholder: t("presets.anyModel") });
    this.#model.setAttribute("list", "preset-models");
    this.#text.rows = 5;
    const models = element("datalist");
    models.id = "preset-models";
    models.append(...this.page.models.all.filter(({ id }) => id).map(({ id }) => new Option(id, id)));
    const name = labelled("preset-name", t("presets.name"), this.#name, "");
    const text = this.#isPrompt ? labelled("preset-text", t("presets.text"), this.#text, t("presets.textHint", { field: "{{field}}" })) : labelled("preset-text", t("panel.system"), this.#text, t("presets.systemHint"));
    const rest = this.#isPrompt ? [] : [labelled("preset-model", t("presets.model"), this.#model, ""), models, this.#parameters.element];
    const row = element("div", "dialog-actions");
    row.append(button(t("panel.cancel"), () => this.#dialog.close()), this.#save);
    this.#conflict.hidden = true;
    this.#conflict.setAttribute("role", "alert");
    for (const field of [this.#name, this.#text, this.#model]) field.addEventListener("input", () => showError(field, ""));
    this.#form.noValidate = true;
    this.#form.append(title, name, text, ...rest, this.#conflict, row);
    this.#dialog.append(this.#form);
  }

  /** @param {Partial<Preset>} preset */
  #fill({ name = "", text = "", system, model, options = {}, tools = [] }) {
    this.#name.value = name;
    this.#text.value = this.#isPrompt ? text : (system ?? "");
    this.#model.value = model ?? "";
    this.#parameters.show(options);
    this.#tools?.show(tools);
  }

  /** What the fields have; null: one of them is wrong, and says so. */
  #read() {
    const options = this.#isPrompt ? {} : this.#parameters.read();
    const name = this.#name.value.trim();
    const text = this.#text.value;
    const model = this.#model.value.trim() || null;
    if (!options) return null;
    if (!name) return void showError(this.#name, t("presets.noName"));
    if (this.#isPrompt) return text.trim() ? { name, text } : void showError(this.#text, t("presets.noText"));
    const system = text.trim() ? text : null;
    const tools = this.#tools?.read();
    if (!system && !model && !Object.keys(options).length && !tools?.length) return void showError(this.#text, t("presets.empty"));
    return { name, system, model, options, ...(tools && { tools }) };
  }

  /** Save the preset. @param {boolean} [anew] as a new one */
  async #submit(anew = this.#isNew) {
    const members = this.#read();
    if (!members || this.#save.disabled) return;
    const { api } = this.page;
    this.#save.disabled = true;
    try {
      const { id = "", version = 0, kind } = this.preset;
      this.#saved = await (anew ? createPreset(api, { kind, ...members }) : changePreset(api, id, version, members));
      this.#dialog.close();
    } catch (error) {
      await this.#refused(error);
    } finally {
      this.#save.disabled = false;
    }
  }

  /** @param {unknown} error */
  async #refused(error) {
    const { code = "", status = 0 } = error instanceof Refused ? error : {};
    if (code === "name_in_use") return showError(this.#name, t("presets.nameInUse"));
    if (code !== "changed_meanwhile" && (status !== 404 || this.#isNew)) return showError(this.#name, failureText(error));
    const theirs = await readPresets(this.page.api).then((all) => all.find(({ id }) => id === this.preset.id) ?? null, () => undefined);
    if (theirs === undefined) showError(this.#name, failureText(error));
    else if (theirs) this.#showTheirs(theirs);
    else this.#showGone();
  }

  /** The preset was deleted. What is in the fields can be saved as a new one. */
  #showGone() {
    this.#isNew = true;
    this.#ask(t("presets.gone"), "", []);
  }

  /** The preset has another version by now. @param {Preset} theirs */
  #showTheirs(theirs) {
    const { name, text, system, model, options, tools = [] } = theirs;
    const shown = this.#isPrompt ? [name, text] : [name, system, model, tools.join(", "), Object.keys(options).length ? JSON.stringify(options) : ""];
    this.#ask(t("presets.conflict"), shown.filter(Boolean).join("\n\n"), [
      smallButton(t("presets.mine"), () => ((this.preset = theirs), this.#settled(), void this.#submit())),
      smallButton(t("presets.theirs"), () => ((this.preset = theirs), this.#settled(), this.#fill(theirs), this.#name.focus())),
      smallButton(t("presets.both"), () => this.#keepBoth(theirs)),
    ]);
  }

  /** Make what is in the fields a preset of its own, under a name that is free. @param {Preset} theirs */
  #keepBoth(theirs) {
    this.#settled();
    this.#isNew = true;
    if (this.#name.value.trim().toLowerCase() === theirs.name.toLowerCase()) this.#name.value = `${theirs.name} 2`.slice(-MOST_NAME);
    void this.#submit(true);
  }

  #settled() {
    this.#conflict.hidden = true;
    this.#save.hidden = false;
  }

  /** @param {string} question @param {string} shown @param {HTMLElement[]} buttons without any, Save saves */
  #ask(question, shown, buttons) {
    const theirs = element("pre", "", shown);
    theirs.dir = "auto";
    theirs.tabIndex = 0;
    const row = element("div");
    row.append(...buttons);
    this.#conflict.replaceChildren(element("p", "", question), ...(shown ? [theirs] : []), row);
    this.#conflict.hidden = false;
    this.#save.hidden = buttons.length > 0;
    (buttons[0] ?? this.#save).focus();
  }
}
