// @ts-check
/**
 * Knows whether the page is hidden and the device offline, and ends a wait when a new try makes sense.
 * Fires `change` (detail: `online`, `pageshow`, `hidden` or `visible`).
 */
export class PageLifecycle extends EventTarget {
  hidden = false;
  /** @type {Window | null} */
  #page = null;

  /** Whether the device says that it has no network. */
  get offline() {
    return this.#page?.navigator.onLine === false;
  }

  /** Listen to the events of a window. @param {Window} page */
  follow(page) {
    const { document } = (this.#page = page);
    this.hidden = document.hidden;
    page.addEventListener("online", () => this.#fire("online"));
    page.addEventListener("pageshow", () => this.#fire("pageshow"));
    document.addEventListener("visibilitychange", () => {
      this.hidden = document.hidden;
      this.#fire(this.hidden ? "hidden" : "visible");
    });
    return this;
  }

  /** Wait. Resolves early if the page is shown, the device comes online, or `signal` fires. @param {number} ms @param {AbortSignal} [signal] */
  async sleep(ms, signal) {
    const over = new AbortController();
    const listen = (/** @type {Event} */ event) => /** @type {CustomEvent} */ (event).detail !== "hidden" && over.abort();
    this.addEventListener("change", listen);
    await pause(ms, signal ? AbortSignal.any([signal, over.signal]) : over.signal);
    this.removeEventListener("change", listen);
  }

  /** @param {string} what */
  #fire(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }
}

/** Wait. Resolves early if `signal` fires. @param {number} ms @param {AbortSignal} signal */
export function pause(ms, signal) {
  return new Promise((/** @type {(value?: unknown) => void} */ done) => {
    const end = () => (clearTimeout(timer), signal.removeEventListener("abort", end), done());
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
  });
}

/** The delay before a retry in milliseconds: exponential backoff of which half is random, so that clients do not retry at the same time. @param {number} attempt from 0 @param {number} [first] @param {number} [most] */
export function backoff(attempt, first = 400, most = 8000) {
  const ceiling = Math.min(most, first * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
