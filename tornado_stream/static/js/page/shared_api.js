// @ts-check
/** The URLs of a shared link. The rule: nothing but GET below its address, without cookies. */

export class SharedApi {
  /** @param {string} address path of the link */
  constructor(address) {
    this.address = address;
  }

  /** The branch as JSON. */
  branch() {
    return this.#fetch(".json", { cache: "no-cache" });
  }

  /** Read the events of an answer, as `Api.read` does. @param {string} id @param {number} after @param {boolean} live @param {AbortSignal} signal */
  read(id, after, live, signal) {
    return this.#fetch(`/stream/${id}?after=${after}${live ? "" : "&live=0"}`, { cache: "no-store", signal });
  }

  /** @param {string} path @param {RequestInit} init */
  #fetch(path, init) {
    return fetch(this.address + path, { credentials: "omit", ...init });
  }
}
