// @ts-check
/** The list of presets and prompts: use one, make one, change or delete one of one's own. */
import { button, element, smallButton } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { createPreset, deletePreset, readPresets } from "../page/presets_api.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, t } from "../page/words.js";

/** @typedef {import("../page/presets_api.js").Preset} Preset */

/** The presets whose name contains every word of `query`. @template {{name: string}} T @param {T[]} presets @param {string} query @returns {T[]} */
export function named(presets, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return presets.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
}

/** What a list shows below a name. @param {Preset} preset */
export function presetFacts({ kind, text, system, model, options, tools = [] }) {
  const parts = kind === "prompt" ? [text] : [model, ...Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`), tools.join(", "), system];
  return inRow(parts).replace(/\s+/g, " ").slice(0, 200);
}

export class PresetDialog {
  #dialog = element("dialog", "dialog panel presets");
  #filter = element("input", "field");
  #list = element("div", "presets-list");
  #note = element("p", "presets-note");
  /** @type {Preset[]} */
  #presets = [];

  /**
   * @param {import("./new_chat.js").Page} page @param {(preset: Preset) => void} begin begins a conversation with a preset
   * @param {(prompt: Preset) => void} insert puts a prompt into the composer
   */
  constructor(page, begin, insert) {
    this.page = page;
    this.begin = begin;
    this.insert = insert;
    this.#dialog.setAttribute("aria-labelledby", "presets-title");
    const title = element("h2", "", t("presets.title"));
    title.id = "presets-title";
    Object.assign(this.#filter, { type: "search", placeholder: t("presets.filter"), ariaLabel: t("presets.filter"), autocomplete: "off", spellcheck: false });
    this.#filter.addEventListener("input", () => this.#show());
    this.#note.setAttribute("role", "status");
    this.#list.tabIndex = -1;
    const actions = element("div", "dialog-actions");
    actions.append(
      button(t("presets.newPreset"), () => void this.#edit({ kind: "preset" })),
      button(t("presets.newPrompt"), () => void this.#edit({ kind: "prompt" })),
      button(t("presets.close"), () => this.#dialog.close()),
    );
    this.#dialog.append(title, this.#filter, this.#note, this.#list, actions);
    document.body.append(this.#dialog);
  }

  /** Open the list, or the form for a new preset. @param {object} [draft] the preset's members */
  async open(draft) {
    if (draft) return this.#edit(draft);
    await loadStyleSheet("panel");
    this.#filter.value = "";
    this.#note.textContent = t("presets.what");
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#filter.focus();
    await this.#read();
  }

  async #read() {
    try {
      this.#presets = await readPresets(this.page.api);
    } catch (error) {
      this.#note.textContent = failureText(error);
    }
    this.#show();
  }

  #show() {
    const found = named(this.#presets, this.#filter.value);
    const groups = /** @type {const} */ (["preset", "prompt"]).map((kind) => this.#group(kind, found.filter((one) => one.kind === kind)));
    this.#list.replaceChildren(...groups);
  }

  /** @param {"preset" | "prompt"} kind @param {Preset[]} presets */
  #group(kind, presets) {
    const group = element("section");
    const list = element("ul");
    list.append(...presets.map((preset) => this.#row(preset)));
    group.append(element("h3", "", t(kind === "preset" ? "presets.presets" : "presets.prompts")), presets.length ? list : element("p", "presets-note", t("presets.none")));
    return group;
  }

  /** @param {Preset} preset */
  #row(preset) {
    const { name, kind, shared } = preset;
    const row = element("li");
    const use = element("button", "preset-use");
    const shown = element("span", "preset-name", name);
    const facts = element("span", "preset-facts", inRow([shared && t("presets.shared"), presetFacts(preset)]));
    for (const text of [shown, facts]) text.dir = "auto";
    use.type = "button";
    use.append(shown, facts);
    use.addEventListener("click", () => {
      this.#dialog.close();
      if (kind === "prompt") this.insert(preset);
      else this.begin(preset);
    });
    row.append(use);
    if (shared) return row;
    const edit = smallButton(t("presets.edit"), () => void this.#edit(preset));
    const remove = smallButton(t("presets.delete"), () => void this.#remove(preset));
    edit.setAttribute("aria-label", t("presets.editOne", { name }));
    remove.setAttribute("aria-label", t("presets.deleteOne", { name }));
    row.append(edit, remove);
    return row;
  }

  /** @param {Preset} preset */
  async #remove(preset) {
    try {
      await deletePreset(this.page.api, preset.id);
    } catch (error) {
      this.#note.textContent = failureText(error);
      return this.#read();
    }
    const undo = smallButton(t("presets.undo"), () => void this.#putBack(preset));
    this.#note.replaceChildren(t("presets.deleted", { name: preset.name }), " ", undo);
    await this.#read();
    undo.focus();
  }

  /** @param {Preset} preset */
  async #putBack({ name, kind, text, system, model, options, tools }) {
    try {
      await createPreset(this.page.api, kind === "prompt" ? { name, kind, text } : { name, kind, system, model, options, ...(tools?.length && { tools }) });
      this.#note.textContent = t("presets.back", { name });
    } catch (error) {
      this.#note.textContent = failureText(error);
    }
    this.#filter.focus();
    await this.#read();
  }

  /** Open the form in the place of the list. @param {Partial<Preset>} preset without an id it is new */
  async #edit(preset) {
    try {
      const { PresetForm } = await import("./preset_form.js");
      await loadStyleSheet("panel");
      this.#dialog.close();
      await new PresetForm(this.page, preset, (saved) => void this.#edited(saved)).open();
    } catch (error) {
      this.page.say(failureText(error));
    }
  }

  /** @param {Preset | null} saved null: nothing was saved */
  async #edited(saved) {
    await this.open();
    if (saved) this.#note.textContent = t("presets.saved", { name: saved.name });
  }
}
