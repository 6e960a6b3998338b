// @ts-check
/**
 * Looks beside a connection that is silent: a short request brings what it should have brought.
 * `?live=0` is the lightest there is: where nothing is new it has no event.
 *
 * The server says something at once and whenever there is news. A connection that brings less than
 * a short request does is dead or held back, and given up; the next one is on trial, and if not
 * even its head comes while short requests are answered, a proxy is buffering.
 *
 * @typedef {import("./connection.js").LogEvent} LogEvent
 * @typedef {"unreached" | "unknown" | "nothing" | LogEvent[]} Finding `unknown`: the server knows no such answer
 */
import { Connection, Dropped, dropped, isStream } from "./connection.js";

export class Probe {
  /** Whether it was this answer that found the proxy out. */
  found = false;
  /** What the last response says it came through. */
  #proxy = "";

  /**
   * @param {import("./api.js").Api} api @param {string} id @param {import("./legs.js").Legs} legs
   * @param {import("./buffering.js").Buffering} buffering @param {typeof import("./times.js").TIMES} times
   */
  constructor(api, id, legs, buffering, times) {
    this.api = api;
    this.id = id;
    this.legs = legs;
    this.buffering = buffering;
    this.times = times;
  }

  /** What is waited for, where a proxy is known. */
  get proxy() {
    const { found, proxy } = this.buffering;
    return found ? { proxy, found: this.found } : null;
  }

  /** A short request is out. @param {Connection} connection */
  async expect(connection) {
    if (await connection.untilQuiet(this.times.slow)) this.legs.miss();
  }

  /**
   * A connection is held: watch it, less and less often, until it is closed; close it where it holds back.
   * @param {Connection} connection @param {boolean} asks it asks for the answer, which may not be known yet @param {() => number} last the last event that came
   */
  async watch(connection, asks, last) {
    let patience = await this.#trial(connection);
    while (await connection.untilQuiet(patience)) {
      const before = connection.quiet;
      const finding = await this.#look(last(), connection.signal);
      if (connection.signal.aborted) return;
      const silent = connection.quiet >= before;
      if (silent && holdsBack(connection, finding, asks)) return this.#giveUp(connection, finding);
      const failed = finding === "unreached" || finding === "unknown";
      patience = (patience || this.times.trial) * (failed ? 2 : 4);
    }
  }

  /** How long the connection may be silent from here. @param {Connection} connection */
  async #trial(connection) {
    const { buffering, times } = this;
    if (!buffering.suspected) return times.look;
    await connection.pause(buffering.found ? times.turn : times.trial);
    if (!connection.heard) return 0;
    if (!connection.signal.aborted && !buffering.found) buffering.refute();
    return times.look;
  }

  /** @param {Connection} connection @param {Finding} finding */
  #giveUp(connection, finding) {
    const { buffering } = this;
    if (buffering.suspected && !buffering.found && !connection.heard) {
      this.found = true;
      buffering.confirm(this.#proxy);
    }
    buffering.suspected = true;
    connection.instead = Array.isArray(finding) ? finding : [];
    connection.close();
  }

  /** What there is after this event. @param {number} after @param {AbortSignal} signal @returns {Promise<Finding>} */
  async #look(after, signal) {
    const short = new Connection(this.times.short);
    const close = () => short.close();
    signal.addEventListener("abort", close);
    void this.expect(short);
    try {
      return await this.#read(short, after);
    } catch (error) {
      if (!(error instanceof Dropped)) throw error;
      if (!signal.aborted) this.legs.miss();
      return "unreached";
    } finally {
      signal.removeEventListener("abort", close);
      short.close();
    }
  }

  /** @param {Connection} short @param {number} after @returns {Promise<Finding>} */
  async #read(short, after) {
    const response = await this.api.read(this.id, after, false, short.signal).catch(dropped);
    if (response.status === 404) return this.legs.miss(), "unknown";
    if (response.status !== 204 && !isStream(response)) return dropped();
    this.#proxy = response.headers.get("Server") ?? response.headers.get("Via") ?? "";
    /** @type {LogEvent[]} */
    const events = [];
    if (response.status === 200) await short.read(response, (event) => events.push(event));
    if (short.signal.aborted) return dropped();
    this.legs.hear();
    return events.length ? events : "nothing";
  }
}

/** Whether the connection should have brought what was found. @param {Connection} connection @param {Finding} finding @param {boolean} asks */
const holdsBack = ({ heard }, finding, asks) => Array.isArray(finding) || (finding === "nothing" && !heard && !asks);
