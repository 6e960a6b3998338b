// @ts-check
/**
 * Which servers of tools the open conversation may use. Loaded if the server has any. The rule: what was chosen for the
 * conversation holds, then what its preset has, then what was chosen last in this browser; a model that uses no tools gets
 * none, and a note above the composer says so before anything is sent.
 */
import { element } from "../page/dom.js";
import { readJson, writeJson } from "../page/storage.js";
import { t } from "../page/words.js";

const TOOLS = "tornado-stream:tools";

export class ToolChoice extends EventTarget {
  /** Those of the open conversation; null: nothing was chosen for it. @type {string[] | null} */
  #own = null;
  /** Tools that run unasked in the open conversation. @type {{server: string, name: string}[]} */
  always = [];
  #note = element("p", "composer-notice tools-note");

  /**
   * @param {string[]} servers that this user may use @param {HTMLElement} form the note is shown above it
   * @param {import("../conversation/conversation.js").Conversation} conversation @param {import("./preferences.js").Preferences} preferences @param {import("../page/storage.js").Storage} storage
   */
  constructor(servers, form, conversation, preferences, storage) {
    super();
    this.servers = servers;
    this.conversation = conversation;
    this.preferences = preferences;
    this.storage = storage;
    this.#note.setAttribute("role", "status");
    form.before(this.#note);
    conversation.addEventListener("switched", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.adopted) this.#own = this.chosen; // which was sent, also if it is that of a preset
      else this.#take({});
    });
    conversation.addEventListener("loaded", (event) => this.#take(/** @type {CustomEvent} */ (event).detail));
    preferences.addEventListener("change", () => this.#showNote());
    this.#showNote();
  }

  /** The names of the servers that are chosen. */
  get chosen() {
    const { begins } = this.preferences;
    const names = this.#own ?? (begins?.tools?.length ? begins.tools : readJson(this.storage, TOOLS));
    return Array.isArray(names) ? this.servers.filter((name) => names.includes(name)) : [];
  }

  /** The members of a request. @returns {{tools?: string[]}} */
  get members() {
    return this.conversation.temporary ? {} : { tools: this.#unable ? [] : this.chosen };
  }

  /** Choose servers for the open conversation, and for new ones of this browser. Throws if the server did not keep it. @param {string[]} names */
  async choose(names) {
    const { id, api } = this.conversation;
    if (id) await api.change(id, { tools: names });
    writeJson(this.storage, TOOLS, names);
    if (this.conversation.id === id) this.#own = names;
    this.#changed();
  }

  /** Let a tool ask again. Throws if the server did not keep it. @param {{server: string, name: string}} tool */
  ask(tool) {
    return this.#changeAlways({ always: this.always.filter((one) => one.server !== tool.server || one.name !== tool.name) });
  }

  /** Learn what runs unasked now: a decision or another device may have changed it. Throws if the server cannot be asked. */
  readAlways() {
    return this.#changeAlways({});
  }

  /** @param {{always?: {server: string, name: string}[]}} changes of the open conversation */
  async #changeAlways(changes) {
    const { id, api } = this.conversation;
    const changed = id && await api.change(id, changes);
    if (changed && this.conversation.id === id) this.always = changed.always;
  }

  /** The model that is known to use no tools; empty: it may use them. */
  get #unable() {
    const { model } = this.preferences;
    return model?.can_known && !model.can?.includes("tools") ? model.id : "";
  }

  /** @param {{tools?: string[] | null, always?: {server: string, name: string}[]}} conversation as the server has it */
  #take({ tools, always }) {
    this.#own = tools ?? null;
    this.always = always ?? [];
    this.#changed();
  }

  #changed() {
    this.#showNote();
    this.dispatchEvent(new Event("change"));
  }

  #showNote() {
    const unable = this.chosen.length ? this.#unable : "";
    const text = unable && !this.conversation.temporary ? t("tools.unable", { model: unable }) : "";
    if (this.#note.textContent !== text) this.#note.textContent = text;
    this.#note.hidden = !text;
  }
}
