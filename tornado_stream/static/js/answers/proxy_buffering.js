// @ts-check
/**
 * Remembers, for all answers of a tab, whether a proxy buffers streams: that is, delivers each only when it has ended.
 * If so, the page polls instead of keeping a connection. The finding is stored for the tab. It is checked again
 * after a reload, when the network changes, and after `SLOW_TIMES.recheck`, because the proxy may have been repaired.
 */
import { SLOW_TIMES } from "./wait_reason.js";

const KEY = "tornado-stream:buffering";

export class ProxyBuffering {
  /** A proxy may be buffering: the next connection is on trial. */
  suspected;
  #foundAt = 0;

  /** @param {import("../page/storage.js").Storage} storage of the tab @param {EventTarget} lifecycle @param {() => number} [now] */
  constructor(storage, lifecycle, now = Date.now) {
    this.storage = storage;
    this.now = now;
    this.suspected = storage.get(KEY) !== null;
    lifecycle.addEventListener("change", (event) => /** @type {CustomEvent} */ (event).detail === "online" && this.#recheck());
  }

  /** Whether a proxy is known to buffer, so that the page should poll. */
  get found() {
    return this.#foundAt > this.now() - SLOW_TIMES.recheck;
  }

  /** The name that the proxy gives itself; empty: none. */
  get proxy() {
    return this.storage.get(KEY) ?? "";
  }

  /** A proxy was found to buffer. @param {string} proxy its name */
  confirm(proxy) {
    this.suspected = true;
    this.#foundAt = this.now();
    this.storage.set(KEY, proxy);
  }

  /** A connection has passed its trial: no proxy buffers. */
  refute() {
    this.suspected = false;
    this.storage.remove(KEY);
  }

  /** The network has changed, and its proxies with it. */
  #recheck() {
    this.#foundAt = 0;
  }
}
