// @ts-check
/**
 * What the page keeps in the browser. Where storage is full or forbidden it is kept for as long as
 * the page lives, and nothing breaks.
 */
export class Storage {
  /** @type {globalThis.Storage | null} */
  #area = null;
  /** What the area did not take. @type {Map<string, string>} */
  #here = new Map();

  /** @param {() => globalThis.Storage} area asked once: to look at it may throw */
  constructor(area) {
    try {
      this.#area = area() ?? null;
    } catch {
      // forbidden
    }
  }

  /** @param {string} key @returns {string | null} */
  get(key) {
    return this.#here.get(key) ?? this.#try((area) => area.getItem(key)) ?? null;
  }

  /** @param {string} key @param {string} value */
  set(key, value) {
    const kept = this.#try((area) => (area.setItem(key, value), true));
    if (kept) this.#here.delete(key);
    else this.#here.set(key, value);
  }

  /** @param {string} key */
  remove(key) {
    this.#here.delete(key);
    this.#try((area) => area.removeItem(key));
  }

  /** Forget everything. */
  clear() {
    this.#here.clear();
    this.#try((area) => area.clear());
  }

  /** From now on what is set lives as long as the page. */
  letGo() {
    this.#area = null;
  }

  /** Every key that begins like this. @param {string} prefix */
  keys(prefix) {
    const kept = this.#try((area) => Array.from({ length: area.length }, (_, index) => area.key(index) ?? "")) ?? [];
    return [...new Set([...kept, ...this.#here.keys()])].filter((key) => key.startsWith(prefix));
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

/** Keep a value as JSON; null keeps nothing. @param {Storage} storage @param {string} key @param {object | null} value */
export function writeJson(storage, key, value) {
  if (value) storage.set(key, JSON.stringify(value));
  else storage.remove(key);
}

/** A value kept as JSON; null where there is none, or none that can be read. @param {Storage} storage @param {string} key @returns {any} */
export function readJson(storage, key) {
  try {
    return JSON.parse(storage.get(key) ?? "null");
  } catch {
    return null;
  }
}
