// @ts-check
/**
 * The one owner of the open conversation's state. Views listen to its events and read it.
 *
 * It fires `switched` when another conversation is open (detail `adopted`: the new conversation has been given its id),
 * `loaded` (detail: the server's snapshot), `title`, `path` when other messages are shown, `answer` when an answer has
 * changed (detail: AnswerDetail) and `news` for the list and for other tabs (detail: News, see tabs.js).
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {{answer: Answer, what: string}} AnswerDetail `what`: the name of an event of its log, or `link`, `waitReason`, `stopping`, `failed`
 * @typedef {object} Comparison see comparison.js
 * @property {Answer[]} columns
 * @property {boolean} isActive
 * @property {(answer: Answer) => boolean} has
 * @property {(message: import("./branches.js").Message) => boolean} freeFor
 * @property {(text: string, files: import("../answers/answer.js").AttachedFile[]) => boolean} send
 * @property {(answer: Answer, otherwise: {model?: string, pictures?: boolean}) => void} retry
 * @property {(answer: Answer, request: import("../page/api.js").AnswerRequest) => import("../page/api.js").AnswerRequest | null} inColumn
 * @typedef {"ready" | "loading" | "unreachable" | "missing" | "deleted"} State
 */
import { applyEvent } from "../answers/answer.js";
import { Runner } from "../answers/runner.js";
import { Refused } from "../page/api.js";
import { backoff } from "../page/lifecycle.js";
import { Branches } from "./branches.js";
import { pathTo } from "./tree.js";

export class Conversation extends EventTarget {
  /** @type {string | null} */
  id = null;
  title = "";
  /** Its pin, its folder, and whether it is archived. @type {{pinned?: boolean, archived?: boolean, folder?: string | null}} */
  place = {};
  updatedAt = 0; // when it was last changed, by the server's clock; 0: not known
  /** How many of the oldest turns are not sent to the model. */
  leaveOut = 0;
  /** Makes the requests of a temporary chat, of which nothing is stored; null: this is none. @type {typeof import("./requests.js").questionRequest | null} */
  temporary = null;
  /** Knows which answers are shown beside each other; null: it was not needed yet. @type {Comparison | null} */
  comparison = null;
  /** @type {State} */
  state = "ready";
  #visit = new AbortController();

  /**
   * @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle
   * @param {import("../answers/outbox.js").Outbox} outbox @param {import("../page/locks.js").Locks} locks
   * @param {Branches} [branches]
   */
  constructor(api, lifecycle, outbox, locks, branches = new Branches()) {
    super();
    this.branches = branches;
    this.api = api;
    this.lifecycle = lifecycle;
    this.outbox = outbox;
    this.runner = new Runner(api, lifecycle, outbox, locks, {
      event: (answer, type, data) => this.#receive(answer, type, data),
      link: (answer, link) => void (answer.link !== link && this.fireAnswer(Object.assign(answer, { link }), "link")),
      waitReason: (answer, waitReason) => this.fireAnswer(Object.assign(answer, { waitReason }), "waitReason"),
      failed: (answer, failure) => this.#failed(answer, failure),
      news: (news) => this.fireNews(news),
    });
  }

  /** The messages of all branches. */
  get messages() {
    return this.branches.messages;
  }

  /** The last answer of the branch that is shown. */
  get newest() {
    return this.branches.newest;
  }

  /** An answer that is being written, that of the shown branch if there is one, else on any branch; null: none. */
  get live() {
    const { answers } = this.runner;
    return answers.find((answer) => answer === this.newest) ?? answers[0] ?? null;
  }

  get running() {
    return this.live !== null;
  }

  /** The answers that are shown beside each other; mostly none. */
  get columns() {
    return this.comparison?.columns ?? [];
  }

  /** Whether the user can ask something now. */
  get free() {
    return this.state === "ready" && !this.running;
  }

  /** Whether another answer can be asked for in the place of this one. @param {import("./branches.js").Message} message */
  freeFor(message) {
    return this.free || !!this.comparison?.freeFor(message);
  }

  /** The messages of the branch that is shown, oldest first. */
  get path() {
    return pathTo(this.newest);
  }

  /** Its title; until the server has given it one, the first question. */
  get subject() {
    const [first] = this.path;
    return (this.title || (first?.role === "user" ? first.text.slice(0, 1000) : "")).trim().replace(/\s+/g, " ");
  }

  /** Begin a new conversation. The server continues a running answer. @param {Conversation["temporary"]} [temporary] */
  clear(temporary = null) {
    this.#leave(null, "ready", temporary);
  }

  /** Open a conversation. Resolves when it is loaded or known to be missing. @param {string} id */
  async open(id) {
    if (id === this.id && this.state === "ready") return;
    this.#leave(id, "loading");
    await this.#load();
  }

