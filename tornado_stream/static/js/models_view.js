// @ts-check
/** Shows which model answers: at the top, in the welcome, in the dialog with the lines for another. */
import { byId, element } from "./dom.js";
import { t } from "./words.js";

export class ModelsView {
  #button = byId("model");
  #name = byId("model-name");
  #state = byId("model-state");
  #dialog = byId("model-dialog");
  #facts = byId("model-facts");
  #setup = byId("welcome-setup");
  #title = byId("welcome-setup-title");
  #lead = byId("welcome-setup-lead");

  /** @param {import("./models.js").Models} models */
  constructor(models) {
    this.models = models;
    this.#button.addEventListener("click", () => this.#dialog.showModal());
    this.#dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      if (event.target === this.#dialog && !within(event, this.#dialog)) this.#dialog.close(); // the backdrop
    });
    models.addEventListener("change", () => this.#show());
  }

  #show() {
    const { state, current } = this.models;
    const shown = state === "unreachable" ? "unreachable" : (current?.state ?? "failed");
    this.#button.dataset.state = shown;
    this.#name.textContent = current?.id || (state === "unreachable" ? "" : t("model.none"));
    this.#state.textContent = shown === "ready" ? "" : shown === "loading" ? t("model.loading") : shown === "failed" ? t("model.failed") : t("model.unreachable");
    this.#showSetup();
    this.#facts.replaceChildren(...this.models.all.slice(0, 50).map(fact));
  }

  /** The lines are in the welcome where they are needed: with the demo model, or with none. */
  #showSetup() {
    const { state, current } = this.models;
    const failed = state === "known" && (!current || current.state === "failed");
    this.#setup.hidden = !failed && current?.provider !== "local";
    this.#setup.dataset.tone = failed ? "bad" : "quiet";
    this.#title.textContent = failed ? t("model.failedTitle") : "";
    this.#lead.textContent = failed ? [current?.detail, t("model.failedNext")].filter(Boolean).join("\n") : t("model.demo");
  }
}

/** @param {import("./api.js").Model} model */
function fact(model) {
  const row = element("div");
  row.append(element("dt", "", model.id || t("model.none")));
  row.append(element("dd", "", t("model.provider", { name: model.provider, state: model.state })));
  const detail = model.detail || (model.provider === "local" ? t("model.demoShort") : "");
  if (detail) row.append(element("dd", "", detail));
  return row;
}

/** @param {MouseEvent} event @param {HTMLElement} box */
function within({ clientX, clientY }, box) {
  const { left, right, top, bottom } = box.getBoundingClientRect();
  return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
}
