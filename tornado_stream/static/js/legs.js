// @ts-check
/**
 * Which leg of the way an answer waits for: the model, the network, or a proxy in between. Pure:
 * it is told what came, and says what that means now.
 *
 * @typedef {{kind: "model" | "silent", seconds: number}} Slow no text yet; none any more
 * @typedef {{kind: "network", seconds: number, offline: boolean}} Unheard
 * @typedef {{kind: "proxy", proxy: string, found: boolean}} Buffered `found`: while this answer was read
 * @typedef {Slow | Unheard | Buffered} Leg
 * @typedef {{proxy: string, found: boolean} | null} Proxy
 */
import { TIMES } from "./times.js";
import { seconds, t } from "./words.js";

export class Legs {
  /** The connection broke, which has words of its own. */
  lost = false;
  #heardAt;
  /** A short request was not answered, and nothing came since. */
  #missed = false;
  /** When the log began, by this page's clock: the earliest that an event's `t` allows. */
  #begunAt = Infinity;
  #newsAt;
  #started;
  #hasText;
  /** The text that is gone on with comes again, first. */
  #kept = false;
  /** The leg that was told, as JSON. */
  #told = "null";

  /** @param {{follows?: boolean, times?: typeof TIMES, now?: () => number}} [more] `follows`: it has begun, and what it has is shown */
  constructor({ follows = false, times = TIMES, now = Date.now } = {}) {
    this.times = times;
    this.now = now;
    this.#heardAt = this.#newsAt = now();
    this.#started = this.#hasText = follows;
  }

  /** Whether what was last told may be over by now. */
  get isTold() {
    return this.#told !== "null";
  }

  /** The server was heard. */
  hear() {
    this.#heardAt = this.now();
    this.#missed = false;
  }

  /** The server should have been heard. */
  miss() {
    this.#missed = true;
  }

  /** An event came. @param {string} type @param {any} data */
  take(type, data) {
    if (type === "start") this.#kept = Boolean(data.continued_from);
    if (type === "delta") this.#hasText ||= !this.#kept;
    if (type === "delta") this.#kept = false;
    this.#started = true;
    this.#newsAt = this.#timeOf(data.t);
  }

  /** What is waited for, where that is another leg or another second than before; else undefined. @param {boolean} offline @param {Proxy} proxy */
  change(offline, proxy) {
    const leg = this.at(offline, proxy);
    const told = JSON.stringify(leg);
    if (told === this.#told) return undefined;
    this.#told = told;
    return leg;
  }

  /** By this page's clock. @param {unknown} t by the log's */
  #timeOf(t) {
    if (typeof t !== "number") return this.now();
    this.#begunAt = Math.min(this.#begunAt, this.now() - t);
    return this.#begunAt + t;
  }

  /** What is waited for; null: nothing worth a word. @param {boolean} offline the device says so @param {Proxy} proxy that is known to buffer @returns {Leg | null} */
  at(offline, proxy) {
    const { times } = this;
    const unheard = this.now() - this.#heardAt;
    if (offline) return { kind: "network", seconds: whole(unheard), offline };
    if (this.lost) return null;
    if (unheard >= times.deaf || (this.#missed && unheard >= times.slow)) return { kind: "network", seconds: whole(unheard), offline };
    if (proxy) return { kind: "proxy", ...proxy };
    const slow = this.now() - this.#newsAt;
    if (!this.#started || slow < (this.#hasText ? times.pause : times.first)) return null;
    return { kind: this.#hasText ? "silent" : "model", seconds: whole(slow) };
  }
}

/** @param {number} ms */
const whole = (ms) => Math.max(0, Math.floor(ms / 1000));

/** @param {Leg} leg */
export function legLine(leg) {
  if (leg.kind === "proxy") return t("leg.proxy");
  if (leg.kind === "network" && leg.offline) return t("leg.offline");
  const lasted = { seconds: seconds(leg.seconds * 1000) };
  if (leg.kind === "network") return t("leg.network", lasted);
  return leg.kind === "silent" ? t("leg.silent", lasted) : t("leg.model", lasted);
}
