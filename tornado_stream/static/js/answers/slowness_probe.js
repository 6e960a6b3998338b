// @ts-check
/**
 * Finds out why a connection is silent: a short request (`?live=0`) fetches the events that the connection should
 * have brought. If nothing is new, its response is empty.
 *
 * The server sends a response's head at once, and each event at once. A connection that brings less than a short
 * request is dead or buffered, so the probe closes it. The next connection is *on trial*: if not even its head
 * arrives while the server answers short requests, a proxy is buffering.
 *
 * @typedef {import("./answer_connection.js").LogEvent} LogEvent
 * @typedef {"unreached" | "unknown" | "nothing" | LogEvent[]} Finding what a short request found; `unknown`: the server knows no such answer
 */
import { pause } from "../page/lifecycle.js";
import { Storage } from "../page/storage.js";
import { AnswerConnection, Dropped, dropped, isStream } from "./answer_connection.js";
import { ProxyBuffering } from "./proxy_buffering.js";
import { waitReasonOf, SLOW_TIMES } from "./wait_reason.js";

/** Watches the connections of one answer. */
export class SlownessProbe {
  /** Whether a buffering proxy was found while this answer was read. */
  found = false;
  /** The name of the proxy, as the last response gives it. */
  #proxy = "";
  /** The last wait reason that was reported, as JSON. */
  #reported = "null";

  /**
   * @param {object} stream what the probe needs of an `AnswerStream`
   * @param {import("../page/api.js").Api} stream.api @param {import("../page/lifecycle.js").PageLifecycle} stream.lifecycle
   * @param {import("../page/api.js").AnswerRequest} stream.request @param {import("./heartbeat.js").Heartbeat} stream.heartbeat
   * @param {{buffering?: ProxyBuffering}} stream.network @param {Partial<typeof SLOW_TIMES>} stream.times
   * @param {{waitReason: (waitReason: import("./wait_reason.js").WaitReason | null) => void}} stream.listener
   */
  constructor({ api, request, heartbeat, network, times, lifecycle, listener }) {
    this.api = api;
    this.id = request.request_id;
    this.heartbeat = heartbeat;
    this.times = { ...SLOW_TIMES, ...times };
    this.lifecycle = lifecycle;
    this.listener = listener;
    this.buffering = network.buffering ??= new ProxyBuffering(new Storage(() => sessionStorage), lifecycle);
  }

  /** Tell the listener the wait reason, if it has changed. */
  report() {
    const { found, proxy } = this.buffering;
    const waitReason = waitReasonOf(this.heartbeat, this.times, this.lifecycle.offline, found ? { proxy, found: this.found } : null);
    const reported = JSON.stringify(waitReason);
    if (reported !== this.#reported) this.listener.waitReason(waitReason);
    this.#reported = reported;
  }

  /**
   * Watch a connection until it is closed, with growing pauses. Close it if a short request brings more than it did.
   * @param {AnswerConnection} connection @param {() => number} last returns the number of the last event that has arrived
   */
  async watch(connection, last) {
    if (connection.purpose === "poll") return this.#noteIfLate(connection);
    let patience = await this.#firstPatience(connection);
    while (await untilQuiet(connection, patience)) {
      const { lastByteAt } = connection;
      const finding = await this.#fetchNews(last(), connection.signal);
      if (connection.signal.aborted) return;
      const isSilent = connection.lastByteAt === lastByteAt;
      if (isSilent && holdsBack(connection, finding)) return this.#giveUp(connection, finding);
      const failed = finding === "unreached" || finding === "unknown";
      patience = (patience || this.times.trial) * (failed ? 2 : 4);
    }
  }

  /** Note if the server does not answer a short request in time. @param {AnswerConnection} connection */
  async #noteIfLate(connection) {
    if (await untilQuiet(connection, this.times.late)) this.heartbeat.missed = true;
  }

  /** If the connection is on trial, wait for its head. Returns for how many milliseconds it may be silent. @param {AnswerConnection} connection */
  async #firstPatience(connection) {
    const { buffering, times } = this;
    if (!buffering.suspected) return times.probe;
    await pause(connection.openedAt + (buffering.found ? times.visiblePoll : times.trial) - Date.now(), connection.signal);
    if (!connection.heard) return 0;
    if (!connection.signal.aborted && !buffering.found) buffering.refute();
    return times.probe;
  }

  /** Close a connection; the stream goes on with the events that were found. @param {AnswerConnection} connection @param {Finding} finding */
  #giveUp(connection, finding) {
    const { buffering } = this;
    if (buffering.suspected && !buffering.found && !connection.heard) {
      this.found = true;
      buffering.confirm(this.#proxy);
    }
    buffering.suspected = true;
    connection.replacement = Array.isArray(finding) ? finding : [];
    connection.close();
  }

  /** Ask the server for the events after the number `after`. @param {number} after @param {AbortSignal} signal @returns {Promise<Finding>} */
  async #fetchNews(after, signal) {
    const short = new AnswerConnection(this.times.short);
    const close = () => short.close();
    signal.addEventListener("abort", close);
    void this.#noteIfLate(short);
    try {
      return await this.#read(short, after);
    } catch (error) {
      if (!(error instanceof Dropped)) throw error;
      if (!signal.aborted) this.heartbeat.missed = true;
      return "unreached";
    } finally {
      signal.removeEventListener("abort", close);
      short.close();
    }
  }

  /** @param {AnswerConnection} short @param {number} after @returns {Promise<Finding>} */
  async #read(short, after) {
    const response = await this.api.read(this.id, after, false, short.signal).catch(dropped);
    if (response.status === 404) this.heartbeat.missed = true;
    if (response.status === 404) return "unknown";
    if (response.status !== 204 && !isStream(response)) return dropped();
    this.#proxy = response.headers.get("Server") ?? response.headers.get("Via") ?? "";
    /** @type {LogEvent[]} */
    const events = [];
    if (response.status === 200) await short.read(response, (event) => events.push(event));
    if (short.signal.aborted) return dropped();
    this.heartbeat.hear();
    return events.length ? events : "nothing";
  }
}

/** Wait until no byte has arrived for `ms`. Returns false if the connection was closed before that. @param {AnswerConnection} connection @param {number} ms */
async function untilQuiet(connection, ms) {
  for (let rest = ms; rest > 0 && !connection.signal.aborted; ) {
    rest = ms - connection.silentFor;
    await pause(rest, connection.signal);
  }
  return !connection.signal.aborted;
}

/** Whether the connection should have brought what the short request brought. @param {AnswerConnection} connection @param {Finding} finding */
const holdsBack = ({ heard, purpose }, finding) => Array.isArray(finding) || (finding === "nothing" && !heard && purpose !== "ask");
