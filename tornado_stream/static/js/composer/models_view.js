// @ts-check
/** Shows which model answers, below the question and in the welcome. */
import { byId, whenNeeded } from "../page/dom.js";
import { t, withWords } from "../page/words.js";

const setup = whenNeeded(() => withWords(import("./setup.js")));

export class ModelsView {
  #button = byId("model");
  #name = byId("model-name");
  #state = byId("model-state");
  #setup = byId("welcome-setup");
  #runs = byId("welcome-runs");

  /** @param {import("./models.js").Models} models @param {import("./preferences.js").Preferences} preferences */
  constructor(models, preferences) {
    this.models = models;
    this.preferences = preferences;
    preferences.addEventListener("change", () => this.#show());
  }

  #show() {
    const { state } = this.models;
    if (state === "unknown") return;
    const { model } = this.preferences;
    const shown = state === "unreachable" ? "unreachable" : (model?.state ?? "failed");
    this.#button.dataset.state = shown;
    this.#name.textContent = model?.id || (state === "unreachable" ? "" : t("model.none"));
    this.#state.textContent = { loading: t("model.loading"), failed: t("model.failed"), unreachable: t("model.unreachable") }[shown] ?? "";
    const needed = this.models.failed || this.models.defaultModel?.provider === "local";
    if (needed) void setup().then((loaded) => loaded?.showSetup(this.models)); // the next change tries again
    else this.#setup.hidden = true;
    this.#runs.hidden = shown !== "ready" || needed;
    byId("welcome-model").textContent = t("model.runs", { name: model?.id ?? "" });
  }
}
