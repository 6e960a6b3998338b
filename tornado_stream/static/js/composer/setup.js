// @ts-check
/** Says how to start the server with another model: in the welcome, if the model is the demo model or cannot be used, and in a dialog. Loaded when needed. */
import { byId } from "../page/dom.js";
import { meaningOf } from "../page/errors.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

await loadStyleSheet("setup").catch(() => {}); // it works without its style, too

/** Show it in the welcome, if it is still needed. @param {import("./models.js").Models} models */
export function showSetup(models) {
  const { failed, defaultModel: model } = models;
  if (!failed && model?.provider !== "local") return;
  const [meaning, detail] = [meaningOf(model?.code ?? ""), model?.detail ?? ""];
  const isSaid = detail.startsWith(meaning.slice(0, -1)); // in English, the server may begin with the same words
  const lead = failed ? [isSaid ? "" : meaning, detail, t("model.failedNext")].filter(Boolean).join("\n") : t("model.demo");
  byId("welcome-setup-title").textContent = failed ? t("model.failedTitle") : "";
  byId("welcome-setup-lead").textContent = lead;
  Object.assign(byId("welcome-setup").dataset, { tone: failed ? "bad" : "quiet" });
  byId("welcome-setup").hidden = false;
}

/** Opens the dialog. */
export async function open() {
  await loadStyleSheet("panel").catch(() => {});
  const dialog = byId("model-dialog");
  if (!dialog.open) dialog.showModal();
}
