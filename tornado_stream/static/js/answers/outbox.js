// @ts-check
/**
 * Questions that are not known to have arrived. The rule: a request is stored, exactly as it is sent, before it is
 * sent, and until its `start` event. So neither a reload nor a crash nor a server that is down loses a question. It
 * is safe to send a request again, because its `request_id` is the answer's id. Nothing of a temporary chat is stored.
 *
 * @typedef {import("../page/api.js").AnswerRequest} AnswerRequest
 * @typedef {{status: number, code: string, message: string}} Refusal
 * @typedef {object} Entry
 * @property {AnswerRequest} request
 * @property {string} tab id of the tab that sends it
 * @property {number} at when it was added, as of `Date.now()`
 * @property {boolean} [stopping] the user has stopped it
 * @property {Refusal} [refused] the server refused it
 */
import { readJson, writeJson } from "../page/storage.js";

const PREFIX = "tornado-stream:outbox:";
/** Milliseconds after which a page that was about to be left has stayed after all. */
const LEAVING = 3000;

export class Outbox {
  /** @type {Map<string, {granted: Promise<unknown>, free: () => void}>} */
  #claims = new Map();
  #leaving = 0;

  /** @param {import("../page/storage.js").Storage} storage of all tabs @param {import("../page/locks.js").Locks} locks @param {string} tab this tab's id, the same after a reload */
  constructor(storage, locks, tab) {
    this.storage = storage;
    this.locks = locks;
    this.tab = tab;
  }

  /** The entries of all tabs, oldest first. @returns {Entry[]} */
  get entries() {
    const entries = this.storage.keys(PREFIX).map((key) => readJson(this.storage, key));
    return entries.filter((entry) => entry?.request?.request_id).sort((a, b) => a.at - b.at);
  }

  /** @param {string} id @returns {Entry | null} */
  get(id) {
    return readJson(this.storage, PREFIX + id);
  }

  /** Store a request, before it is sent. This tab's refused requests in the same conversation are removed. @param {AnswerRequest} request */
  add(request) {
    for (const { refused, tab, request: old } of this.entries) {
      if (refused && tab === this.tab && old.conversation_id === request.conversation_id) this.remove(old.request_id);
    }
    void this.claim(request.request_id);
    if (request.keep !== false) this.#write({ request, tab: this.tab, at: Date.now() });
  }

  /** Remove a request that has arrived, or that nobody wants any more. @param {string} id */
  remove(id) {
    if (Date.now() < this.#leaving) return void setTimeout(() => this.remove(id), LEAVING);
    this.storage.remove(PREFIX + id);
    this.#claims.get(id)?.free();
    this.#claims.delete(id);
  }

  /** The user may be leaving the page. It may not be able to show what arrives now, so entries stay for the next page a little longer. */
  leave() {
    this.#leaving = Date.now() + LEAVING;
  }

  /** The server has refused a request. The entry stays, so that this tab can show it after a reload. @param {string} id @param {Refusal} refusal */
  refuse(id, { status, code, message }) {
    const entry = this.get(id);
    if (entry) this.#write({ ...entry, refused: { status, code, message } });
  }

  /** The user has stopped a request that may have arrived or not. @param {string} id */
  cancel(id) {
    const entry = this.get(id);
    if (entry) this.#write({ ...entry, stopping: true });
  }

  /** Resolves once no other tab has claimed this request. Only the tab that has claimed it sends and shows it. @param {string} id */
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

/** Whether the server would refuse the same request again. @param {Entry} entry */
export const isHopeless = ({ refused }) => !!refused && refused.status < 500 && refused.status !== 429;
