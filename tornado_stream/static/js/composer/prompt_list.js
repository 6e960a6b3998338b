// @ts-check
/**
 * The prompts, shown above the composer while its text is `/` and a part of a prompt's name. The arrow keys move in the list,
 * Enter and Tab insert a prompt, Escape closes the list. Then Tab goes through the prompt's fields.
 */
import { element, growToText } from "../page/dom.js";
import { readPresets } from "../page/presets_api.js";
import { isComposing } from "../page/shortcuts.js";
import { t } from "../page/words.js";
import { presetFacts, named } from "./preset_dialog.js";
import { fieldsOf, moved, nextField } from "./prompt_fields.js";

/** @typedef {import("../page/presets_api.js").Preset} Preset */

export class PromptList {
  #box = element("div", "menu prompts");
  /** What the list shows; null: the entry that opens the list of all presets. @type {(Preset | null)[]} */
  #shown = [];
  #active = 0;
  /** @type {Preset[]} */
  #prompts = [];
  /** The text for which the user has closed the list. @type {string | null} */
  #closedFor = null;
  /** @type {import("./prompt_fields.js").Field[]} */
  #fields = [];
  #before = "";

  /** @param {import("./new_chat.js").Page} page @param {() => void} manage opens the list of all presets and prompts */
  constructor({ api, composer, say }, manage) {
    this.api = api;
    this.composer = composer;
    this.say = say;
    this.manage = manage;
    const { form, text } = composer.parts;
    this.text = text;
    this.#box.popover = "manual";
    this.#box.id = "prompts";
    this.#box.setAttribute("role", "listbox");
    this.#box.setAttribute("aria-label", t("presets.prompts"));
    this.#box.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the composer
    this.#box.addEventListener("click", (event) => this.#choose([...this.#box.children].findIndex((one) => one.contains(/** @type {Node} */ (event.target)))));
    document.body.append(this.#box);
    form.addEventListener("keydown", (event) => event.target === text && this.#key(event), true);
    text.addEventListener("blur", () => this.#close());
    text.addEventListener("input", () => this.#changed());
    text.addEventListener("compositionend", () => void this.show());
    composer.addEventListener("change", () => !this.#query && this.#close());
    addEventListener("resize", () => this.#isOpen && this.#place());
  }

  get #isOpen() {
    return this.#box.matches(":popover-open");
  }

  /** What the user has written behind `/`; null: the text is no name of a prompt. */
  get #query() {
    return /^[/／]([^\n]*)$/.exec(this.text.value)?.slice(1) ?? null;
  }

  /** Show the prompts that the text names. */
  async show() {
    if (!this.#query || document.activeElement !== this.text) return;
    this.#present();
    const known = JSON.stringify(this.#prompts);
    this.#prompts = await readPresets(this.api).then((all) => all.filter(({ kind }) => kind === "prompt"), () => this.#prompts);
    if (JSON.stringify(this.#prompts) !== known) this.#present();
  }

  /** Put a prompt into the composer, and select its first field. @param {Preset} prompt */
  insert({ text }) {
    this.#close();
    this.#write([text, this.#query ? "" : this.text.value].filter((part) => part.trim()).join("\n"));
    this.text.focus();
    this.#fields = fieldsOf(text);
    this.#before = this.text.value;
    this.text.setSelectionRange(this.#before.length, this.#before.length);
    if (this.#fields.length) this.#select(this.#fields[0]);
    if (this.#fields.length) this.say(t("presets.fields", { n: this.#fields.length }));
  }

  #changed() {
    this.#fields = this.#fields.length ? moved(this.#fields, this.#before, this.text.value, this.text.selectionStart) : [];
    this.#before = this.text.value;
    if (this.#before !== this.#closedFor) this.#closedFor = null;
    if (this.#isOpen) this.#present();
  }

  #present() {
    const [query] = this.#query ?? [];
    const found = query === undefined || this.#closedFor === this.text.value ? [] : named(this.#prompts, query);
    this.#shown = [...found];
    if (query === "" && this.#closedFor === null) this.#shown.push(null);
    if (!this.#shown.length) return this.#close();
    this.#box.replaceChildren(...this.#shown.map((prompt, index) => option(prompt, index)));
    if (!this.#isOpen) this.#box.showPopover();
    this.#place();
    for (const [name, value] of Object.entries({ "aria-controls": "prompts", "aria-autocomplete": "list" })) this.text.setAttribute(name, value);
    this.#activate(0);
    this.say(t("presets.found", { n: found.length }));
  }

  #close() {
    if (!this.#isOpen) return;
    this.#box.hidePopover();
    for (const name of ["aria-controls", "aria-autocomplete", "aria-activedescendant"]) this.text.removeAttribute(name);
  }

  /** Place the list above the composer, as wide as it. */
  #place() {
    const { left, right, top, width } = this.composer.parts.form.getBoundingClientRect();
    const start = getComputedStyle(this.text).direction === "rtl" ? innerWidth - right : left;
    for (const [name, value] of Object.entries({ start, wide: width, below: innerHeight - top + 4 })) this.#box.style.setProperty(`--${name}`, `${value}px`);
  }

  /** @param {number} index */
  #activate(index) {
    const last = this.#shown.length - 1;
    this.#active = index < 0 ? last : index > last ? 0 : index;
    [...this.#box.children].forEach((one, at) => one.setAttribute("aria-selected", String(at === this.#active)));
    const active = this.#box.children[this.#active];
    active.scrollIntoView({ block: "nearest" });
    this.text.setAttribute("aria-activedescendant", active.id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isComposing(event) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!(this.#isOpen ? this.#listKey(event) : this.#fieldKey(event))) return;
    event.preventDefault();
    event.stopPropagation(); // the composer would send the question
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key is used up */
  #listKey({ key, shiftKey }) {
    if (key === "ArrowDown" || key === "ArrowUp") this.#activate(this.#active + (key === "ArrowDown" ? 1 : -1));
    else if ((key === "Enter" || key === "Tab") && !shiftKey) this.#choose(this.#active);
    else if (key === "Escape") {
      this.#closedFor = this.text.value;
      this.#close();
    } else return false;
    return true;
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key is used up */
  #fieldKey({ key, shiftKey }) {
    if (!this.#fields.length) return false;
    if (key === "Escape") {
      this.#fields = [];
      return true;
    }
    const next = key === "Tab" && nextField(this.#fields, this.text.selectionStart, this.text.selectionEnd, shiftKey);
    if (next) this.#select(next);
    return !!next;
  }

  /** @param {import("./prompt_fields.js").Field} field */
  #select({ start, end }) {
    this.text.setSelectionRange(start, end);
    growToText(this.text);
  }

  /** @param {number} index */
  #choose(index) {
    const prompt = this.#shown[index];
    if (prompt) return this.insert(prompt);
    if (prompt === undefined) return;
    this.#close();
    this.#write("");
    this.manage();
  }

  /** Replace what is written in the text box. What was pasted beside it stays. @param {string} text */
  #write(text) {
    this.composer.typed(text);
  }
}

/** @param {Preset | null} prompt @param {number} index */
function option(prompt, index) {
  const made = element("div", "prompt");
  made.id = `prompt-${index}`;
  made.setAttribute("role", "option");
  made.append(element("span", "preset-name", prompt ? prompt.name : t("presets.manage")));
  if (prompt) made.append(element("span", "preset-facts", presetFacts(prompt)));
  for (const text of /** @type {HTMLCollectionOf<HTMLElement>} */ (made.children)) text.dir = "auto";
  return made;
}
