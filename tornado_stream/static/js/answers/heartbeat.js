// @ts-check
/** When the server was last heard, and when its log had news: by this page's clock. */
export class Heartbeat {
  lost = false;
  missed = false; // a short request was not answered, and nothing came since
  #begunAt = Infinity; // the log: the earliest that an event's `t` allows
  #continued = false; // what is gone on with comes again, first

  /** @param {boolean} started @param {() => number} [now] */
  constructor(started, now = Date.now) {
    this.now = now;
    this.heardAt = this.newsAt = now();
    this.started = this.hasText = started;
  }

  hear() {
    this.heardAt = this.now();
    this.missed = false;
  }

  /** @param {string} type of an event @param {any} data */
  take(type, { t, continued_from: continued }) {
    if (type === "delta") this.hasText ||= !this.#continued;
    this.#continued = Boolean(continued);
    this.started = true;
    this.#begunAt = Math.min(this.#begunAt, this.now() - (t ?? 0));
    this.newsAt = t === undefined ? this.now() : this.#begunAt + t;
  }
}
