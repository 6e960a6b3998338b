// @ts-check
/**
 * The list of models: a combobox that controls a listbox. Typing filters it, the arrow keys move in it, Enter chooses a
 * model, and Shift+Enter makes it a favourite. The user can also choose a name that is not listed, because the server
 * passes it on unchanged.
 *
 * @typedef {{id: string, label: string, model?: import("../page/api.js").Model}} Choice
 * @typedef {object} Request
 * @property {HTMLElement} button beside which the list opens
 * @property {string} [label] what is chosen; absent: the model of the next answers
 * @property {() => string | undefined} selected the id of the chosen model
 * @property {() => string[]} [ticked] the ids of several chosen models; the list then stays open
 * @property {() => string} [note] what to do
 * @property {(id: string) => void} choose
 */
import { element, hasFinePointer } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { isComposing } from "../page/shortcuts.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, t } from "../page/words.js";
import { factsOf, reasonOf } from "./model_facts.js";
import { groupModels } from "./model_groups.js";
import { ModelMemory } from "./model_memory.js";

const MAX_NAME = 200;
const STAR = "M10 2.8l2.2 4.6 5 .7-3.6 3.5.9 5-4.5-2.4-4.5 2.4.9-5L2.8 8.1l5-.7z";

export class ModelPicker {
  #box = element("div", "menu picker");
  #search = element("input", "field");
  #list = element("div", "picker-list");
  #note = element("p", "picker-note");
  #about = element("button", "picker-about", t("model.about"));
  #compare = element("button", "picker-about");
  /** @type {{choice: Choice, option: HTMLElement}[]} */
  #shown = [];
  /** The index of the active option in `#shown`. */
  #active = 0;
  /** @type {Request | null} */
  #request = null;

