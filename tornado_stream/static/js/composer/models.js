// @ts-check
/**
 * What the server answers with, asked until it is ready or has failed. Fires `change`.
 *
 * @typedef {import("../page/api.js").Model} Model
 */
const FIRST = 1000;
const SLOWEST = 5000;

export class Models extends EventTarget {
  /** The default model; null: there is none, or it is not known yet. @type {Model | null} */
  current = null;
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

  /** Ask until there is nothing to wait for. */
  async watch() {
    if (this.#watching) return;
    this.#watching = true;
    for (let pause = FIRST; await this.#isUnsettled(); pause = Math.min(SLOWEST, pause * 1.25)) await this.lifecycle.sleep(pause);
    this.#watching = false;
  }

  async #isUnsettled() {
    await this.#ask();
    return this.state !== "known" || this.current?.state === "loading";
  }

  async #ask() {
    try {
      const { models, default: id } = await this.api.models();
      this.all = models;
      this.current = models.find((model) => model.id === id) ?? models[0] ?? null;
      this.state = "known";
    } catch {
      this.state = "unreachable";
    }
    this.dispatchEvent(new Event("change"));
  }
}
