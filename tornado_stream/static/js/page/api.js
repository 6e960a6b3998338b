// @ts-check
/**
 * Every URL that the page requests at first; those of parts that are loaded later are in their modules. The rule: nothing here retries or keeps state. A method rejects if the
 * server was not reached. A method that returns no `Response` rejects with `Refused` if the server refuses.
 *
 * @typedef {{id: string, provider: string, state: string, detail: string, code?: string, maker?: string, context?: number | null, can?: string[], can_known?: boolean, price?: {input: number, output: number, currency: string} | null}} Model
 * @typedef {{models: Model[], default: string | null}} Models
 * @typedef {Record<string, unknown> & {request_id: string}} AnswerRequest
 * @typedef {{id: string, title: string, created_at: number, updated_at: number, generation_id: string | null, pinned?: boolean, archived?: boolean, folder?: string | null, decide?: boolean, message_id?: string | null, snippet?: string | null}} ConversationItem
 * @typedef {{conversations: ConversationItem[], next: string | null, etag: string, pinned?: ConversationItem[], folders?: {name: string, count: number}[]}} ConversationPage
 */
import { base } from "./base.js";

/** The error of a request that the server has refused. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {number} [wait] seconds after which to ask again; 0: the server did not say */
  constructor(status, code, message, wait = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.until = wait > 0 ? Date.now() + 1000 * wait : 0;
  }
}

/** Milliseconds within which the server must answer a request that does not stream. */
const TIMEOUT = 20_000;

export class Api {
  /** @param {string} [root] what the address of every request begins with */
  constructor(root = base) {
    this.root = root;
  }

  /** The models that the server offers. @returns {Promise<Models>} */
  async models() {
    return jsonOf(await this.#fetch("/api/models", { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT) }));
  }

  /** Ask for an answer. A second request with the same `request_id` gets the same answer. @param {AnswerRequest} body @param {AbortSignal} signal */
  ask(body, signal) {
    return this.#fetch("/stream", { ...posted(body, "text/event-stream"), signal });
  }

  /**
   * Read the events of an answer that follow event number `after`.
   * @param {string} id @param {number} after @param {boolean} live false: only the events that exist now @param {AbortSignal} signal
   */
  read(id, after, live, signal) {
    return this.#fetch(`/stream/${encodeURIComponent(id)}${live ? "" : "?live=0"}`, {
      headers: { Accept: "text/event-stream", "Last-Event-ID": String(after) },
      signal,
    });
  }

  /** Stop an answer. @param {string} id @param {AbortSignal} signal */
  stop(id, signal) {
    return this.#fetch(`/stream/${encodeURIComponent(id)}/stop`, { ...posted({}), signal, keepalive: true });
  }

  /**
   * One page of the list of conversations, newest first; null: the page is still the one that `etag` names.
   * @param {{q?: string, before?: string | null, limit?: number, etag?: string, sections?: boolean, archived?: boolean, folder?: string}} what @param {AbortSignal} [signal]
   * @returns {Promise<ConversationPage | null>}
   */
  async conversations({ etag, ...what }, signal = AbortSignal.timeout(TIMEOUT)) {
    const query = new URLSearchParams(Object.entries(what).filter(([, value]) => value).map(([name, value]) => [name, String(value)])).toString();
    const headers = { Accept: "application/json", ...(etag && { "If-None-Match": etag }) };
    const response = await this.#fetch(`/api/conversations${query && `?${query}`}`, { headers, signal });
    if (response.status === 304) return null;
    return { ...(await jsonOf(response)), etag: response.headers.get("ETag") ?? "" };
  }

  /** One conversation with all its messages. @param {string} id @param {AbortSignal} signal @returns {Promise<any>} */
  async conversation(id, signal) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
    return jsonOf(await this.#fetch(conversationPath(id), { headers: { Accept: "application/json" }, signal: limited }));
  }

  /** Change the title, the system prompt, the model or the parameters of a conversation. @param {string} id @param {object} changes */
  change(id, changes) {
    return this.request("PATCH", conversationPath(id), changes);
  }

  /** Delete a conversation. It is no error if it does not exist. @param {string} id @param {boolean} [keepalive] the request outlives the page */
  async remove(id, keepalive) {
    await this.request("DELETE", conversationPath(id), {}, keepalive).catch((error) => {
      if (error.status !== 404) throw error;
    });
  }

  /** Change or delete many conversations: up to 500. @param {"PATCH" | "DELETE"} method @param {object} body @param {boolean} [keepalive] */
  many(method, body, keepalive) {
    return this.request(method, "/api/conversations", body, keepalive);
  }

  /** A request that does not stream. Returns the JSON of the response; null: it has none. @param {string} method @param {string} path @param {object} [body] @param {boolean} [keepalive] the request outlives the page @param {number} [timeout] milliseconds @returns {Promise<any>} */
  async request(method, path, body, keepalive, timeout = TIMEOUT) {
    return jsonOf(await this.#fetch(path, { ...posted(body, "application/json"), method, keepalive, signal: AbortSignal.timeout(timeout) }));
  }

  /** Fetch, and show the login if the session has ended. @param {string} path @param {RequestInit} init */
  async #fetch(path, init) {
    const response = await this.plain(path, init);
    if (response.status !== 401 || response.headers.get("WWW-Authenticate") !== "Bearer") return response;
    // The session has ended: reloading the page shows the login. The promise stays pending, so that no caller reports an error;
    // a question that was not sent is sent after the login.
    globalThis.location?.reload();
    return /** @type {Promise<Response>} */ (new Promise(() => {}));
  }

  /** A request whose 401 is the caller's. @param {string} path @param {RequestInit} init */
  plain(path, init) {
    return fetch(this.root + path, { cache: "no-store", credentials: "same-origin", ...init });
  }
}

/** @param {string} id */
export const conversationPath = (id) => `/api/conversations/${encodeURIComponent(id)}`;

/** @param {object | undefined} body @param {string} [accept] @returns {RequestInit} */
export const posted = (body, accept = "*/*") => ({ method: "POST", headers: { "Content-Type": "application/json", Accept: accept }, body: JSON.stringify(body) });

/** @param {Response} response @returns {Promise<any>} */
async function jsonOf(response) {
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

/** The error of a refusing response, whose body is this server's JSON, or anything if a proxy has answered. @param {Response} response */
export async function refusal(response) {
  /** @type {any} */
  const body = await response.json().catch(() => null);
  const { code, message, retry_after: wait } = body?.error ?? {};
  return new Refused(response.status, code ? String(code) : `http_${response.status}`, message ? String(message) : "", Number(wait));
}

/** Whether the same request would get the same refusal again. @param {number} status */
export const isFinal = (status) => status >= 400 && status < 500 && ![408, 425, 429].includes(status);
