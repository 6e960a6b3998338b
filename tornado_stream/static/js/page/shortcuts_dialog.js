// @ts-check
/** The dialog that lists the shortcuts, with the names of the keys on this kind of computer. */
import { element } from "./dom.js";
import { keysOf } from "./key_names.js";
import { keysNow, SHORTCUTS } from "./shortcuts.js";
import { loadStyleSheet } from "./style_sheets.js";
import { t } from "./words.js";

/** What each shortcut does, as keys of the language files. @type {Record<import("./shortcuts.js").Shortcut["name"], string>} */
export const LABELS = {
  send: "shortcuts.send",
  newline: "shortcuts.newline",
  edit: "shortcuts.edit",
  stop: "shortcuts.stop",
  search: "shortcuts.search",
  fresh: "shortcuts.fresh",
  side: "shortcuts.side",
  model: "shortcuts.model",
  panel: "shortcuts.panel",
  settings: "settings.title",
  copy: "shortcuts.copy",
  shortcuts: "shortcuts.list",
};

export class ShortcutsDialog {
  #dialog = element("dialog", "dialog small-dialog shortcuts");
  #rows = element("dl", "shortcut-list");

  /** @param {import("./shortcuts.js").Shortcuts} shortcuts */
  constructor(shortcuts) {
    this.shortcuts = shortcuts;
    const title = element("h2", "", t("shortcuts.title"));
    title.id = "shortcuts-title";
    this.#dialog.setAttribute("aria-labelledby", title.id);
    const form = element("form");
    form.method = "dialog";
    const actions = element("div", "dialog-actions");
    const close = element("button", "button", t("model.close"));
    close.autofocus = true;
    actions.append(close);
    form.append(title, this.#rows, this.#singleKeysBox(), actions);
    this.#dialog.append(form);
    document.body.append(this.#dialog);
  }

  async open() {
    await loadStyleSheet("panel");
    this.#rows.replaceChildren(...SHORTCUTS.map(row));
    this.#dialog.showModal();
  }

  #singleKeysBox() {
    const label = element("label", "shortcut-single");
    const box = element("input");
    box.type = "checkbox";
    box.checked = this.shortcuts.singleKeys;
    box.addEventListener("change", () => (this.shortcuts.singleKeys = box.checked));
    label.append(box, element("span", "", t("shortcuts.single")));
    return label;
  }
}

/** @param {import("./shortcuts.js").Shortcut} shortcut */
function row(shortcut) {
  const pair = element("div", "shortcut");
  const shown = element("dd");
  keysNow(shortcut).forEach((combination, index) => {
    if (index) shown.append(` ${t("shortcuts.or")} `);
    shown.append(...keysOf(combination).map((key) => element("kbd", "", key)));
  });
  pair.append(element("dt", "", t(LABELS[shortcut.name])), shown);
  return pair;
}
