// @ts-check
/** One connection to an answer: bytes in, events out, and dead after too long a silence. */
import { SseDecoder } from "./sse.js";

/** The connection broke. The answer has not ended. */
export class Dropped extends Error {}

/** @returns {never} */
export const dropped = () => {
  throw new Dropped();
};

export class Connection {
  #over = new AbortController();
  #heardAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;

  /** @param {number} silence milliseconds without a byte */
  constructor(silence) {
    this.silence = silence;
    this.#heard();
  }

  get signal() {
    return this.#over.signal;
  }

  /** Milliseconds since something came. */
  get quiet() {
    return Date.now() - this.#heardAt;
  }

  close() {
    clearTimeout(this.#watchdog);
    this.#over.abort();
  }

  /** Hand on every event of the response, to its end. @param {Response} response @param {(event: import("./sse.js").ServerSentEvent) => void} take */
  async read(response, take) {
    const decoder = new SseDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(dropped); // whatever it throws: Safari says "Load failed"
      if (done || this.signal.aborted) return;
      this.#heard();
      for (const event of decoder.feed(value)) take(event);
    }
  }

  #heard() {
    this.#heardAt = Date.now();
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.close(), this.silence);
  }
}
