// @ts-check
/**
 * The one owner of the open conversation's state; views listen and ask.
 *
 * Fires `place` when another conversation is open (detail `adopted`: it is the new one, which has
 * got its id), `path` when what is shown has changed, and `answer` when an answer has (detail: the
 * answer and what happened: an event's name, or `link`, `stopping`, `failed`).
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./answer.js").Question} Question
 * @typedef {{answer: Answer, what: string}} AnswerDetail
 * @typedef {"ready" | "loading" | "unreachable" | "missing" | "deleted"} State
 */
import { applyEvent, newAnswer } from "./answer.js";
import { Refused } from "./api.js";
import { uuid } from "./ids.js";
import { isHopeless } from "./outbox.js";
import { Runner } from "./runner.js";
import { lastKnown, question, treeOf, turnsBefore } from "./tree.js";
import { backoff } from "./wake.js";

/** Refusals after which the same question is asked by a new request. */
const STALE = ["request_id_reused", "conversation_busy"];

export class Conversation extends EventTarget {
  /** @type {string | null} */
  id = null;
  title = "";
  /** When it was last written to, by the server's clock; 0: not known. */
  updatedAt = 0;
  /** @type {State} */
  state = "ready";
  /** Every message, also those of other branches. @type {import("./tree.js").Messages} */
  messages = new Map();
  /** @type {Answer | null} */
  #newest = null;
  #leaveOut = 0;
  #visit = new AbortController();

  /**
   * @param {import("./api.js").Api} api @param {import("./wake.js").Wake} wake
   * @param {import("./outbox.js").Outbox} outbox @param {import("./locks.js").Locks} locks
   */
  constructor(api, wake, outbox, locks) {
    super();
    this.api = api;
    this.wake = wake;
    this.outbox = outbox;
    this.runner = new Runner(api, wake, outbox, locks, {
      event: (answer, type, data) => this.#take(answer, type, data),
      link: (answer, link) => this.#setLink(answer, link),
      failed: (answer, failure) => this.#failed(answer, failure),
      news: (news) => this.dispatchEvent(new CustomEvent("news", { detail: news })),
    });
  }

  get newest() {
    return this.#newest;
  }

  /** The answer that is being written. */
  get live() {
    return this.runner.answer;
  }

  get running() {
    return this.live !== null;
  }

  /** What is shown, oldest first. @returns {(Question | Answer)[]} */
  get path() {
    /** @type {(Question | Answer)[]} */
    const path = [];
    for (let message = /** @type {Question | Answer | null} */ (this.#newest); message; message = message.parent) path.push(message);
    return path.reverse();
  }
