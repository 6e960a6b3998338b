// @ts-check
/**
 * One live answer: the page asks for it and reads it to its end, through any number of broken connections.
 *
 * The rule: the listener gets each event of the answer's log once, and in order. Until the `start` event the
 * page repeats the same request. This is safe, because its `request_id` is the answer's id. After `start` it reads
 * on after the last event number. Only an `end` event ends an answer: a connection that ends without one is broken.
 *
 * A visible page keeps a connection open, if the browser has one to spare (see locks.js) and no proxy buffers the
 * stream. Otherwise the page polls. It reads only one response at a time.
 *
 * @typedef {object} Listener
 * @property {(type: string, data: any) => void} event an event of the log, or `reset`: the log follows again from its beginning
 * @property {(link: "open" | "lost") => void} link the page has a connection to the answer, or lost it
 * @property {(waitReason: import("./wait_reason.js").WaitReason | null) => void} waitReason why no text arrives
 * @typedef {{buffering?: import("./proxy_buffering.js").ProxyBuffering, SlownessProbe?: typeof import("./slowness_probe.js").SlownessProbe, used?: boolean}} NetworkKnowledge what earlier answers found out about the network; `used`: there was one
 */
import { isFinal, refusal } from "../page/api.js";
import { backoff } from "../page/lifecycle.js";
import { Locks } from "../page/locks.js";
import { withWords } from "../page/words.js";
import { AnswerConnection, Dropped, dropped, mustBeStream } from "./answer_connection.js";
import { Heartbeat } from "./heartbeat.js";

/** In milliseconds. The server sends a heartbeat after every 15 s of silence. */
const TIMES = {
  silence: 40_000, // without a byte, after which a connection is dead
  suspect: 20_000, // without a byte, after which it is dead if the page was just shown again
  hidden: 300, // until a page that was hidden closes its connection
  hiddenPoll: 10_000, // between two polls of a hidden page
  visiblePoll: 1_000, // between two polls of a visible page that keeps no connection …
  longestPoll: 4_000, // … growing to this while nothing is new
  stop: 10_000, // for the response to a stop
  slow: 2_000, // without a new event, after which the SlownessProbe is loaded
  tick: 1_000, // between two checks of the wait reason
};

/** Reads one answer. Call `run` once. */
export class AnswerStream {
  #lastNumber;
  #started;
  #ended = false;
  #stopping = false;
  /** Finds out why the answer is slow; null while its module is loading. @type {import("./slowness_probe.js").SlownessProbe | null | undefined} */
  #probe;
  #onlyAsks = false; // the connection is closed as soon as `start` has arrived
  #finished = new AbortController();
  #sleep = new AbortController();
  /** @type {AnswerConnection | null} */
  #connection = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #releaseTimer;

  /**
   * @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle
   * @param {import("../page/api.js").AnswerRequest} request @param {Listener} listener
   * @param {{times?: Partial<typeof TIMES & typeof import("./wait_reason.js").SLOW_TIMES>, locks?: Locks, network?: NetworkKnowledge, after?: number}} [more] `after`: do not ask; the answer exists, and this is the number of the last event that is known
   */
  constructor(api, lifecycle, request, listener, { times, locks = new Locks(), network = {}, after } = {}) {
    this.api = api;
    this.lifecycle = lifecycle;
    this.request = request;
    this.listener = listener;
    this.times = { ...TIMES, ...times };
    this.locks = locks;
    this.network = network;
    this.heartbeat = new Heartbeat(after !== undefined);
    this.#started = after !== undefined;
    this.#lastNumber = after ?? 0;
  }

