// @ts-check
/** The dialog that shares a branch, and lists the links that work, to take them back. */
import { copyText } from "../page/clipboard.js";
import { button, element } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { addShare } from "../page/shares_api.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { titleOf } from "./row_view.js";
import { ShareList } from "./share_list.js";

/** For how many days a link works; 0: until it is revoked. */
const DAYS = [1, 7, 30, 0];

export class ShareDialog {
  #dialog = element("dialog", "dialog panel share");
  #form = element("form");
  #live = element("input");
  #files = element("input");
  #days = element("select", "field");
  #result = element("div", "share-result");
  /** @type {ShareList} */
  #links;
  /** The last message of the branch; null: the conversation has none. @type {string | null} */
  #leafId = null;

  /** @param {import("../page/api.js").Api} api @param {{id: string, title: string}} item the conversation @param {() => Promise<string | null>} leaf finds the last message that is shown */
  constructor(api, item, leaf) {
    this.api = api;
    this.item = item;
    this.leaf = leaf;
    this.#links = new ShareList(api, this.#live);
    const title = element("h2", "", t("share.title"));
    title.id = "share-title";
    this.#dialog.setAttribute("aria-labelledby", title.id);
    this.#build();
    const actions = element("div", "dialog-actions");
    actions.append(button(t("presets.close"), () => this.#dialog.close()));
    this.#dialog.append(title, this.#form, this.#result, this.#links.note, element("h3", "", t("share.list")), ...this.#links.elements, actions);
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
  }

  #build() {
    const create = element("button", "button primary", t("share.create"));
    const choices = element("div", "share-choices");
    choices.append(ticked(this.#live, t("share.live")), ticked(this.#files, t("share.files")));
    for (const days of DAYS) this.#days.append(new Option(days ? t("share.days", { n: days }) : t("share.always"), String(days)));
    this.#days.value = "7";
    const lasts = element("label", "share-lasts");
    lasts.append(element("span", "", t("share.lasts")), this.#days);
    const name = element("p", "share-name", titleOf(this.item));
    name.dir = "auto";
    this.#form.append(name, element("p", "panel-hint", t("share.what")), choices, lasts, create);
    this.#form.addEventListener("submit", (event) => (event.preventDefault(), void this.#create(create)));
  }

  /** Show the dialog. */
  async open() {
    await loadStyleSheet("panel").catch(() => {}); // it works without its style, too
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#live.focus();
    try {
      this.#leafId = await this.leaf();
      if (!this.#leafId) this.#links.say(t("share.empty"));
    } catch (error) {
      this.#links.say(failureText(error));
    }
    await this.#links.show();
  }

  /** @param {HTMLButtonElement} create */
  async #create(create) {
    if (!this.#leafId) return this.#links.say(t("share.empty"));
    create.disabled = true; // so that a double click makes one link
    try {
      const { url } = await addShare(this.api, this.item.id, { leaf_id: this.#leafId, live: this.#live.checked, files: this.#files.checked, days: Number(this.#days.value) || null });
      this.#showLink(url);
      await this.#links.show();
    } catch (error) {
      this.#links.say(failureText(error));
    } finally {
      create.disabled = false;
    }
  }

  /** @param {string} url */
  #showLink(url) {
    const box = element("input", "field");
    const label = element("label", "share-link");
    const copy = button(t("action.copy"), async () => {
      const copied = await copyText(url);
      if (!copied) box.select();
      this.#links.say(copied ? t("copied") : t("notCopied"));
    });
    Object.assign(box, { value: url, readOnly: true, dir: "ltr" });
    label.append(element("span", "", t("share.link")), box);
    this.#result.replaceChildren(label, copy, element("p", "panel-hint", t("share.once")));
    copy.focus();
  }
}

/** A box to tick, with its label. @param {HTMLInputElement} box @param {string} text */
function ticked(box, text) {
  const label = element("label", "share-tick");
  box.type = "checkbox";
  label.append(box, element("span", "", text));
  return label;
}
