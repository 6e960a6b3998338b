// @ts-check
/** One HTTP response that carries an answer's events: bytes in, events out. The rule: too long a silence closes it. */
import { isFinal, refusal, Refused } from "../page/api.js";
import { SseDecoder } from "./sse.js";

/** The connection broke. This says nothing about the answer. */
export class Dropped extends Error {}

/** @returns {never} */
export const dropped = () => {
  throw new Dropped();
};

/** @typedef {{id: string, type: string, data: any}} LogEvent `id`: the event's number in the log */

export class AnswerConnection {
  /** `ask`: it asks for a new answer; `hold`: it stays open for new events; `poll`: it brings what there is. @type {"ask" | "hold" | "poll"} */
  purpose = "poll";
  heard = false; // whether the server has answered
  /** The events that a short request brought instead, for which this connection was closed. @type {LogEvent[] | null} */
  replacement = null;
  openedAt = Date.now();
  lastByteAt = 0;
  #closed = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;

  /** @param {number} silence after so many milliseconds without a byte the connection closes itself @param {() => void} [onHeard] called for the head of the response, and for each read */
  constructor(silence, onHeard = () => {}) {
    this.silence = silence;
    this.onHeard = onHeard;
    this.#restartWatchdog();
  }

  get signal() {
    return this.#closed.signal;
  }

  /** Milliseconds since the last byte. */
  get silentFor() {
    return Date.now() - this.lastByteAt;
  }

  close() {
    clearTimeout(this.#watchdog);
    this.#closed.abort();
  }

  /** The head of the response has arrived, or more of its body. */
  hear() {
    this.heard = true;
    this.#restartWatchdog();
    this.onHeard();
  }

  /** Read the response to its end. Throws `Dropped` if it breaks. @param {Response} response @param {(event: LogEvent) => void} take is called with each event */
  async read(response, take) {
    const decoder = new SseDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(dropped); // each browser throws something else, Safari "Load failed"
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
 * Check that a response is an event stream. Throws `Refused` if it makes no sense to send the request again, otherwise `Dropped`.
 * @param {Response} response @param {boolean} asked the request asked for a new answer @param {boolean} started the page has seen the answer's `start`
 */
export async function mustBeStream(response, asked, started) {
  if (isStream(response)) return;
  if (response.ok) throw new Refused(response.status, "not_a_stream", "");
  if (response.status === 404 && !asked) throw new Refused(404, started ? "gone" : "not_sent", "");
  const refused = await refusal(response);
  const throwsIt = asked ? refused.code !== "draining" : isFinal(response.status); // the server that follows a draining one will accept the request
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
