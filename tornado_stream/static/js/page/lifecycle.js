// @ts-check
/**
 * When it makes sense to look at the network again at once: the device came online, the page was
 * shown again. Fires `change` (detail: what happened) and knows whether the page is hidden.
 */
export class PageLifecycle extends EventTarget {
  hidden = false;
  /** @type {Window | null} */
  #page = null;

  /** Whether the device says that it has no network. */
  get offline() {
    return this.#page?.navigator.onLine === false;
  }

  /** Follow a page's window. @param {Window} page */
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

  /** Wait, but not longer than until the page is shown or online again, or `signal` fires. @param {number} ms @param {AbortSignal} [signal] */
  async sleep(ms, signal) {
    /** @type {AbortController} */
    const over = new AbortController();
    await new Promise((/** @type {(value?: unknown) => void} */ done) => {
      const timer = setTimeout(done, ms);
      over.signal.addEventListener("abort", () => clearTimeout(timer));
      const options = { signal: over.signal };
      this.addEventListener("change", (event) => /** @type {CustomEvent} */ (event).detail !== "hidden" && done(), options);
      if (signal?.aborted) done();
      signal?.addEventListener("abort", done, options);
    });
    over.abort();
  }

  /** @param {string} what */
  #fire(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }
}

/** Full-jitter exponential backoff in milliseconds: never at once, never long, never in step with others. @param {number} attempt from 0 @param {number} [first] @param {number} [most] */
export function backoff(attempt, first = 400, most = 8000) {
  const ceiling = Math.min(most, first * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