  /** Another tab has changed it: load it again, unless an answer is running. */
  async refresh() {
    if (this.id && this.state === "ready" && !this.running) await this.#load();
  }

  /** It was deleted. */
  lose() {
    this.#leave(this.id, "deleted");
  }

  /** @param {string} title */
  entitle(title) {
    if (title === this.title) return;
    this.title = title;
    this.dispatchEvent(new Event("title"));
  }

  /** The server has given the new conversation its id. @param {string} id */
  adopt(id) {
    this.id = id;
    this.dispatchEvent(new CustomEvent("switched", { detail: { adopted: true } }));
  }

  /** Show an answer and ask for it. @param {Answer} answer @param {{wait?: boolean}} [how] `wait`: until no other tab asks for it */
  ask(answer, { wait = false } = {}) {
    this.branches.ask(answer);
    this.runner[wait ? "resume" : "ask"](answer);
    this.#showPath();
  }

  /** Show an answer that the server has refused. @param {Answer} answer @param {import("../page/api.js").Refused} failure */
  showFailed(answer, failure) {
    this.branches.ask(Object.assign(answer, { state: /** @type {const} */ ("failed"), failure }));
    this.#showPath();
  }

  /** Show the branch that a message is on. An answer on another branch continues. @param {import("./branches.js").Message} message */
  choose(message) {
    this.branches.choose(message);
    this.#showPath();
  }

  /** Fire `answer`. @param {Answer} answer @param {string} what has happened to it */
  fireAnswer(answer, what) {
    this.dispatchEvent(new CustomEvent("answer", { detail: { answer, what } }));
  }

  /** @param {string | null} id @param {State} state @param {Conversation["temporary"]} [temporary] */
  #leave(id, state, temporary = null) {
    this.#visit.abort();
    this.#visit = new AbortController();
    this.runner.leave();
    Object.assign(this, { id, state, temporary, title: "", place: {}, updatedAt: 0, leaveOut: 0 });
    this.branches.enter(id);
    this.dispatchEvent(new CustomEvent("switched", { detail: { adopted: false } }));
    this.#showPath();
  }

  async #load() {
    const { signal } = this.#visit;
    const found = await this.#snapshot(String(this.id), signal);
    if (signal.aborted || this.running) return;
    if (!found) return this.#setState("missing");
    const [snapshot, { treeOf }] = found;
    const { messages, running } = treeOf(snapshot, this.messages);
    const { title = "", pinned, archived, folder, updated_at: updatedAt = 0 } = snapshot;
    Object.assign(this, { title, place: { pinned, archived, folder }, updatedAt });
    this.dispatchEvent(new CustomEvent("loaded", { detail: snapshot }));
    this.branches.replace(messages, snapshot.current_id ?? null);
    for (const { answer, after } of running) this.runner.follow(answer, after);
    this.#setState("ready");
  }

  /** The server's snapshot of a conversation, and the module that reads it. Tries until the server answers; null: there is no such conversation. @param {string} id @param {AbortSignal} signal */
  async #snapshot(id, signal) {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await Promise.all([this.api.conversation(id, signal), import("./snapshot.js")]);
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return null;
        if (!signal.aborted && this.state === "loading") this.#setState("unreachable");
      }
      await this.lifecycle.sleep(backoff(attempt), signal);
    }
  }

  /** @param {State} state */
  #setState(state) {
    this.state = state;
    this.#showPath();
  }

  /** @param {Answer} answer @param {string} type @param {any} data */
  #receive(answer, type, data) {
    applyEvent(answer, type, data);
    if (type === "start") this.#started(answer, data);
    this.fireAnswer(answer, type);
    if (type === "end" && data.waiting?.length) void this.refresh(); // a crash may have lost the events of calls that the store has
    if (type === "end" && !this.running) this.fireNews({ type: "ended", conversation_id: String(this.id) });
  }

  /** @param {Answer} answer @param {any} data */
  #started(answer, data) {
    this.branches.started(answer, this.temporary ? null : data.conversation_id);
    this.updatedAt = data.created_at ?? 0;
    if (!this.temporary && this.id !== data.conversation_id) this.adopt(data.conversation_id);
  }

  /** @param {Answer} answer @param {import("../page/api.js").Refused} failure */
  #failed(answer, failure) {
    answer.failure = failure;
    answer.state = answer.id ? "interrupted" : "failed";
    this.fireAnswer(answer, "failed");
    if (["conversation_busy", "request_id_reused", "already_decided"].includes(failure.code)) void this.refresh();
  }

  /** Fire `news`. @param {import("../page/tabs.js").News} detail */
  fireNews(detail) {
    if (!this.temporary) this.dispatchEvent(new CustomEvent("news", { detail }));
  }

  #showPath() {
    this.dispatchEvent(new Event("path"));
  }
}
