// @ts-check
/** When the page last heard from the server, and when the answer's log last had a new event. All times are of this page's clock. */
export class Heartbeat {
  lost = false; // the connection is broken, and the page tries to make another
  missed = false; // the server was late to answer a short request, and the page has heard nothing since
  #begunAt = Infinity; // when the log began: the earliest time that follows from an event's `t`
  #continued = false; // a continued answer first repeats the text of the old one, and that is no news

  /** @param {boolean} started the answer was known before @param {() => number} [now] */
  constructor(started, now = Date.now) {
    this.now = now;
    this.heardAt = this.newsAt = now();
    this.started = this.hasText = started;
  }

  /** The server has sent something, if only a comment. */
  hear() {
    this.heardAt = this.now();
    this.missed = false;
  }

  /** An event of the log has arrived. @param {string} type @param {any} data */
  take(type, { t, continued_from: continued }) {
    if (type === "delta") this.hasText ||= !this.#continued;
    this.#continued = Boolean(continued);
    this.started = true;
    this.#begunAt = Math.min(this.#begunAt, this.now() - (t ?? 0));
    this.newsAt = t === undefined ? this.now() : this.#begunAt + t;
  }
}
