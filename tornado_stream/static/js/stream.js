// @ts-check
/**
 * One live answer: asked for once, read to its end through any number of broken connections.
 *
 * The rule: each event of the answer's log is handed on once and in order. Until `start` was seen
 * the same request is repeated, which is safe because its `request_id` is the answer's id; after it
 * the answer is read on from the last event number. Only an `end` event ends it: a connection
 * that just ends is a broken one. Leaving is not stopping.
 *
 * A connection is held by a visible page that has the right to one; others look now and then.
 *
 * @typedef {import("./api.js").AnswerRequest} AnswerRequest
 * @typedef {object} Listener
 * @property {(type: string, data: any) => void} event an event of the log, or `reset`
 * @property {(link: "open" | "lost") => void} link whether the server is being heard
 */
import { isFinal, refusal, Refused } from "./api.js";
import { Connection, Dropped, dropped } from "./connection.js";
import { Locks } from "./locks.js";
import { backoff } from "./wake.js";

/** Milliseconds. The server breaks its silence every 15 s. */
export const TIMES = {
  silence: 40_000, // without a byte: the connection is dead
  suspect: 20_000, // without a byte, and the page was just shown again: likewise
  hidden: 300, // a hidden page then lets go of its connection …
  poll: 10_000, // … and looks now and then
  turn: 1_000, // a visible page, where other tabs hold enough connections, looks this often
  stop: 10_000, // for the answer to a stop
};

export class AnswerStream {
  #lastNumber;
  #started;
  #ended = false;
  #stopping = false;
  /** The connection is there to ask, and not to be held. */
  #brief = false;
  #over = new AbortController();
  #nap = new AbortController();
  /** @type {Connection | null} */
  #connection = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #letGo;

  /**
   * @param {import("./api.js").Api} api @param {import("./wake.js").Wake} wake
   * @param {AnswerRequest} request @param {Listener} listener
   * @param {{times?: Partial<typeof TIMES>, locks?: Locks, after?: number}} [more] `after`: the answer is known, and read on after this event
   */
  constructor(api, wake, request, listener, { times, locks = new Locks(), after } = {}) {
    this.api = api;
    this.wake = wake;
    this.request = request;
    this.listener = listener;
    this.times = { ...TIMES, ...times };
    this.locks = locks;
    this.#started = after !== undefined;
    this.#lastNumber = after ?? 0;
  }

  /** Returns when `end` was seen or after `detach`; throws `Refused` when the server will not. */
  async run() {
    this.wake.addEventListener("wake", this.#woken);
    try {
      await this.#untilEnd();
    } finally {
      this.wake.removeEventListener("wake", this.#woken);
      clearTimeout(this.#letGo);
      this.detach();
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
      if (response?.ok) return this.nudge();
      if (response && isFinal(response.status) && response.status !== 404) throw await refusal(response);
      await this.wake.sleep(backoff(attempt, 150, 2000), this.#over.signal); // not known yet, or not reached
    }
  }

  /** Stop reading. The answer goes on without this reader. */
  detach() {
    this.#over.abort();
    this.#nap.abort();
    this.#connection?.close();
  }

  /** There is something new: do not wait for the next look. */
  nudge() {
    this.#nap.abort();
  }

  async #untilEnd() {
    for (let failures = 0; ; ) {
      const before = this.#lastNumber;
      this.#nap = new AbortController();
      const polled = await this.#connect();
      if (this.#ended || this.#over.signal.aborted) return;
      failures = polled || this.#lastNumber > before ? 0 : failures + 1;
      if (!polled && !this.wake.hidden) this.listener.link("lost");
      if (!polled) this.#nap = new AbortController();
      const pause = !polled ? backoff(failures) : this.wake.hidden ? this.times.poll : this.times.turn;
      await this.wake.sleep(pause, this.#nap.signal);
    }
  }

  /** One connection, to its end. @returns {Promise<boolean>} whether it was to end by itself */
  async #connect() {
    const connection = (this.#connection = new Connection(this.times.silence));
    const free = this.wake.hidden ? null : await this.locks.connection();
    const ask = !this.#started && !this.#stopping;
    this.#brief = ask && !free;
    try {
      const response = await (ask
        ? this.api.ask(this.request, connection.signal)
        : this.api.read(this.request.request_id, this.#lastNumber, !!free, connection.signal)
      ).catch(dropped);
      if (await this.#accepts(response, ask)) {
        this.listener.link("open");
        await connection.read(response, (event) => this.#take(event));
      }
      return !free;
    } catch (error) {
      if (error instanceof Dropped || this.#over.signal.aborted) return this.#brief && this.#started;
      throw error;
    } finally {
      free?.();
      connection.close();
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
    const refused = await refusal(response);
    const throwsIt = asked ? refused.code !== "draining" : isFinal(response.status); // draining: the next server will take it
    if (throwsIt) throw refused;
    return dropped();
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
    if (this.#brief && this.#started) this.#connection?.close();
  }

  #restart() {
    this.#lastNumber = 0;
    this.listener.event("reset", {});
  }

  /** @param {Event} event */
  #woken = (event) => {
    const { detail } = /** @type {CustomEvent<string>} */ (event);
    clearTimeout(this.#letGo);
    if (detail === "hidden") {
      // A browser has six connections for all tabs of a server: a hidden one does not keep its.
      this.#letGo = setTimeout(() => this.#started && this.#connection?.close(), this.times.hidden);
    } else if (detail === "online" || (this.#connection?.quiet ?? 0) > this.times.suspect) {
      this.#connection?.close();
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
