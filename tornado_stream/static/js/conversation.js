// @ts-check
/**
 * The one owner of the conversation's state; views listen and ask. Messages are a tree, each
 * naming the one it follows, and the page shows the path that ends in the newest.
 *
 * Fires `path` when what is shown has changed and `answer` when an answer has (detail: the answer
 * and what happened: an event's name, or `link`, `stopping`, `failed`).
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./answer.js").Question} Question
 * @typedef {{answer: Answer, what: string}} AnswerDetail
 */
import { applyEvent, newAnswer } from "./answer.js";
import { Refused } from "./api.js";
import { uuid } from "./ids.js";
import { AnswerStream } from "./stream.js";

export class Conversation extends EventTarget {
  /** @type {string | null} */
  id = null;
  /** @type {Answer | null} */
  #newest = null;
  /** @type {AnswerStream | null} */
  #stream = null;
  #leaveOut = 0;

  /** @param {import("./api.js").Api} api @param {import("./wake.js").Wake} wake */
  constructor(api, wake) {
    super();
    this.api = api;
    this.wake = wake;
  }

  get newest() {
    return this.#newest;
  }

  get running() {
    return this.#stream !== null;
  }

  /** What is shown, oldest first. @returns {(Question | Answer)[]} */
  get path() {
    /** @type {(Question | Answer)[]} */
    const path = [];
    for (let message = /** @type {Question | Answer | null} */ (this.#newest); message; message = message.parent) path.push(message);
    return path.reverse();
  }

  /** Ask. @param {string} text */
  send(text) {
    if (this.running) return;
    const question = { role: /** @type {const} */ ("user"), id: null, text, parent: this.#newest };
    const parent = lastKnown(question.parent);
    this.#start(question, {
      message: text,
      conversation_id: this.id ?? undefined,
      parent_id: this.id ? (parent?.id ?? null) : undefined,
      leave_out: this.#leaveOut || undefined,
      request_id: uuid(),
    });
  }

  /** Answer the newest question again; one that the server never took is sent as it was, under the same id. */
  retry() {
    const answer = this.#newest;
    if (!answer || this.running) return;
    const { parent: question, request, failure } = answer;
    if (failure && !answer.id) this.#start(question, failure.code === "request_id_reused" ? { ...request, request_id: uuid() } : request);
    else this.#answerAgain(question);
  }

  /** How many of the oldest turns the next try would leave out; 0: none are left. */
  get nextLeaveOut() {
    const turns = this.#newest ? turnsBefore(this.#newest.parent) : 0;
    return turns > this.#leaveOut ? this.#leaveOut + Math.ceil((turns - this.#leaveOut) / 2) : 0;
  }

  /** Answer the newest question again without the older half of what was sent before it. */
  retryShorter() {
    const question = this.#newest?.parent;
    const leaveOut = this.nextLeaveOut;
    if (!question?.id || !leaveOut || this.running) return;
    this.#leaveOut = leaveOut;
    this.#answerAgain(question);
  }

  /** Stop the running answer. */
  async stop() {
    const [answer, stream] = [this.#newest, this.#stream];
    if (!answer || !stream || answer.stopping) return;
    answer.stopping = true;
    this.#fire(answer, "stopping");
    try {
      await stream.stop();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      answer.stopping = false; // it goes on
      this.#fire(answer, "link");
    }
  }

  /** Begin anew. A running answer goes on at the server. */
  clear() {
    this.#stream?.detach();
    this.#stream = null;
    this.#newest = null;
    this.#leaveOut = 0;
    this.id = null;
    this.dispatchEvent(new Event("path"));
  }

  /** @param {Question} question */
  #answerAgain(question) {
    this.#start(question, {
      message: null,
      conversation_id: this.id,
      parent_id: question.id,
      leave_out: this.#leaveOut || undefined,
      request_id: uuid(),
    });
  }

  /** @param {Question} question @param {import("./api.js").AnswerRequest} request */
  #start(question, request) {
    const answer = newAnswer(question, request);
    const stream = new AnswerStream(this.api, this.wake, request, {
      event: (type, data) => this.#take(stream, answer, type, data),
      link: (link) => this.#setLink(stream, answer, link),
    });
    this.#newest = answer;
    this.#stream = stream;
    this.dispatchEvent(new Event("path"));
    void this.#follow(stream, answer);
  }

  /** @param {AnswerStream} stream @param {Answer} answer */
  async #follow(stream, answer) {
    try {
      await stream.run();
    } catch (error) {
      if (!(error instanceof Refused)) reportError(error);
      if (this.#stream !== stream) return;
      answer.failure = error instanceof Refused ? error : new Refused(0, "page", String(error));
      answer.state = answer.id ? "interrupted" : "failed";
      this.#stream = null;
      this.#fire(answer, "failed");
    }
  }

  /** @param {AnswerStream} stream @param {Answer} answer @param {string} type @param {any} data */
  #take(stream, answer, type, data) {
    if (this.#stream !== stream) return; // left behind by a new conversation
    applyEvent(answer, type, data);
    if (type === "start") this.id = data.conversation_id;
    if (type === "end") this.#stream = null;
    this.#fire(answer, type);
  }

  /** @param {AnswerStream} stream @param {Answer} answer @param {"open" | "lost"} link */
  #setLink(stream, answer, link) {
    if (this.#stream !== stream || answer.link === link) return;
    answer.link = link;
    this.#fire(answer, "link");
  }

  /** @param {Answer} answer @param {string} what */
  #fire(answer, what) {
    this.dispatchEvent(new CustomEvent("answer", { detail: { answer, what } }));
  }
}

/** The nearest answer that the server knows. @param {Answer | null} answer */
function lastKnown(answer) {
  while (answer && !answer.id) answer = answer.parent.parent;
  return answer;
}

/** How many turns that the server knows come before a question. @param {Question} question */
export function turnsBefore(question) {
  let turns = 0;
  for (let answer = question.parent; answer; answer = answer.parent.parent) if (answer.id) turns++;
  return turns;
}
