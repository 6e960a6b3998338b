// @ts-check
/**
 * One live answer: asked for once, read to its end through any number of broken connections.
 *
 * The rule: each event of the answer's log is handed on once and in order. Until `start` was seen
 * the same request is repeated, which is safe because its `request_id` is the answer's id; after it
 * the answer is read on from the last event number. Only an `end` event ends it: a connection
 * that just ends is a broken one. Leaving is not stopping.
 *
 * A connection is held by a visible page that has the right to one and no proxy that buffers before
 * it; others look now and then. Only one response at a time is listened to.
 *
 * @typedef {object} Listener
 * @property {(type: string, data: any) => void} event an event of the log, or `reset`
 * @property {(link: "open" | "lost") => void} link whether the server is being heard
 * @property {(waitReason: import("./wait_reason.js").WaitReason | null) => void} waitReason what is being waited for
 * @typedef {{buffering?: import("./proxy_buffering.js").ProxyBuffering, SlownessProbe?: typeof import("./slowness_probe.js").SlownessProbe, used?: boolean}} NetworkKnowledge what answers have learnt about the way to the server
 */
import { isFinal, refusal } from "../page/api.js";
import { backoff } from "../page/lifecycle.js";
import { Locks } from "../page/locks.js";
import { AnswerConnection, Dropped, dropped, mustBeStream } from "./answer_connection.js";
import { Heartbeat } from "./heartbeat.js";

/** How long an answer's reader waits, in milliseconds. The server breaks its silence every 15 s. */
const TIMES = {
  silence: 40_000, // without a byte: the connection is dead
  suspect: 20_000, // without a byte, and the page was just shown again: likewise
  hidden: 300, // a hidden page then lets go of its connection …
  hiddenPoll: 10_000, // … and looks now and then
  visiblePoll: 1_000, // a visible page that holds none looks this often …
  longestPoll: 4_000, // … and at least this often where nothing is new
  stop: 10_000, // for the answer to a stop
  slow: 2_000, // without news: see SLOW_TIMES in wait_reason.js
  tick: 1_000, // what is waited for is told no more often
};

export class AnswerStream {
  #lastNumber;
  #started;
  #ended = false;
  #stopping = false;
  /** Looks into it while it is slow; null while that is loaded. @type {import("./slowness_probe.js").SlownessProbe | null | undefined} */
  #probe;
  #onlyAsks = false; // the connection is there to ask, and not to be held
  #finished = new AbortController();
  #sleep = new AbortController();
  /** @type {AnswerConnection | null} */
  #connection = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #releaseTimer;

  /**
   * @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle
   * @param {import("../page/api.js").AnswerRequest} request @param {Listener} listener
   * @param {{times?: Partial<typeof TIMES & typeof import("./wait_reason.js").SLOW_TIMES>, locks?: Locks, network?: NetworkKnowledge, after?: number}} [more] `after`: the answer is known, and read on after this event
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

  /** Returns when `end` was seen or after `detach`; throws `Refused` when the server will not. */
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

  /** Stop the answer itself, in whatever phase it is. Throws `Refused` when the server will not. */
  async stop() {
    if (this.#stopping || this.#finished.signal.aborted) return;
    this.#stopping = true;
    this.#sleep.abort();
    for (let attempt = 0; !this.#ended && !this.#finished.signal.aborted; attempt++) {
      const signal = AbortSignal.any([this.#finished.signal, AbortSignal.timeout(this.times.stop)]);
      const response = await this.api.stop(this.request.request_id, signal).catch(() => null);
      if (response?.ok) return this.nudge();
      if (response && isFinal(response.status) && response.status !== 404) throw await refusal(response);
      await this.lifecycle.sleep(backoff(attempt, 150, 2000), this.#finished.signal); // not known yet, or not reached
    }
  }

  /** Stop reading. The answer goes on without this reader. */
  detach() {
    this.#finished.abort();
    this.#sleep.abort();
    this.#connection?.close();
  }

  /** There is something new: do not wait for the next look. */
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
      const often = this.lifecycle.hidden ? this.times.hiddenPoll : Math.min(this.times.longestPoll, this.times.visiblePoll * 1.5 ** idle);
      await this.lifecycle.sleep(broken ? backoff(failures) : often, this.#sleep.signal);
    }
  }

  /** One connection, to its end. @returns {Promise<"read" | "replaced" | "broken">} `left`: for what came another way */
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
    if (response.status === 204 && this.#lastNumber) return this.#restart(); // complete, and yet its end was not seen: read it anew
    await mustBeStream(response, ask, this.#started);
    this.heartbeat.lost = false;
    this.listener.link("open");
    await connection.read(response, (event) => this.#receive(event));
  }

  /** What looks into slow answers is loaded for the first of them, or for the second answer. */
  async #tick() {
    const { heartbeat, times, network } = this;
    if (this.#probe !== undefined) return this.#probe?.report();
    if (heartbeat.now() - heartbeat.newsAt < times.slow && !network.used) return;
    this.#probe = null;
    network.SlownessProbe ??= (await import("./slowness_probe.js").catch(() => null))?.SlownessProbe;
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
      // A browser has six connections for all tabs of a server: a hidden one does not keep its.
      this.#releaseTimer = setTimeout(() => this.#started && this.#connection?.close(), this.times.hidden);
    } else if (detail === "online" || (this.#connection?.silentFor ?? 0) > this.times.suspect) {
      this.#connection?.close();
    }
  };
}
