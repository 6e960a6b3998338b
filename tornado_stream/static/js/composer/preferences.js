// @ts-check
/**
 * Which model the reader wants to be answered by, and with which parameters: kept in this browser,
 * for every conversation. What was not set is not sent. Fires `change`.
 *
 * @typedef {{temperature?: number, top_p?: number, max_tokens?: number, reasoning_effort?: string}} Options
 * @typedef {{id: string, other?: boolean}} Wanted `other`: typed in, the server does not list it
 */
import { readJson, writeJson } from "../page/storage.js";

const MODEL = "tornado-stream:model";
const OPTIONS = "tornado-stream:options";

export class Preferences extends EventTarget {
  /** What was chosen last; null: the server's default. @type {Wanted | null} */
  #wanted = null;
  /** @type {Options} */
  #options = {};

  /** @param {import("../page/storage.js").Storage} storage @param {import("./models.js").Models} models */
  constructor(storage, models) {
    super();
    this.storage = storage;
    this.models = models;
    models.addEventListener("change", () => this.#changed());
    this.#read();
  }

  /** Take what another tab chooses. @param {Window} page */
  follow(page) {
    page.addEventListener("storage", ({ key }) => (key === MODEL || key === OPTIONS || key === null) && this.#read());
    return this;
  }

  #read() {
    const wanted = readJson(this.storage, MODEL);
    const options = readJson(this.storage, OPTIONS);
    this.#wanted = typeof wanted?.id === "string" && wanted.id ? wanted : null;
    this.#options = options && typeof options === "object" ? options : {};
    this.#changed();
  }

  get options() {
    return this.#options;
  }

  /** A model that was chosen and that the server does not have any more. */
  get missing() {
    return this.#wanted && !this.#answering ? this.#wanted.id : null;
  }

  /** The model that answers, as far as it is known. @returns {import("../page/api.js").Model | null} */
  get model() {
    return this.#answering ?? this.models.current;
  }

  /** What goes into a request: only what was set. @returns {{model?: string, options?: Options}} */
  get chosen() {
    const id = this.models.state === "known" ? this.#answering?.id : this.#wanted?.id;
    return { ...(id && { model: id }), ...(Object.keys(this.#options).length && { options: this.#options }) };
  }

  /** Be answered by this model from now on; the default is no choice of its own. @param {string} id */
  choose(id) {
    const listed = this.models.all.some((model) => model.id === id);
    this.#wanted = id && id !== this.models.current?.id ? { id, ...(!listed && { other: true }) } : null;
    this.#keep(MODEL, this.#wanted);
  }

  /** @param {Options} options */
  set(options) {
    this.#options = options;
    this.#keep(OPTIONS, Object.keys(options).length ? options : null);
  }

  /** The chosen model, where it can be asked for. @returns {import("../page/api.js").Model | null} */
  get #answering() {
    const { id, other } = this.#wanted ?? {};
    if (!id) return null;
    const unlisted = other || this.models.state !== "known";
    return this.models.all.find((model) => model.id === id) ?? (unlisted ? { id, provider: "", state: "other", detail: "" } : null);
  }

  /** @param {string} key @param {object | null} value */
  #keep(key, value) {
    writeJson(this.storage, key, value);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
