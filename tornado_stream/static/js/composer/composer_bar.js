// @ts-check
/** The buttons below the question. The dialogs and the menu that they open are loaded when they are first needed. */
import { byId } from "../page/dom.js";
import { holdKeys } from "../page/shortcuts.js";
import { t, withWords } from "../page/words.js";

/** @typedef {{open: (request?: any) => unknown}} Part */

export class ComposerBar {
  #model = byId("model");
  #panel = byId("panel");
  #settingsMark = byId("panel-set");
  /** Chooses several models at a time, while it is active. @type {{request: import("./model_picker.js").Request | null} | null} */
  comparing = null;
  /** @type {Map<string, Promise<Part>>} */
  #parts = new Map();

  /**
   * @param {import("../conversation/instructions.js").Instructions} instructions @param {import("./models.js").Models} models
   * @param {import("./preferences.js").Preferences} preferences
   * @param {{chosen: () => void, about: () => void, compare: () => void, presets: (draft?: object) => void, say: (text: string) => void}} callbacks `presets` opens the list of presets, or the form for a new one
   */
  constructor(instructions, models, preferences, callbacks) {
    this.instructions = instructions;
    this.models = models;
    this.preferences = preferences;
    this.callbacks = callbacks;
    this.#model.addEventListener("click", () => this.openModels());
    this.#panel.addEventListener("click", () => this.openPanel());
    instructions.addEventListener("change", () => this.#mark());
    preferences.addEventListener("change", () => instructions.refresh());
    preferences.toolChoice?.addEventListener("change", () => this.#mark());
    this.#mark();
  }

  /** Let the user choose a model. @param {import("./model_picker.js").Request} [request] absent: the model for all answers from now on */
  openModels(request) {
    const own = () => ({ button: this.#model, selected: () => this.preferences.model?.id, choose: (/** @type {string} */ id) => (this.preferences.choose(id), this.callbacks.chosen()) });
    void this.open("picker", () => withWords(import("./model_picker.js")).then(({ ModelPicker }) => {
      const picker = new ModelPicker(this.models, this.preferences, this.callbacks);
      return { open: (asked) => picker.open(asked ?? this.comparing?.request ?? own()) };
    }), request);
  }

  /** Open the panel with the system prompt and the parameters. */
  openPanel() {
    void this.open("panel", () => withWords(import("./settings_panel.js")).then(({ SettingsPanel }) => new SettingsPanel(this.instructions, this.preferences, this.callbacks.presets)));
  }

  /** @param {import("../page/shortcuts.js").Shortcuts} shortcuts */
  openShortcuts(shortcuts) {
    void this.open("shortcuts", () => withWords(import("../page/shortcuts_dialog.js")).then(({ ShortcutsDialog }) => new ShortcutsDialog(shortcuts)));
  }

  /** Open a part of the page that is loaded when it is first opened. @param {string} name @param {() => Promise<Part>} make @param {any} [request] what to open it for */
  async open(name, make, request) {
    const part = this.#parts.get(name) ?? make();
    this.#parts.set(name, part);
    const opening = part.then((loaded) => loaded.open(request)).catch(() => {
      this.#parts.delete(name); // the server was not reached: the next click tries again
      this.callbacks.say(t("composer.noPart"));
    });
    if (/prompts|gone/.test(request?.what)) return opening; // the user is writing a question
    await holdKeys(opening);
  }

  /** Show by a mark on the button that the conversation has a system prompt or a parameter of its own, or tools. */
  #mark() {
    const { text, options } = this.instructions;
    this.preferences.own = options;
    this.#settingsMark.hidden = !text && !Object.keys(options).length && !this.preferences.toolChoice?.chosen.length;
  }
}
