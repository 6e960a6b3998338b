// @ts-check
/**
 * What was asked and is not known to have arrived. A request is kept, exactly as it is sent, before
 * it is sent, and until its `start` was seen: a reload, a crash or a server that is away loses no
 * question. Sending one again is safe, since its `request_id` is the answer's id.
 *
 * @typedef {import("../page/api.js").AnswerRequest} AnswerRequest
 * @typedef {{status: number, code: string, message: string}} Refusal
 * @typedef {object} Entry
 * @property {AnswerRequest} request
 * @property {string} tab who sends it
 * @property {number} at
 * @property {boolean} [stopping] it is not wanted any more: it is stopped, not sent
 * @property {Refusal} [refused] what the server said
 */
import { readJson, writeJson } from "../page/storage.js";

const PREFIX = "tornado-stream:outbox:";
/** Milliseconds within which a page that is being left is gone. */
const LEAVING = 3000;

export class Outbox {
  /** @type {Map<string, {granted: Promise<unknown>, free: () => void}>} */
  #claims = new Map();
  #leaving = 0;

  /** @param {import("../page/storage.js").Storage} storage @param {import("../page/locks.js").Locks} locks @param {string} tab survives a reload of the tab */
  constructor(storage, locks, tab) {
    this.storage = storage;
    this.locks = locks;
    this.tab = tab;
  }

  /** Everything that is left, oldest first. @returns {Entry[]} */
  get entries() {
    const entries = this.storage.keys(PREFIX).map((key) => readJson(this.storage, key));
    return entries.filter((entry) => entry?.request?.request_id).sort((a, b) => a.at - b.at);
  }

  /** @param {string} id @returns {Entry | null} */
  get(id) {
    return readJson(this.storage, PREFIX + id);
  }

  /** Keep a request. What the server refused in the same conversation is given up with it. @param {AnswerRequest} request */
  add(request) {
    for (const { refused, tab, request: old } of this.entries) {
      if (refused && tab === this.tab && old.conversation_id === request.conversation_id) this.remove(old.request_id);
    }
    void this.claim(request.request_id);
    this.#write({ request, tab: this.tab, at: Date.now() });
  }

  /** It has arrived, or is not wanted. @param {string} id */
  remove(id) {
    if (Date.now() < this.#leaving) return void setTimeout(() => this.remove(id), LEAVING);
    this.storage.remove(PREFIX + id);
    this.#claims.get(id)?.free();
    this.#claims.delete(id);
  }

  /** The page is about to go: what it hears from now on it can show nobody, and the next page asks again. */
  leave() {
    this.#leaving = Date.now() + LEAVING;
  }

  /** The server does not take it. It stays this tab's, which shows it. @param {string} id @param {Refusal} refusal */
  refuse(id, { status, code, message }) {
    const entry = this.get(id);
    if (entry) this.#write({ ...entry, refused: { status, code, message } });
  }

  /** The reader wants it stopped, and nobody knows whether it has arrived. @param {string} id */
  cancel(id) {
    const entry = this.get(id);
    if (entry) this.#write({ ...entry, stopping: true });
  }

  /** Wait until no other tab sends this or shows it. @param {string} id */
  claim(id) {
    let claim = this.#claims.get(id);
    if (!claim) this.#claims.set(id, (claim = this.locks.claim(PREFIX + id)));
    return claim.granted;
  }

  /** @param {Entry} entry */
  #write(entry) {
    writeJson(this.storage, PREFIX + entry.request.request_id, entry);
  }
}

/** Whether sending it again would change nothing. @param {Entry} entry */
export const isHopeless = ({ refused }) => !!refused && refused.status < 500 && refused.status !== 429;
