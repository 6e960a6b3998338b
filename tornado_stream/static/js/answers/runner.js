// @ts-check
/**
 * Runs the streams of the page's answers: the current ones, which the page shows, and those that the user has left. The
 * rule: a stream that the user leaves before its answer has begun continues until `start`, so that no question is lost.
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {{answer: Answer, stream: AnswerStream, started: boolean}} Run
 * @typedef {object} Listener
 * @property {(answer: Answer, type: string, data: any) => void} event an event of a current answer, or `reset`
 * @property {(answer: Answer, link: "open" | "lost") => void} link
 * @property {(answer: Answer, waitReason: import("./wait_reason.js").WaitReason | null) => void} waitReason
 * @property {(answer: Answer, failure: Refused) => void} failed
 * @property {(news: import("../page/tabs.js").News) => void} news an answer has begun, a current one or another
 */
import { Refused } from "../page/api.js";
import { AnswerStream } from "./answer_stream.js";

/** Codes of refusals after which a request is not worth keeping. */
const USELESS = ["not_sent", "request_id_reused"];

export class Runner {
  /** Those of the current answers, the oldest first. @type {Run[]} */
  #current = [];
  /** Shared by all answers. @type {import("./answer_stream.js").NetworkKnowledge} */
  #network = {};

  /**
   * @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle
   * @param {import("./outbox.js").Outbox} outbox @param {import("../page/locks.js").Locks} locks @param {Listener} listener
   */
  constructor(api, lifecycle, outbox, locks, listener) {
    this.api = api;
    this.lifecycle = lifecycle;
    this.outbox = outbox;
    this.locks = locks;
    this.listener = listener;
  }

  /** The current answers, the oldest first. */
  get answers() {
    return this.#current.map(({ answer }) => answer);
  }

  /** Ask for an answer and make it a current one. @param {Answer} answer */
  ask(answer) {
    this.outbox.add(answer.request);
    this.#show(this.#run(answer));
  }

  /** Like `ask`, for an answer that is in the outbox already. Waits until no other tab has claimed it. @param {Answer} answer */
  resume(answer) {
    this.#show(this.#run(answer, undefined, this.outbox.claim(answer.request.request_id)));
  }

  /** Read an answer that is already running, as a current one. @param {Answer} answer @param {number} after the number of the last event that `answer` contains */
  follow(answer, after) {
    this.#show(this.#run(answer, after));
  }

  /** Send an entry of the outbox, or stop it, without showing its answer. @param {import("./outbox.js").Entry} entry */
  deliver({ request, stopping }) {
    const { stream } = this.#run(/** @type {any} */ ({ request }));
    if (stopping) void stream.stop().catch(() => {});
  }

  /** The user leaves the current answers. They are not stopped. */
  leave() {
    for (const { started, stream } of this.#current) if (started) stream.detach();
    this.#current = [];
  }

  /** The current answers may have new events: read them now. */
  nudge() {
    for (const { stream } of this.#current) stream.nudge();
  }

  /** Stop a current answer. Throws `Refused` if the server refuses. @param {Answer} answer */
  async stop(answer) {
    const run = this.#current.find((one) => one.answer === answer);
    if (!run) return;
    const { started, stream } = run;
    if (!started) this.outbox.cancel(answer.request.request_id);
    await stream.stop();
  }

  /** @param {Run} run */
  #show(run) {
    this.#current = [...this.#current, run];
  }

  /** @param {Run} run */
  #hide(run) {
    this.#current = this.#current.filter((one) => one !== run);
  }

  /** @param {Answer} answer @param {number} [after] @param {Promise<unknown>} [ready] */
  #run(answer, after, ready) {
    /** @type {Run} */
    const run = { answer, started: after !== undefined, stream: /** @type {any} */ (null) };
    const { api, lifecycle, locks } = this;
    const listener = {
      event: (/** @type {string} */ type, /** @type {any} */ data) => this.#receive(run, type, data),
      link: (/** @type {"open" | "lost"} */ link) => void (this.#current.includes(run) && this.listener.link(answer, link)),
      waitReason: (/** @type {any} */ waitReason) => void (this.#current.includes(run) && this.listener.waitReason(answer, waitReason)),
    };
    run.stream = new AnswerStream(api, lifecycle, answer.request, listener, { locks, after, network: this.#network });
    void this.#untilEnd(run, ready);
    return run;
  }

  /** @param {Run} run @param {Promise<unknown>} [ready] */
  async #untilEnd(run, ready) {
    try {
      await ready;
      await run.stream.run();
      this.#network.used = true;
    } catch (error) {
      if (!(error instanceof Refused)) reportError(error);
      this.#failed(run, error instanceof Refused ? error : new Refused(0, "page", String(error)));
    }
  }

  /** @param {Run} run @param {string} type @param {any} data */
  #receive(run, type, data) {
    const current = this.#current.includes(run);
    const { request_id: id } = run.answer.request;
    if (type === "start") {
      run.started = true;
      this.outbox.remove(id);
      if (run.answer.request.keep !== false) this.listener.news({ type: "started", conversation_id: data.conversation_id, generation_id: id });
      if (!current) run.stream.detach();
    }
    if (!current) return;
    if (type === "end") this.#hide(run);
    this.listener.event(run.answer, type, data);
  }

  /** @param {Run} run @param {Refused} failure */
  #failed(run, failure) {
    const id = run.answer.request.request_id;
    if (!run.started && USELESS.includes(failure.code)) this.outbox.remove(id);
    else if (!run.started) this.outbox.refuse(id, failure);
    if (!this.#current.includes(run)) return;
    this.#hide(run);
    this.listener.failed(run.answer, failure);
  }
}
