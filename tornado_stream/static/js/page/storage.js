// @ts-check
import { base } from "./base.js";

/**
 * Access to `localStorage` or `sessionStorage` that never throws. If the browser's storage is full or forbidden,
 * values are kept in memory, for as long as the page lives. Below a base path other programs may share the
 * storage: then all keys begin with that path, and no other key is touched.
 */
export class Storage {
  /** @type {globalThis.Storage | null} */
  #area = null;
  /** The values that the area did not store. @type {Map<string, string>} */
  #memory = new Map();

  /** @param {() => globalThis.Storage} area called once; reading the property may throw @param {string} [own] what the keys in the area begin with */
  constructor(area, own = base) {
    this.own = own;
    try {
      this.#area = area() ?? null;
    } catch {
      // The browser forbids it.
    }
  }

  /** @param {string} key @returns {string | null} */
  get(key) {
    return this.#memory.get(key) ?? this.#try((area) => area.getItem(this.own + key)) ?? null;
  }

  /** @param {string} key @param {string} value */
  set(key, value) {
    const stored = this.#try((area) => (area.setItem(this.own + key, value), true));
    if (stored) this.#memory.delete(key);
    else this.#memory.set(key, value);
  }

  /** @param {string} key */
  remove(key) {
    this.#memory.delete(key);
    this.#try((area) => area.removeItem(this.own + key));
  }

  clear() {
    for (const key of this.keys("")) this.remove(key);
  }

  /** From now on, keep all values in memory only. */
  detach() {
    this.#area = null;
  }

  /** Whether the key of a `StorageEvent` is this key. @param {string | null} changed @param {string} key */
  isKey(changed, key) {
    return changed === this.own + key;
  }

  /** All keys with a prefix. @param {string} prefix */
  keys(prefix) {
    const stored = this.#try((area) => Array.from({ length: area.length }, (_, index) => area.key(index) ?? "")) ?? [];
    const own = stored.filter((key) => key.startsWith(this.own)).map((key) => key.slice(this.own.length));
    return [...new Set([...own, ...this.#memory.keys()])].filter((key) => key.startsWith(prefix));
  }

  /** @template T @param {(area: globalThis.Storage) => T} use @returns {T | undefined} */
  #try(use) {
    try {
      return this.#area ? use(this.#area) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Store a value as JSON; null removes it. @param {Storage} storage @param {string} key @param {object | null} value */
export function writeJson(storage, key, value) {
  if (value) storage.set(key, JSON.stringify(value));
  else storage.remove(key);
}

/** Read a value that is stored as JSON; null: there is none, or it is not JSON. @param {Storage} storage @param {string} key @returns {any} */
export function readJson(storage, key) {
  try {
    return JSON.parse(storage.get(key) ?? "null");
  } catch {
    return null;
  }
}
