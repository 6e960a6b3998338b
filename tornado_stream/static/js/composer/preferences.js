// @ts-check
/**
 * The model, the system prompt and the parameters that the user has chosen for all conversations. They are stored in
 * this browser; the server keeps a copy of the last two if it has a login. What the open conversation has of its own
 * holds instead. The page sends only what was chosen. Fires `change`.
 *
 * @typedef {{temperature?: number, top_p?: number, max_tokens?: number, reasoning_effort?: string}} Options
 * @typedef {{id: string, other?: boolean}} Wanted `other`: the user typed the name, and the server does not list it
 */
import { readJson, writeJson } from "../page/storage.js";

const MODEL = "tornado-stream:model";
const OPTIONS = "tornado-stream:options";
const SYSTEM = "tornado-stream:system";

export class Preferences extends EventTarget {
  /** The choice of the user; null: the server's default. @type {Wanted | null} */
  #wanted = null;
  /** The parameters for all conversations. @type {Options} */
  options = {};
  /** Those that the open conversation has of its own. @type {Options} */
  own = {};
  /** The system prompt of new conversations. */
  system = "";
  /** The model that the open conversation has of its own; "": none. */
  ownModel = "";
  /** The preset that a new conversation begins with. @type {import("../page/presets_api.js").Preset | null} */
  begins = null;
  /** The choice of tools (`ToolChoice`); null: the server has none. @type {any} */
  toolChoice = null;
  /** Called when the open conversation has got another model of its own. @type {(model: string) => void} */
  keepModel = () => {};

  /** @param {import("../page/storage.js").Storage} storage @param {import("./models.js").Models} models */
  constructor(storage, models) {
    super();
    this.storage = storage;
    this.models = models;
    models.addEventListener("change", () => this.#changed());
    this.#read();
  }

  /** Follow the choices in other tabs. @param {Window} page */
  follow(page) {
    page.addEventListener("storage", ({ key }) => (key === null || [MODEL, OPTIONS, SYSTEM].some((name) => this.storage.isKey(key, name))) && this.#read());
    return this;
  }

  #read() {
    const wanted = readJson(this.storage, MODEL);
    const options = readJson(this.storage, OPTIONS);
    this.#wanted = typeof wanted?.id === "string" && wanted.id ? wanted : null;
    this.options = options && typeof options === "object" ? options : {};
    this.system = this.storage.get(SYSTEM) ?? "";
    this.#changed();
  }

  /** The id of the chosen model if the server does not list it any more, otherwise null. */
  get missing() {
    return this.#wanted && !this.ownModel && !this.#available ? this.#wanted.id : null;
  }

  /** The model that answers; null: it is not known yet, or there is none. @returns {import("../page/api.js").Model | null} */
  get model() {
    return this.ownModel ? this.#find(this.ownModel, true) : (this.#available ?? this.models.defaultModel);
  }

  /** The members of a request that the user has chosen. @returns {{model?: string, options?: Options, tools?: string[]}} */
  get chosen() {
    const id = this.ownModel || (this.models.state === "known" ? this.#available?.id : this.#wanted?.id);
    const options = { ...this.options, ...this.own };
    return { ...(id && { model: id }), ...(Object.keys(options).length && { options }), ...this.toolChoice?.members };
  }

  /** The members of a request that begins a conversation. @returns {{system?: string, preset?: string}} */
  get beginning() {
    const { system, begins } = this;
    return { ...(begins && { preset: begins.id }), ...(system && !begins?.system && { system }) };
  }

  /** What the open conversation has of its own, or begins with. @param {string | null} [model] @param {Preferences["begins"]} [begins] */
  setOwn(model, begins = null) {
    this.ownModel = model ?? "";
    this.begins = begins;
    this.#changed();
  }

  /** The server has the conversation now, with a copy of its preset. A model that came from elsewhere it does not keep yet. */
  settle() {
    if (this.ownModel && !this.begins) this.keepModel(this.ownModel);
    this.begins = null;
  }

  /** Choose a model for all answers from now on; only for this conversation, if it has one of its own. If it is the server's default, the page follows the server when its default changes. @param {string} id */
  choose(id) {
    if (this.ownModel) {
      this.setOwn(id, this.begins);
      return this.keepModel(id);
    }
    const listed = this.models.all.some((model) => model.id === id);
    this.#wanted = id && id !== this.models.defaultModel?.id ? { id, ...(!listed && { other: true }) } : null;
    this.#store(MODEL, this.#wanted);
  }

  /** Set the system prompt and the parameters for all conversations. @param {{system: string, options: Options}} defaults */
  setDefaults({ system, options }) {
    this.storage.set(SYSTEM, (this.system = system));
    this.options = options;
    this.#store(OPTIONS, Object.keys(options).length ? options : null);
  }

  /** The chosen model; null: none is chosen, or the server no longer lists it. @returns {import("../page/api.js").Model | null} */
  get #available() {
    const { id, other } = this.#wanted ?? {};
    if (!id) return null;
    return this.#find(id, other);
  }

  /** @param {string} id @param {boolean} [other] it may be one that the server does not list @returns {import("../page/api.js").Model | null} */
  #find(id, other) {
    const unlisted = other || this.models.state !== "known";
    return this.models.all.find((model) => model.id === id) ?? (unlisted ? { id, provider: "", state: "other", detail: "" } : null);
  }

  /** @param {string} key @param {object | null} value */
  #store(key, value) {
    writeJson(this.storage, key, value);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
