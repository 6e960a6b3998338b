// @ts-check
/** One connection to an answer: bytes in, events out, and dead after too long a silence. */
import { isFinal, refusal, Refused } from "../page/api.js";
import { SseDecoder } from "./sse.js";

/** The connection broke. The answer has not ended. */
export class Dropped extends Error {}

/** @returns {never} */
export const dropped = () => {
  throw new Dropped();
};

/** @typedef {{id: string, type: string, data: any}} LogEvent */

export class AnswerConnection {
  /** @type {"ask" | "hold" | "poll"} */
  purpose = "poll";
  heard = false;
  /** What came another network: the connection is given up for it. @type {LogEvent[] | null} */
  replacement = null;
  openedAt = Date.now();
  lastByteAt = 0;
  #closed = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;

  /** @param {number} silence milliseconds without a byte @param {() => void} [onHeard] */
  constructor(silence, onHeard = () => {}) {
    this.silence = silence;
    this.onHeard = onHeard;
    this.#restartWatchdog();
  }

  get signal() {
    return this.#closed.signal;
  }

  /** Milliseconds since something came. */
  get silentFor() {
    return Date.now() - this.lastByteAt;
  }

  close() {
    clearTimeout(this.#watchdog);
    this.#closed.abort();
  }

  /** Something came. */
  hear() {
    this.heard = true;
    this.#restartWatchdog();
    this.onHeard();
  }

  /** Hand on every event of the response, to its end. @param {Response} response @param {(event: LogEvent) => void} take */
  async read(response, take) {
    const decoder = new SseDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(dropped); // whatever it throws: Safari says "Load failed"
      if (done || this.signal.aborted) return;
      this.hear();
      for (const event of decoder.feed(value)) take({ ...event, data: parse(event.data) });
    }
  }

  #restartWatchdog() {
    this.lastByteAt = Date.now();
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.close(), this.silence);
  }
}

/** Whether a response is an event stream. @param {Response} response */
export const isStream = ({ status, headers }) => status === 200 && (headers.get("Content-Type") ?? "").startsWith("text/event-stream");

/**
 * Throws `Refused` where asking again is of no use, else `Dropped`.
 * @param {Response} response @param {boolean} asked for the answer, and not read on @param {boolean} started the answer is known
 */
export async function mustBeStream(response, asked, started) {
  if (isStream(response)) return;
  if (response.ok) throw new Refused(response.status, "not_a_stream", "");
  if (response.status === 404 && !asked) throw new Refused(404, started ? "gone" : "not_sent", "");
  const refused = await refusal(response);
  const throwsIt = asked ? refused.code !== "draining" : isFinal(response.status); // draining: the next server will take it
  if (throwsIt) throw refused;
  dropped();
}

/** @param {string} data @returns {any} */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return dropped();
  }
}
