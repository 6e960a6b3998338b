// @ts-check
/**
 * The one dialog for what holds beyond a conversation. Each row says whether it holds for this browser, for this person,
 * or for everybody. The rule: a choice holds at once, without a button; what is written has one.
 */
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { deleteRow, exportRow } from "./data_rows.js";
import { DefaultsForm } from "./defaults_form.js";
import { displayRows, enterRow } from "./display_rows.js";
import { passwordRow, SessionsRow } from "./login_rows.js";
import { notificationRow } from "./notification_row.js";
import { ImportRow } from "./import_row.js";
import { hasLogin, section } from "./rows.js";

export class SettingsDialog {
  #dialog = element("dialog", "dialog panel settings");
  #body = element("div", "settings-body");
  /** @type {DefaultsForm} */
  #defaults;
  /** @type {ImportRow} */
  #imports;
  /** @type {SessionsRow | null} */
  #sessions = null;

  /**
   * @param {import("../page/api.js").Api} api @param {import("../composer/preferences.js").Preferences} preferences
   * @param {import("../page/storage.js").Storage} storage @param {() => void} imported called when conversations were imported
   */
  constructor(api, preferences, storage, imported) {
    this.api = api;
    this.storage = storage;
    this.#defaults = new DefaultsForm(api, preferences);
    this.#imports = new ImportRow(api, imported);
    this.#imports.acceptDrops(this.#dialog);
    if (hasLogin()) this.#sessions = new SessionsRow(api);
    const title = element("h2", "", t("settings.title"));
    title.id = "settings-title";
    this.#dialog.setAttribute("aria-labelledby", title.id);
    const form = element("form");
    form.method = "dialog";
    const close = element("button", "button small", t("model.close"));
    close.autofocus = true;
    form.append(close);
    const head = element("div", "dialog-head");
    head.append(title, form);
    this.#body.tabIndex = -1;
    this.#dialog.append(head, this.#body);
    document.body.append(this.#dialog);
  }

  async open() {
    await loadStyleSheet("panel");
    await loadStyleSheet("settings");
    this.#body.replaceChildren(
      section(t("settings.display"), displayRows()),
      section(t("settings.writing"), [enterRow(), notificationRow()]),
      section(t("settings.answers"), [this.#defaults.element]),
      section(t("settings.data"), [this.#imports.element, exportRow(), ...(await this.#shares()), deleteRow(this.api, this.storage)]),
      ...(this.#sessions ? [section(t("settings.login"), [this.#sessions.element, passwordRow(this.api)])] : []),
    );
    void this.#defaults.show();
    void this.#imports.show();
    void this.#sessions?.show();
    this.#dialog.showModal();
  }

  /** The row of shared links, where there can be any. */
  async #shares() {
    if (!("sharing" in document.body.dataset)) return [];
    const { sharesRow } = await import("./share_row.js");
    return [sharesRow(this.api)];
  }
}
