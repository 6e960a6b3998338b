// @ts-check
/**
 * Whether something between server and page holds streams back until they end. One for all answers
 * of a tab: the next one is polled from its first second. Kept for the tab, and yet tried anew by
 * every page that is loaded, when the network changes, and after a while: proxies get mended.
 */
import { Storage } from "./storage.js";
import { TIMES } from "./times.js";

const KEY = "tornado-stream:buffering";

export class Buffering {
  /** A held connection is to prove itself. */
  suspected;
  #foundAt = 0;

  /** @param {Storage} [storage] of the tab @param {() => number} [now] */
  constructor(storage = new Storage(() => /** @type {any} */ (null)), now = Date.now) {
    this.storage = storage;
    this.now = now;
    this.suspected = storage.get(KEY) !== null;
  }

  /** Whether no connection is to be held. */
  get found() {
    return this.#foundAt > this.now() - TIMES.doubt;
  }

  /** What stands between, as it calls itself; empty: it does not say. */
  get proxy() {
    return this.storage.get(KEY) ?? "";
  }

  /** @param {string} proxy */
  confirm(proxy) {
    this.suspected = true;
    this.#foundAt = this.now();
    this.storage.set(KEY, proxy);
  }

  /** Nothing is held back. */
  refute() {
    this.suspected = false;
    this.storage.remove(KEY);
  }

  /** What was found may be true no more. */
  doubt() {
    this.#foundAt = 0;
  }
}
