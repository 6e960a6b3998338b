// @ts-check
/**
 * Whether something between server and page holds streams back until they end. One for all answers
 * of a tab: the next one is polled from its first second. Kept for the tab, and yet tried anew by
 * every page that is loaded, when the network changes, and after a while: proxies get mended.
 */
import { SLOW_TIMES } from "./wait_reason.js";

const KEY = "tornado-stream:buffering";

export class ProxyBuffering {
  /** A held connection is to prove itself. */
  suspected;
  #foundAt = 0;

  /** @param {import("../page/storage.js").Storage} storage of the tab @param {EventTarget} lifecycle @param {() => number} [now] */
  constructor(storage, lifecycle, now = Date.now) {
    this.storage = storage;
    this.now = now;
    this.suspected = storage.get(KEY) !== null;
    lifecycle.addEventListener("change", (event) => /** @type {CustomEvent} */ (event).detail === "online" && this.#recheck());
  }

  /** Whether no connection is to be held. */
  get found() {
    return this.#foundAt > this.now() - SLOW_TIMES.recheck;
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

  /** Another network has other proxies. */
  #recheck() {
    this.#foundAt = 0;
  }
}