  /** Read the answer. Resolves after its `end`, or after `detach`. Throws `Refused` if the server refuses for good. */
  async run() {
    this.lifecycle.addEventListener("change", this.#lifecycleChanged);
    const ticking = setInterval(() => this.#tick(), this.times.tick);
    try {
      await this.#untilEnd();
    } finally {
      this.lifecycle.removeEventListener("change", this.#lifecycleChanged);
      clearTimeout(this.#releaseTimer);
      clearInterval(ticking);
      this.detach();
    }
  }

  /** Stop the answer itself, whether it has begun or not. Throws `Refused` if the server refuses. */
  async stop() {
    if (this.#stopping || this.#finished.signal.aborted) return;
    this.#stopping = true;
    this.#sleep.abort();
    for (let attempt = 0; !this.#ended && !this.#finished.signal.aborted; attempt++) {
      const signal = AbortSignal.any([this.#finished.signal, AbortSignal.timeout(this.times.stop)]);
      const response = await this.api.stop(this.request.request_id, signal).catch(() => null);
      if (response?.ok) return this.nudge();
      if (response && isFinal(response.status) && response.status !== 404) throw await refusal(response);
      await this.lifecycle.sleep(backoff(attempt, 150, 2000), this.#finished.signal); // the server does not know the answer yet, or cannot be reached
    }
  }

  /** Stop reading. The server continues the answer. */
  detach() {
    this.#finished.abort();
    this.#sleep.abort();
    this.#connection?.close();
  }

  /** Another tab has seen something new: do not wait for the next poll. */
  nudge() {
    this.#sleep.abort();
  }

  async #untilEnd() {
    for (let failures = 0, idle = 0; ; ) {
      const before = this.#lastNumber;
      this.#sleep = new AbortController();
      const outcome = await this.#connect();
      if (this.#ended || this.#finished.signal.aborted) return;
      if (outcome === "replaced") continue;
      idle = this.#lastNumber > before ? 0 : idle + 1;
      failures = idle && outcome === "broken" ? failures + 1 : 0;
      const broken = outcome === "broken";
      if ((this.heartbeat.lost = broken)) this.#sleep = new AbortController();
      if (broken && !this.lifecycle.hidden) this.listener.link("lost");
      const pollPause = this.lifecycle.hidden ? this.times.hiddenPoll : Math.min(this.times.longestPoll, this.times.visiblePoll * 1.5 ** idle);
      await this.lifecycle.sleep(broken ? backoff(failures) : pollPause, this.#sleep.signal);
    }
  }

  /** Use one connection to its end. @returns {Promise<"read" | "replaced" | "broken">} `replaced`: the probe closed it, because a short request brought more */
  async #connect() {
    const connection = (this.#connection = new AnswerConnection(this.times.silence, () => this.heartbeat.hear()));
    const free = this.lifecycle.hidden || this.network.buffering?.found ? null : await this.locks.connection();
    const ask = !this.#started && !this.#stopping;
    this.#onlyAsks = ask && !free;
    connection.purpose = ask ? "ask" : free ? "hold" : "poll";
    this.#startProbe();
    try {
      await this.#read(connection, ask, !!free);
      if (!connection.replacement) return free ? "broken" : "read";
    } catch (error) {
      if (!(error instanceof Dropped || this.#finished.signal.aborted)) throw error;
    } finally {
      free?.();
      connection.close();
    }
    if (!connection.replacement) return this.#onlyAsks && this.#started ? "read" : "broken";
    for (const event of connection.replacement) this.#receive(event);
    this.#probe?.report();
    return "replaced";
  }

  /** @param {AnswerConnection} connection @param {boolean} ask @param {boolean} live */
  async #read(connection, ask, live) {
    const response = await (ask
      ? this.api.ask(this.request, connection.signal)
      : this.api.read(this.request.request_id, this.#lastNumber, live, connection.signal)
    ).catch(dropped);
    connection.hear();
    if (response.status === 204 && this.#lastNumber) return this.#restart(); // the page has all events but missed `end`: replay from the beginning
    await mustBeStream(response, ask, this.#started);
    this.heartbeat.lost = false;
    this.listener.link("open");
    await connection.read(response, (event) => this.#receive(event));
  }

  /** Load the probe when an answer is slow for the first time, or with the page's second answer, and let it report. */
  async #tick() {
    const { heartbeat, times, network } = this;
    if (this.#probe !== undefined) return this.#probe?.report();
    if (heartbeat.now() - heartbeat.newsAt < times.slow && !network.used) return;
    this.#probe = null;
    network.SlownessProbe ??= (await withWords(import("./slowness_probe.js")).catch(() => null))?.SlownessProbe;
    if (!this.#probe && !this.#finished.signal.aborted) this.#startProbe();
  }

  #startProbe() {
    const { SlownessProbe } = this.network;
    if (SlownessProbe) this.#probe ??= new SlownessProbe(this);
    if (this.#connection) void this.#probe?.watch(this.#connection, () => this.#lastNumber);
  }

  /** @param {import("./answer_connection.js").LogEvent} event */
  #receive({ id, type, data }) {
    if (type === "reset") return this.#restart();
    const number = Number(id);
    if (this.#ended || !(number > this.#lastNumber)) return;
    this.#lastNumber = number;
    this.#started ||= type === "start";
    this.#ended = type === "end";
    this.heartbeat.take(type, data);
    this.listener.event(type, data);
    if (!this.#ended) this.#probe?.report();
    if (this.#onlyAsks && this.#started) this.#connection?.close();
  }

  #restart() {
    this.#lastNumber = 0;
    this.listener.event("reset", {});
  }

  /** @param {Event} event */
  #lifecycleChanged = (event) => {
    const { detail } = /** @type {CustomEvent<string>} */ (event);
    clearTimeout(this.#releaseTimer);
    if (detail === "hidden") {
      // With HTTP/1.1 a browser has six connections to a server, for all tabs. A hidden tab gives up its own.
      this.#releaseTimer = setTimeout(() => this.#started && this.#connection?.close(), this.times.hidden);
    } else if (detail === "online" || (this.#connection?.silentFor ?? 0) > this.times.suspect) {
      this.#connection?.close();
    }
  };
}