  /**
   * @param {import("./models.js").Models} models @param {import("./preferences.js").Preferences} preferences
   * @param {{about: () => void, compare: () => void, say: (text: string) => void}} callbacks
   */
  constructor(models, preferences, callbacks) {
    this.models = models;
    this.preferences = preferences;
    this.callbacks = callbacks;
    this.memory = new ModelMemory(preferences.storage);
    this.#build();
    models.addEventListener("change", () => this.#isOpen && this.#show(this.#activeId));
    for (const target of [window, window.visualViewport]) target?.addEventListener("resize", () => this.#isOpen && this.#place());
  }

  /** @param {Request} request */
  async open(request) {
    await Promise.all([loadStyleSheet("menus"), loadStyleSheet("panel")]);
    if (this.#isOpen) return;
    this.#request = request;
    this.#about.hidden = Boolean(request.label);
    const isAlone = this.models.all.length < 2 && this.models.defaultModel?.provider === "local"; // a name that is typed leads nowhere else
    this.#compare.hidden = Boolean(request.label && !request.ticked) || Number(request.button.dataset.beside ?? 1) < 2 || isAlone;
    this.#compare.textContent = t(request.ticked ? "compare.done" : "compare.compare");
    this.#list.setAttribute("aria-multiselectable", String(Boolean(request.ticked)));
    this.#search.value = "";
    this.#box.setAttribute("aria-label", request.label ?? t("model.pick"));
    if (document.activeElement === document.body) request.button.focus({ preventScroll: true }); // the browser returns the focus to where it was when the list closes
    /** @type {any} */ (this.#box).showPopover({ source: request.button }); // Tab goes on behind the button
    this.#place();
    this.#show();
    if (hasFinePointer()) this.#search.focus();
    else this.#list.focus(); // so that no on-screen keyboard covers the list
    void this.models.watch();
  }

  get #isOpen() {
    return this.#box.matches(":popover-open");
  }

  get #activeId() {
    return this.#shown[this.#active]?.choice.id;
  }

  #build() {
    this.#box.popover = "auto";
    this.#box.id = "picker";
    this.#box.setAttribute("role", "dialog");
    Object.assign(this.#search, { type: "text", placeholder: t("model.filter"), autocomplete: "off", spellcheck: false, maxLength: MAX_NAME, enterKeyHint: "done" });
    this.#list.id = "picker-list";
    this.#list.tabIndex = -1;
    const combo = { role: "combobox", "aria-label": t("model.filter"), "aria-expanded": "true", "aria-controls": "picker-list", "aria-autocomplete": "list", "aria-describedby": "picker-hint" };
    for (const [name, value] of Object.entries(combo)) this.#search.setAttribute(name, value);
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", t("model.title"));
    const foot = element("div", "picker-foot");
    const hint = element("p", "picker-hint", t("model.starHint"));
    hint.id = "picker-hint";
    this.#about.type = "button";
    this.#about.addEventListener("click", () => (this.#box.hidePopover(), this.callbacks.about()));
    this.#compare.type = "button";
    this.#compare.addEventListener("click", () => {
      const compares = !this.#request?.ticked;
      this.#box.hidePopover();
      if (compares) this.callbacks.compare();
    });
    foot.append(this.#about, this.#compare, hint);
    this.#box.append(this.#search, this.#note, this.#list, foot);
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#box.addEventListener("toggle", () => this.#request?.button.setAttribute("aria-expanded", String(this.#isOpen)));
    this.#box.addEventListener("focusout", ({ relatedTarget: to }) => to && !this.#box.contains(/** @type {Node} */ (to)) && this.#box.hidePopover());
    this.#search.addEventListener("input", () => this.#show());
    this.#list.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    document.body.append(this.#box);
  }

  /** @param {string} [active] the id of the model that stays active */
  #show(active) {
    const typed = this.#search.value.trim();
    const { favourites, recent } = this.memory;
    const groups = groupModels(this.models.all, typed, { favourites, recent });
    const { missing, model } = this.preferences;
    this.#note.textContent = this.#request?.note ? this.#request.note() : missing ? t("model.missing", { name: missing }) : "";
    this.#shown = [];
    const parts = groups.map((group) => this.#group(group, groups.length > 1, favourites));
    const own = this.#request?.ticked?.() ?? (model?.state === "other" ? [model.id] : []); // a chosen name that is not listed stays in the list, too
    const others = (typed ? [typed] : own).filter((name) => !this.models.all.some(({ id }) => id === name));
    parts.push(...others.map((id) => this.#option({ id, label: typed ? t("model.other", { name: id }) : id }, [])));
    this.#list.replaceChildren(...parts);
    const wanted = active ?? (typed ? "" : this.#request?.selected());
    this.#activate(this.#shown.findIndex(({ choice }) => choice.id === wanted));
  }

  /** @param {import("./model_groups.js").Group} group @param {boolean} headed @param {string[]} favourites */
  #group({ kind, name, failed, models }, headed, favourites) {
    const part = element("div", "picker-group");
    if (headed) {
      const heading = kind === "favourites" ? t("model.favourites") : kind === "recent" ? t("model.recent") : name;
      part.setAttribute("role", "group");
      part.setAttribute("aria-label", heading);
      part.append(element("div", "picker-heading", heading));
      if (failed) part.append(element("div", "picker-why", reasonOf(failed)));
    }
    part.append(...models.map((model) => this.#option({ id: model.id, label: model.id, model }, favourites)));
    return part;
  }

  /** @param {Choice} choice @param {string[]} favourites */
  #option({ id, label, model }, favourites) {
    const option = element("div", "picker-option");
    option.id = `picker-${this.#shown.length}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String((this.#request?.ticked?.() ?? [this.#request?.selected()]).includes(id)));
    option.append(nameOf(label, model));
    if (model) {
      const facts = factsOf(model, { isDefault: model === this.models.defaultModel, withMaker: true });
      if (facts.length) option.append(element("span", "picker-facts", inRow(facts)));
      option.append(starOf(favourites.includes(id)));
    }
    this.#shown.push({ choice: { id, label, model }, option });
    return option;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isComposing(event) || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.#shown.length - 1;
    const to = { ArrowDown: this.#active + 1, ArrowUp: this.#active - 1, PageDown: Math.min(last, this.#active + 10), PageUp: Math.max(0, this.#active - 10) }[event.key];
    if (to !== undefined) this.#activate(to > last ? 0 : to < 0 ? last : to);
    else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) event.shiftKey ? this.#star(this.#active) : this.#choose(this.#active);
    else return;
    event.preventDefault();
  }

  /** @param {Element} target */
  #clicked(target) {
    const index = this.#shown.findIndex(({ option }) => option.contains(target));
    if (index < 0) return;
    if (target.closest(".picker-star")) this.#star(index);
    else this.#choose(index);
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
    const { choice } = this.#shown[index] ?? {};
    if (!choice) return;
    if (choice.model) this.memory.use(choice.id);
    if (!this.#request?.ticked) this.#box.hidePopover();
    this.#request?.choose(choice.id);
    if (!this.#request?.ticked) return;
    this.#search.value = "";
    this.#show(choice.id);
  }

  /** Make a model a favourite, or undo it. Until the list is shown anew, the model stays at its place. @param {number} index */
  #star(index) {
    const { choice, option } = this.#shown[index] ?? {};
    if (!choice?.model) return;
    const isFavourite = this.memory.toggle(choice.id);
    option.querySelector(".picker-star")?.replaceWith(starOf(isFavourite));
    this.#activate(index);
    this.callbacks.say(t(isFavourite ? "model.starred" : "model.unstarred", { name: choice.id }));
  }

  /** Place the list above its button, or below it where there is more room. The style sheet keeps it inside the window. */
  #place() {
    const { button } = /** @type {Request} */ (this.#request);
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const rightToLeft = getComputedStyle(button).direction === "rtl";
    const isBelow = innerHeight - bottom > top;
    this.#box.classList.toggle("below", isBelow);
    this.#box.style.setProperty("--start", `${rightToLeft ? innerWidth - right : left}px`);
    this.#box.style.setProperty("--away", `${4 + (isBelow ? bottom : innerHeight - top)}px`);
  }
}

/** The name, of which the maker (`maker/`) is less prominent. @param {string} label @param {import("../page/api.js").Model} [model] */
function nameOf(label, model) {
  const name = element("bdi");
  const maker = model ? label.slice(0, label.lastIndexOf("/") + 1) : "";
  if (maker) name.append(element("span", "picker-by", maker));
  name.append(label.slice(maker.length));
  const line = element("span", "picker-name"); // which begins where the others do
  line.append(name);
  return line;
}

/** A star for the pointer; the keyboard has Shift+Enter. @param {boolean} isOn */
function starOf(isOn) {
  const star = element("span", "picker-star");
  star.title = t("model.star");
  star.dataset.on = String(isOn);
  star.append(draw(STAR));
  if (isOn) star.append(element("span", "visually-hidden", t("model.isFavourite")));
  return star;
}
