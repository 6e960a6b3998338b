// @ts-check
/** All conversations at once: their export, and their deletion, which a typed word confirms. */
import { base } from "../page/base.js";
import { button, element } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { deleteConversations } from "../page/settings_api.js";
import { t } from "../page/words.js";
import { ownersScope, row, statusLine } from "./rows.js";

const DRAFT = "tornado-stream:draft:";

export function exportRow() {
  const link = element("a", "button", t("settings.download"));
  link.href = `${base}/api/export`;
  link.download = "";
  return row(t("settings.export"), ownersScope(), t("settings.exportHint"), link);
}

/** @param {import("../page/api.js").Api} api @param {import("../page/storage.js").Storage} storage */
export function deleteRow(api, storage) {
  const ask = button(t("settings.deleteAll"), () => show(true), "danger");
  const form = element("form", "setting-line");
  const label = element("label", "", t("settings.deleteConfirm", { word: t("settings.deleteWord") }));
  const input = element("input", "field");
  const confirm = element("button", "button danger", t("settings.deleteNow"));
  const status = statusLine();
  label.htmlFor = input.id = "delete-word";
  input.autocomplete = "off";
  input.spellcheck = false;
  const show = (/** @type {boolean} */ open) => {
    form.hidden = !open;
    ask.hidden = open;
    input.value = "";
    confirm.disabled = true;
    (open ? input : ask).focus();
  };
  const isRight = () => input.value.trim().toLocaleLowerCase() === t("settings.deleteWord").toLocaleLowerCase();
  form.append(label, input, confirm, button(t("panel.cancel"), () => show(false)));
  form.hidden = true;
  input.addEventListener("input", () => (confirm.disabled = !isRight()));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!isRight() || confirm.disabled) return;
    confirm.disabled = true;
    status.textContent = t("settings.deleting");
    try {
      await deleteConversations(api);
    } catch (error) {
      status.textContent = failureText(error);
      return show(true);
    }
    for (const key of storage.keys(DRAFT)) if (key !== DRAFT) storage.remove(key);
    location.assign(`${base}/`);
  });
  return row(t("settings.deleteAll"), ownersScope(), t("settings.deleteHint"), ask, form, status);
}
