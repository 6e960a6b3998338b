// @ts-check
/** Shows which model answers, below the question and in the welcome, and how to start the server with another model. */
import { byId } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t, withWords } from "../page/words.js";

export class ModelsView {
  #button = byId("model");
  #name = byId("model-name");
  #state = byId("model-state");
  #dialog = byId("model-dialog");
  #setup = byId("welcome-setup");
  #title = byId("welcome-setup-title");
  #lead = byId("welcome-setup-lead");
  #runs = byId("welcome-runs");

  /** @param {import("./models.js").Models} models @param {import("./preferences.js").Preferences} preferences */
  constructor(models, preferences) {
    this.models = models;
    this.preferences = preferences;
    byId("welcome-own").addEventListener("click", () => void this.open());
    preferences.addEventListener("change", () => this.#show());
  }

  /** Open the dialog that says how to use another model. */
  async open() {
    await loadStyleSheet("panel").catch(() => {}); // it works without its style, too
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #show() {
    const { state } = this.models;
    if (state === "unknown") return;
    const { model } = this.preferences;
    const shown = state === "unreachable" ? "unreachable" : (model?.state ?? "failed");
    this.#button.dataset.state = shown;
    this.#name.textContent = model?.id || (state === "unreachable" ? "" : t("model.none"));
    this.#state.textContent = { loading: t("model.loading"), failed: t("model.failed"), unreachable: t("model.unreachable") }[shown] ?? "";
    this.#showSetup();
    this.#runs.hidden = shown !== "ready" || !this.#setup.hidden;
    byId("welcome-model").textContent = t("model.runs", { name: model?.id ?? "" });
  }

  /** Show how to start the server in the welcome, if the model is the demo model or cannot be used. */
  #showSetup() {
    const { state, defaultModel: model } = this.models;
    const failed = state === "known" && (!model || model.state === "failed");
    this.#setup.hidden = !failed && model?.provider !== "local";
    this.#setup.dataset.tone = failed ? "bad" : "quiet";
    this.#title.textContent = failed ? t("model.failedTitle") : "";
    const lead = (/** @type {string} */ meaning) => (failed ? [meaning, model?.detail, t("model.failedNext")].filter(Boolean).join("\n") : t("model.demo"));
    this.#lead.textContent = lead("");
    const { code } = model ?? {};
    if (failed && code) void withWords(import("../page/errors.js")).then(({ meaningOf }) => model === this.models.defaultModel && (this.#lead.textContent = lead(meaningOf(code))), () => {});
  }
}
