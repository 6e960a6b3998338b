// @ts-check
/**
 * The list of models. Typing filters it, the arrow keys move in it, and Enter chooses a model. The user
 * can also choose a name that is not listed, because the server passes it on unchanged.
 *
 * @typedef {{id: string, label: string, model?: import("../page/api.js").Model}} Choice
 */
import { element, hasFinePointer } from "../page/dom.js";
import { isComposing } from "../page/shortcuts.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { groupModels } from "./model_groups.js";

const MAX_NAME = 200;

export class ModelPicker {
  #box = element("div", "menu picker");
  #search = element("input", "field");
  #list = element("div", "picker-list");
  #note = element("p", "picker-note");
  /** @type {{choice: Choice, option: HTMLElement}[]} */
  #shown = [];
  /** The index of the active option in `#shown`. */
  #active = 0;

  /**
   * @param {HTMLElement} button @param {import("./models.js").Models} models
   * @param {import("./preferences.js").Preferences} preferences @param {{chosen: () => void, about: () => void}} callbacks
   */
  constructor(button, models, preferences, callbacks) {
    this.button = button;
    this.models = models;
    this.preferences = preferences;
    this.callbacks = callbacks;
    this.#build();
    models.addEventListener("change", () => this.#isOpen && this.#show(this.#shown[this.#active]?.choice.id));
    for (const target of [window, window.visualViewport]) target?.addEventListener("resize", () => this.#isOpen && this.#place());
  }

  async open() {
    await Promise.all([loadStyleSheet("menus"), loadStyleSheet("panel")]);
    if (this.#isOpen) return;
    this.#search.value = "";
    this.#box.showPopover();
    this.#show();
    this.#place();
    if (hasFinePointer()) this.#search.focus();
    else this.#list.focus(); // so that no on-screen keyboard covers the list
    void this.models.watch();
  }

  get #isOpen() {
    return this.#box.matches(":popover-open");
  }

  #build() {
    this.#box.popover = "auto";
    this.#box.id = "picker";
    this.#box.setAttribute("role", "dialog");
    this.#box.setAttribute("aria-label", t("model.pick"));
    Object.assign(this.#search, { type: "text", placeholder: t("model.filter"), autocomplete: "off", spellcheck: false, maxLength: MAX_NAME, enterKeyHint: "done" });
    this.#list.id = "picker-list";
    this.#list.tabIndex = -1;
    const combo = { role: "combobox", "aria-label": t("model.filter"), "aria-expanded": "true", "aria-controls": "picker-list", "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(combo)) this.#search.setAttribute(name, value);
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", t("model.title"));
    const about = element("button", "picker-about", t("model.about"));
    about.type = "button";
    about.addEventListener("click", () => (this.#box.hidePopover(), this.callbacks.about()));
    this.#box.append(this.#search, this.#note, this.#list, about);
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#box.addEventListener("toggle", () => this.button.setAttribute("aria-expanded", String(this.#isOpen)));
    this.#search.addEventListener("input", () => this.#show());
    this.#list.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    this.button.after(this.#box);
  }

  /** @param {string} [active] the id of the model that stays active */
  #show(active) {
    const typed = this.#search.value.trim();
    const groups = groupModels(this.models.all, typed);
    const { missing, model } = this.preferences;
    this.#note.textContent = missing ? t("model.missing", { name: missing }) : "";
    this.#shown = [];
    const parts = groups.map((group) => this.#group(group, groups.length > 1));
    const listed = this.models.all.some(({ id }) => id === typed);
    const extra = !typed && model?.state === "other" ? model.id : listed ? "" : typed; // a chosen name that is not listed stays in the list, too
    if (extra) parts.push(this.#option({ id: extra, label: typed ? t("model.other", { name: typed }) : extra }));
    this.#list.replaceChildren(...parts);
    const wanted = active ?? (typed ? "" : model?.id);
    this.#activate(this.#shown.findIndex(({ choice }) => choice.id === wanted));
  }

  /** @param {import("./model_groups.js").Group} group @param {boolean} headed */
  #group({ name, detail, models }, headed) {
    const part = element("div", "picker-group");
    if (headed) {
      part.setAttribute("role", "group");
      part.setAttribute("aria-label", name);
      part.append(element("div", "picker-maker", name));
      if (detail) part.append(element("div", "picker-why", detail));
    }
    part.append(...models.map((model) => this.#option({ id: model.id, label: model.id, model }, !detail)));
    return part;
  }

  /** @param {Choice} choice @param {boolean} [withDetail] false: the group shows the detail already */
  #option(choice, withDetail = true) {
    const option = element("div", "picker-option");
    option.id = `picker-${this.#shown.length}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(choice.id === this.preferences.model?.id));
    option.append(element("span", "picker-name", choice.label));
    const facts = this.#facts(choice.model, withDetail);
    if (facts) option.append(element("span", "picker-facts", facts));
    this.#shown.push({ choice, option });
    return option;
  }

  /** @param {import("../page/api.js").Model | undefined} model @param {boolean} withDetail */
  #facts(model, withDetail) {
    if (!model) return "";
    const state = model.state === "loading" ? t("model.loading") : model.state === "failed" ? t("model.failed") : "";
    const detail = withDetail && (model.detail || (model.provider === "local" ? t("model.demoShort") : ""));
    const context = model.context && t("model.context", { n: Math.round(model.context / 1000) || "<1" });
    const words = { vision: t("model.canSee"), tools: t("model.canCall"), reasoning: t("model.canThink") };
    const abilities = (model.can ?? []).map((ability) => words[/** @type {keyof words} */ (ability)] ?? ability);
    return [model === this.models.defaultModel && t("model.default"), state, context, ...abilities, detail].filter(Boolean).join(" · ");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isComposing(event)) return;
    const last = this.#shown.length - 1;
    const to = { ArrowDown: this.#active + 1, ArrowUp: this.#active - 1, PageDown: Math.min(last, this.#active + 10), PageUp: Math.max(0, this.#active - 10) }[event.key];
    if (to !== undefined) this.#activate(to > last ? 0 : to < 0 ? last : to);
    else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) this.#choose(this.#active);
    else return;
    event.preventDefault();
  }

  /** @param {Element} target */
  #clicked(target) {
    const index = this.#shown.findIndex(({ option }) => option.contains(target));
    if (index >= 0) this.#choose(index);
  }

  /** @param {number} index */
  #activate(index) {
    this.#shown[this.#active]?.option.classList.remove("active");
    this.#active = Math.max(0, index);
    const option = this.#shown[this.#active]?.option;
    option?.classList.add("active");
    option?.scrollIntoView({ block: "nearest" });
    for (const one of [this.#search, this.#list]) one.setAttribute("aria-activedescendant", option?.id ?? "");
  }

  /** @param {number} index */
  #choose(index) {
    const choice = this.#shown[index]?.choice;
    if (!choice) return;
    this.preferences.choose(choice.id);
    this.#box.hidePopover();
    this.callbacks.chosen();
  }

  /** Place the list above its button. The style sheet keeps it inside the window. */
  #place() {
    const { left, right, top } = this.button.getBoundingClientRect();
    const rightToLeft = getComputedStyle(this.button).direction === "rtl";
    this.#box.style.setProperty("--start", `${rightToLeft ? innerWidth - right : left}px`);
    this.#box.style.setProperty("--below", `${innerHeight - top + 4}px`);
  }
}
