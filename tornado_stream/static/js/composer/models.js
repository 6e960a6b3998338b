// @ts-check
/**
 * The models that the server offers. The page asks for them until the default model is ready or has failed. Fires `change`.
 *
 * @typedef {import("../page/api.js").Model} Model
 */
/** Milliseconds between two requests, at first and at most. */
const FIRST_PAUSE = 1000;
const MAX_PAUSE = 5000;

export class Models extends EventTarget {
  /** The server's default; null: there is none, or the server has not answered yet. @type {Model | null} */
  defaultModel = null;
  /** @type {Model[]} */
  all = [];
  /** @type {"unknown" | "known" | "unreachable"} */
  state = "unknown";
  #watching = false;

  /** @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle */
  constructor(api, lifecycle) {
    super();
    this.api = api;
    this.lifecycle = lifecycle;
  }

  /** Whether the server has answered, and its default model cannot be used. */
  get failed() {
    return this.state === "known" && (!this.defaultModel || this.defaultModel.state === "failed");
  }

  /** Ask the server until it answers and its default model is not loading. A second call at the same time does nothing. */
  async watch() {
    if (this.#watching) return;
    this.#watching = true;
    for (let pause = FIRST_PAUSE; !(await this.#ask()); pause = Math.min(MAX_PAUSE, pause * 1.25)) await this.lifecycle.sleep(pause);
    this.#watching = false;
  }

  /** @returns {Promise<boolean>} whether there is nothing more to wait for */
  async #ask() {
    try {
      const { models, default: id } = await this.api.models();
      this.all = models;
      this.defaultModel = models.find((model) => model.id === id) ?? models[0] ?? null;
      this.state = "known";
    } catch {
      this.state = "unreachable";
    }
    this.dispatchEvent(new Event("change"));
    return this.state === "known" && this.defaultModel?.state !== "loading";
  }
}
