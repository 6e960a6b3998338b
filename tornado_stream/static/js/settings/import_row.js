// @ts-check
/** The import of conversations: a file is chosen, or dropped onto the settings. Several files are imported one after the other. */
import { button, element } from "../page/dom.js";
import { readImports } from "../page/settings_api.js";
import { t } from "../page/words.js";
import { ImportItem } from "./import_item.js";
import { ownersScope, row } from "./rows.js";

export class ImportRow {
  #input = element("input");
  #list = element("ul", "imports");
  /** @type {File[]} */
  #waiting = [];
  #isBusy = false;
  /** The imports that are shown. @type {Set<string>} */
  #shown = new Set();

  /** @param {import("../page/api.js").Api} api @param {() => void} changed called when conversations have been added */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
    Object.assign(this.#input, { type: "file", multiple: true, hidden: true, accept: ".zip,.json,.jsonl,application/zip,application/json" });
    this.#input.addEventListener("change", () => {
      this.take([...(this.#input.files ?? [])]);
      this.#input.value = "";
    });
    const choose = button(t("settings.importChoose"), () => this.#input.click());
    this.element = row(t("settings.import"), ownersScope(), t("settings.importHint"), choose, this.#input, this.#list);
  }

  /** Show the imports that are running, for example those that another page has begun. */
  async show() {
    const imports = await readImports(this.api).catch(() => []); // without them the row only shows no progress
    for (const one of imports) {
      if (one.state !== "reading" || this.#shown.has(one.id) || this.#isBusy) continue;
      this.#shown.add(one.id);
      void this.#item(one.name).follow(one);
    }
  }

  /** @param {File[]} files */
  take(files) {
    this.#waiting.push(...files);
    void this.#importAll();
  }

  /** Take the files that are dropped onto an element. @param {HTMLElement} target */
  acceptDrops(target) {
    const end = () => delete target.dataset.drop;
    target.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      target.dataset.drop = t("settings.importDrop");
    });
    target.addEventListener("dragleave", (event) => {
      if (!target.contains(/** @type {Node | null} */ (event.relatedTarget))) end();
    });
    target.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      end();
      this.take([...event.dataTransfer.files]);
      this.element.scrollIntoView({ block: "nearest" });
    });
  }

  async #importAll() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let file = this.#waiting.shift(); file; file = this.#waiting.shift()) {
      await this.#item(file.name).upload(file, (id) => this.#shown.add(id));
    }
    this.#isBusy = false;
  }

  /** @param {string} name */
  #item(name) {
    const item = new ImportItem(this.api, name, this.changed);
    this.#list.append(item.element);
    return item;
  }
}
