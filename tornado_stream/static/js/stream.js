// @ts-check
/**
 * One live answer: asked for once, read to its end through any number of broken connections.
 *
 * The rule: each event of the answer's log is handed on once and in order. Until `start` was seen
 * the same request is repeated, which is safe because its `request_id` is the answer's id; after it
 * the answer is read on from the last event number. Only an `end` event ends it: a connection
 * that just ends is a broken one. Leaving is not stopping.
 *
 * @typedef {import("./api.js").AnswerRequest} AnswerRequest
 * @typedef {object} Listener
 * @property {(type: string, data: any) => void} event an event of the log, or `reset`
 * @property {(link: "open" | "lost") => void} link whether the server is being heard
 */
import { isFinal, refusal, Refused } from "./api.js";
import { SseDecoder } from "./sse.js";
import { backoff } from "./wake.js";

/** Milliseconds, except `attempts`. The server breaks its silence every 15 s. */
export const TIMES = {
  silence: 40_000, // without a byte: the connection is dead
  suspect: 20_000, // without a byte, and the page was just shown again: likewise
  hidden: 5_000, // a hidden page then lets go of its connection …
  poll: 5_000, // … and looks now and then
  stop: 10_000, // for the answer to a stop
  attempts: 7, // to send a question, before the reader is asked
};

class Dropped extends Error {}
/** @returns {never} */
const dropped = () => { throw new Dropped(); };

export class AnswerStream {
  #lastNumber = 0;
  #started = false;
  #ended = false;
  #stopping = false;
  #over = new AbortController();
  #nap = new AbortController();
  #connection = new AbortController();
  #heardAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #letGo;

  /**
   * @param {import("./api.js").Api} api @param {import("./wake.js").Wake} wake
   * @param {AnswerRequest} request @param {Listener} listener @param {Partial<typeof TIMES>} [times]
   */
  constructor(api, wake, request, listener, times) {
    this.api = api;
    this.wake = wake;
    this.request = request;
    this.listener = listener;
    this.times = { ...TIMES, ...times };
  }

  /** Returns when `end` was seen or after `detach`; throws `Refused` when the server will not. */
  async run() {
    this.wake.addEventListener("wake", this.#woken);
    try {
      await this.#untilEnd();
    } finally {
      this.wake.removeEventListener("wake", this.#woken);
      clearTimeout(this.#letGo);
      this.#over.abort();
      this.#connection.abort();
    }
  }

  /** Stop the answer itself, in whatever phase it is. Throws `Refused` when the server will not. */
  async stop() {
    if (this.#stopping || this.#over.signal.aborted) return;
    this.#stopping = true;
    this.#nap.abort();
    for (let attempt = 0; !this.#ended && !this.#over.signal.aborted; attempt++) {
      const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(this.times.stop)]);
      const response = await this.api.stop(this.request.request_id, signal).catch(() => null);
      if (response?.ok) return;
      if (response && isFinal(response.status) && response.status !== 404) throw await refusal(response);
      await this.wake.sleep(backoff(attempt, 150, 2000), this.#over.signal); // not known yet, or not reached
    }
  }

  /** Stop reading. The answer goes on without this reader. */
  detach() {
    this.#over.abort();
    this.#nap.abort();
    this.#connection.abort();
  }

  async #untilEnd() {
    for (let failures = 0; ; ) {
      const before = this.#lastNumber;
      const polled = await this.#connect();
      if (this.#ended || this.#over.signal.aborted) return;
      failures = polled || this.#lastNumber > before ? 0 : failures + 1;
      if (!this.#started && failures >= this.times.attempts) throw new Refused(0, "unreachable", "");
      if (!polled && !this.wake.hidden) this.listener.link("lost");
      this.#nap = new AbortController();
      await this.wake.sleep(polled ? this.times.poll : backoff(failures), this.#nap.signal);
    }
  }

  /** One connection, to its end. @returns {Promise<boolean>} whether it was to end by itself */
  async #connect() {
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    const ask = !this.#started && !this.#stopping;
    const live = ask || !this.wake.hidden;
    this.#heard();
    try {
      const response = await (ask
        ? this.api.ask(this.request, signal)
        : this.api.read(this.request.request_id, this.#lastNumber, live, signal)
      ).catch(dropped);
      if (await this.#accepts(response, ask)) await this.#read(response);
      return !live;
    } catch (error) {
      if (error instanceof Dropped || this.#over.signal.aborted) return false;
      throw error;
    } finally {
      clearTimeout(this.#watchdog);
      this.#connection.abort();
    }
  }

  /** Whether there is something to read. @param {Response} response @param {boolean} asked */
  async #accepts(response, asked) {
    const type = response.headers.get("Content-Type") ?? "";
    if (response.status === 200 && type.startsWith("text/event-stream")) return true;
    if (response.status === 204 && this.#lastNumber) {
      this.#restart(); // complete, and yet its end was not seen: read it anew
      return false;
    }
    if (response.ok) throw new Refused(response.status, "not_a_stream", "");
    if (response.status === 404 && !asked) throw new Refused(404, this.#started ? "gone" : "not_sent", "");
    if (asked || isFinal(response.status)) throw await refusal(response);
    return dropped();
  }

  /** @param {Response} response */
  async #read(response) {
    const decoder = new SseDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    this.listener.link("open");
    for (;;) {
      const { done, value } = await reader.read().catch(dropped); // whatever it throws: Safari says "Load failed"
      if (done || this.#over.signal.aborted) return;
      this.#heard();
      for (const event of decoder.feed(value)) this.#take(event);
    }
  }

  /** @param {import("./sse.js").ServerSentEvent} event */
  #take({ id, type, data }) {
    if (type === "reset") return this.#restart();
    const number = Number(id);
    if (this.#ended || !(number > this.#lastNumber)) return;
    const value = parse(data);
    this.#lastNumber = number;
    this.#started ||= type === "start";
    this.#ended = type === "end";
    this.listener.event(type, value);
  }

  #restart() {
    this.#lastNumber = 0;
    this.listener.event("reset", {});
  }

  #heard() {
    this.#heardAt = Date.now();
    clearTimeout(this.#watchdog);
    const connection = this.#connection;
    this.#watchdog = setTimeout(() => connection.abort(), this.times.silence);
  }

  /** @param {Event} event */
  #woken = (event) => {
    const { detail } = /** @type {CustomEvent<string>} */ (event);
    clearTimeout(this.#letGo);
    if (detail === "hidden") {
      // A browser has six connections for all tabs of a server: a hidden one does not keep its.
      this.#letGo = setTimeout(() => this.#started && this.#connection.abort(), this.times.hidden);
    } else if (detail === "online" || Date.now() - this.#heardAt > this.times.suspect) {
      this.#connection.abort();
    }
  };
}

/** @param {string} data @returns {unknown} */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return dropped();
  }
}
