// @ts-check
/** The models that the user likes and has used last, in this browser. Loaded with the list of models. */
import { readJson, writeJson } from "../page/storage.js";

const FAVOURITES = "tornado-stream:favourite-models";
const RECENT = "tornado-stream:recent-models";
/** How many models of each kind are remembered. */
const MOST_FAVOURITES = 200;
const MOST_RECENT = 3;

export class ModelMemory {
  /** @param {import("../page/storage.js").Storage} storage */
  constructor(storage) {
    this.storage = storage;
  }

  /** Ids, in the order in which the user marked them. @returns {string[]} */
  get favourites() {
    return this.#read(FAVOURITES);
  }

  /** Ids, the one that was used last comes first. @returns {string[]} */
  get recent() {
    return this.#read(RECENT);
  }

  /** Make a model a favourite, or undo it. @param {string} id @returns {boolean} whether it is one now */
  toggle(id) {
    const { favourites } = this;
    const isNew = !favourites.includes(id);
    this.#write(FAVOURITES, isNew ? [...favourites, id].slice(-MOST_FAVOURITES) : favourites.filter((one) => one !== id));
    return isNew;
  }

  /** @param {string} id */
  use(id) {
    this.#write(RECENT, [id, ...this.recent.filter((one) => one !== id)].slice(0, MOST_RECENT));
  }

  /** @param {string} key */
  #read(key) {
    const stored = readJson(this.storage, key);
    return Array.isArray(stored) ? stored.filter((id) => typeof id === "string") : [];
  }

  /** @param {string} key @param {string[]} ids */
  #write(key, ids) {
    writeJson(this.storage, key, ids.length ? ids : null);
  }
}
