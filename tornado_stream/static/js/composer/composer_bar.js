// @ts-check
/** The quiet buttons below the question; what they open is loaded when it is first wanted. */
import { byId } from "../page/dom.js";
import { t } from "../page/words.js";

export class ComposerBar {
  #model = byId("model");
  #panel = byId("panel");
  #set = byId("panel-set");
  /** @type {Map<string, Promise<{open: () => void | Promise<void>}>>} */
  #parts = new Map();

  /**
   * @param {import("../conversation/instructions.js").Instructions} instructions @param {import("./models.js").Models} models
   * @param {import("./preferences.js").Preferences} preferences
   * @param {{chosen: () => void, about: () => void, say: (text: string) => void}} callbacks
   */
  constructor(instructions, models, preferences, callbacks) {
    this.instructions = instructions;
    this.models = models;
    this.preferences = preferences;
    this.callbacks = callbacks;
    this.#model.addEventListener("click", () => this.pick());
    this.#panel.addEventListener("click", () => this.tune());
    instructions.addEventListener("change", () => this.#mark());
    preferences.addEventListener("change", () => this.#mark());
    this.#mark();
  }

  /** Open the list of models. */
  pick() {
    void this.#open("picker", async () => {
      const { ModelPicker } = await import("./model_picker.js");
      return new ModelPicker(this.#model, this.models, this.preferences, this.callbacks);
    });
  }

  /** Open the system prompt and the parameters. */
  tune() {
    void this.#open("panel", async () => {
      const { SettingsPanel } = await import("./settings_panel.js");
      return new SettingsPanel(this.instructions, this.preferences);
    });
  }

  /** List the shortcuts. @param {import("../page/shortcuts.js").Shortcuts} shortcuts */
  list(shortcuts) {
    void this.#open("shortcuts", async () => {
      const { ShortcutsDialog } = await import("../page/shortcuts_dialog.js");
      return new ShortcutsDialog(shortcuts);
    });
  }

  /** @param {string} name @param {() => Promise<{open: () => void | Promise<void>}>} make */
  async #open(name, make) {
    const part = this.#parts.get(name) ?? make();
    this.#parts.set(name, part);
    try {
      await (await part).open();
    } catch {
      this.#parts.delete(name); // the server is away: the next click asks again
      this.callbacks.say(t("composer.noPart"));
    }
  }

  /** Whether something here changes how answers are. */
  #mark() {
    this.#set.hidden = !this.instructions.text && !Object.keys(this.preferences.options).length;
  }
}
