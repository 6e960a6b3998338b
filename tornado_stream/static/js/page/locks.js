// @ts-check
/**
 * Locks that the tabs of a browser share. A page without the Web Locks API (it needs https or localhost) is
 * granted every lock. This does no harm: the server accepts the same request twice, and only visible tabs
 * hold connections.
 */

/** How many connections all tabs together may hold. A browser allows six for each server, and short requests need the others. */
const CONNECTIONS = 4;

export class Locks {
  /** @param {LockManager | undefined} manager */
  constructor(manager = undefined) {
    this.manager = manager;
  }

  /** Ask for a lock. `granted` resolves when this tab has it. Call `free` when it is no longer needed, also before it is granted. @param {string} name */
  claim(name) {
    let free = () => {};
    const freed = new Promise((/** @type {(value?: unknown) => void} */ done) => (free = done));
    const granted = new Promise((/** @type {(value?: unknown) => void} */ done) => {
      this.#request(name, {}, () => (done(), freed)).catch(done);
    });
    return { granted, free };
  }

  /** Ask for the right to hold a connection. Returns a function that gives it back; null: other tabs hold all of them. @returns {Promise<(() => void) | null>} */
  async connection() {
    for (let n = 0; n < CONNECTIONS; n++) {
      const free = await this.#tryLock(`tornado-stream:connection:${n}`);
      if (free) return free;
    }
    return null;
  }

  /** @param {string} name @returns {Promise<(() => void) | null>} */
  #tryLock(name) {
    return new Promise((done) => {
      this.#request(name, { ifAvailable: true }, (lock) => (lock ? new Promise((free) => done(() => free(null))) : done(null))).catch(() => done(() => {}));
    });
  }

  /** @param {string} name @param {LockOptions} options @param {(lock: Lock | null) => any} use @returns {Promise<any>} */
  async #request(name, options, use) {
    if (!this.manager) throw new Error("this page has no locks");
    return this.manager.request(name, options, use);
  }
}
