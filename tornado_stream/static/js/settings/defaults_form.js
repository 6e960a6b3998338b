// @ts-check
/**
 * What conversations begin with: a system prompt for new ones, and parameters for all. Where there is a login the server
 * keeps them for this person, otherwise this browser does.
 */
import { labelled, ParameterFields, showError } from "../composer/parameter_fields.js";
import { Refused } from "../page/api.js";
import { element } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { readDefaults, writeDefaults } from "../page/settings_api.js";
import { t } from "../page/words.js";
import { hasLogin, row, statusLine } from "./rows.js";

/** The most bytes of JSON that the server takes, and that this browser keeps. */
const MOST_BYTES = 64 * 1024;

export class DefaultsForm {
  element = element("form", "setting-form");
  #system = element("textarea", "field");
  #fields = new ParameterFields("default", t("settings.parametersHint"));
  #save = element("button", "button", t("panel.save"));
  #status = statusLine();
  /** Whether the user has written something that is not stored. */
  #isDirty = false;
  /** Of the defaults that the server has. */
  #version = 0;

  /** @param {import("../page/api.js").Api} api @param {import("../composer/preferences.js").Preferences} preferences */
  constructor(api, preferences) {
    this.api = api;
    this.preferences = preferences;
    this.#system.rows = 3;
    const prompt = labelled("default-system", t("panel.system"), this.#system, t("settings.systemHint"));
    const line = element("div", "setting-line");
    line.append(this.#save, this.#status);
    this.element.append(row(t("settings.defaults"), hasLogin() ? "person" : "browser", "", prompt, this.#fields.element, line));
    this.element.noValidate = true;
    this.element.addEventListener("input", () => {
      this.#isDirty = true;
      this.#status.textContent = "";
      showError(this.#system, "");
    });
    this.element.addEventListener("submit", (event) => void this.#submit(event));
  }

  /** Show the defaults as they are now. What the user has written and not stored stays. */
  async show() {
    if (this.#isDirty) return;
    this.#fill();
    if (!hasLogin()) return;
    try {
      const stored = await readDefaults(this.api);
      this.#version = stored.version;
      if (!stored.version || this.#isDirty) return;
      this.preferences.setDefaults(stored);
      this.#fill();
    } catch {
      // The form then shows the defaults that came with the page. The server refuses to save them if they are old.
    }
  }

  #fill() {
    this.#system.value = this.preferences.system;
    this.#fields.show(this.preferences.options);
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const options = this.#fields.read();
    if (!options || this.#save.disabled) return;
    this.#save.disabled = true;
    const problem = await this.#store({ system: this.#system.value.trim(), options });
    this.#save.disabled = false;
    if (problem) return showError(this.#system, problem);
    this.#isDirty = false;
    this.#status.textContent = t("settings.saved");
  }

  /** @param {{system: string, options: import("../composer/preferences.js").Options}} defaults @returns {Promise<string>} an error message; empty: they are stored */
  async #store(defaults) {
    if (new TextEncoder().encode(JSON.stringify(defaults)).length > MOST_BYTES) return t("settings.defaultsTooLong");
    try {
      if (hasLogin()) this.#version = (await writeDefaults(this.api, { ...defaults, version: this.#version })).version;
    } catch (error) {
      if (!(error instanceof Refused && error.code === "changed_meanwhile")) return failureText(error);
      this.#version = (await readDefaults(this.api).catch(() => null))?.version ?? this.#version;
      return t("settings.changedMeanwhile");
    }
    this.preferences.setDefaults(defaults);
    return "";
  }
}
