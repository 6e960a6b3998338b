// @ts-check
/**
 * What the tabs of a browser must share fairly. Where there are no locks (they need https or
 * localhost) everything is granted: the server takes the same request twice without harm, and only
 * visible tabs hold connections.
 */

/** Held connections of all tabs together: a browser has six per server, and short requests need some. */
const CONNECTIONS = 4;

export class Locks {
  /** @param {LockManager | undefined} manager */
  constructor(manager = undefined) {
    this.manager = manager;
  }

  /** Wait for a lock. Call `free` once it is not needed, before or after it was granted. @param {string} name */
  claim(name) {
    let free = () => {};
    const freed = new Promise((/** @type {(value?: unknown) => void} */ done) => (free = done));
    const granted = new Promise((/** @type {(value?: unknown) => void} */ done) => {
      this.#request(name, {}, () => (done(), freed)).catch(done);
    });
    return { granted, free };
  }

  /** The right to hold a connection: call it to give it back. Null: the others hold enough. @returns {Promise<(() => void) | null>} */
  async connection() {
    for (let n = 0; n < CONNECTIONS; n++) {
      const free = await this.#take(`tornado-stream:connection:${n}`);
      if (free) return free;
    }
    return null;
  }

  /** @param {string} name @returns {Promise<(() => void) | null>} */
  #take(name) {
    return new Promise((done) => {
      this.#request(name, { ifAvailable: true }, (lock) => (lock ? new Promise((free) => done(() => free(null))) : done(null))).catch(() => done(() => {}));
    });
  }

  /** @param {string} name @param {LockOptions} options @param {(lock: Lock | null) => any} use @returns {Promise<any>} */
  async #request(name, options, use) {
    if (!this.manager) throw new Error("there are no locks here");
    return this.manager.request(name, options, use);
  }
}
