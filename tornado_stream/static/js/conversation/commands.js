// @ts-check
/** What the user can do with the open conversation. */
import { newAnswer } from "../answers/answer.js";
import { Refused } from "../page/api.js";
import { requestId } from "../page/ids.js";
import { questionRequest, regenerateRequest, continueRequest, decideRequest } from "./requests.js";
import { newQuestion, questionOf, turnsBefore } from "./tree.js";

/**
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 * @typedef {import("../answers/answer.js").AttachedFile} AttachedFile
 */

/** Codes of refusals after which a retry needs a new request id. */
const STALE = ["request_id_reused", "conversation_busy", "preset_not_found"];

export class Commands {
  /** Asks the next question in another way, once. @type {((text: string, files: AttachedFile[]) => void) | null} */
  next = null;

  /** @param {import("./conversation.js").Conversation} conversation @param {{chosen: import("./requests.js").Chosen, beginning?: object, setOwn?: () => void}} [preferences] */
  constructor(conversation, preferences = { chosen: {} }) {
    this.conversation = conversation;
    this.preferences = preferences;
    this.outbox = conversation.outbox;
    conversation.addEventListener("answer", (event) => {
      const { answer, what } = /** @type {CustomEvent} */ (event).detail;
      if (what === "failed" && answer.failure.code === "preset_not_found") preferences.setOwn?.(); // it was deleted: what is asked from now on begins without it
    });
  }

  /** Ask a question after the newest message, unless `next` asks it. @param {string} text @param {AttachedFile[]} [files] */
  send(text, files = []) {
    const { next } = this;
    this.next = null;
    if (next) next(text, files);
    else if (!this.conversation.comparison?.send(text, files)) this.askAfter(this.conversation.newest, text, files);
  }

  /** Ask a changed question in the place of an old one, which stays as a branch. @param {Question} old @param {string} text */
  edit(old, text) {
    const { newest } = this.conversation;
    if (newest?.parent === old && !old.id && newest.request.summary) this.#ask(newQuestion(null, text, old.parent, old.files), { ...newest.request, message: text, request_id: requestId() });
    else this.askAfter(old.parent, text, old.files);
  }

  /** Ask for another answer to a question. A request that never arrived is sent again, with the same id. @param {Answer | null} answer the answer that the question has now @param {{model?: string, pictures?: boolean}} [otherwise] instead of what is chosen; without `pictures`, the model gets their names only */
  retry(answer = this.conversation.newest, otherwise = {}) {
    if (!answer || !this.conversation.freeFor(answer)) return;
    if (this.conversation.columns.includes(answer)) return this.conversation.comparison?.retry(answer, otherwise);
    const { parent: asked, request, failure } = answer;
    const stale = !request.decide && (Object.keys(otherwise).length > 0 || STALE.includes(failure?.code ?? ""));
    const chosen = { ...this.preferences.chosen, ...otherwise };
    if (asked.id && (answer.id || stale)) this.#askAgain(questionOf(asked), chosen);
    else this.#ask(asked, !stale ? request : request.summary ? { ...request, ...chosen, request_id: requestId() } : this.#request(questionOf(asked), chosen));
  }

  /** Decide what becomes of the calls for which an answer waits, or let the model go on after its calls. @param {Answer} answer @param {Record<string, string>} [decisions] by the ids of the calls */
  decide(answer, decisions = {}) {
    const { free, id, leaveOut } = this.conversation;
    if (answer.id && free) this.#ask(answer, decideRequest(id, answer, decisions, leaveOut, this.preferences.chosen));
  }

  /** Ask for the rest of an answer. The new answer begins with the old one's text. @param {Answer | null} answer */
  continueAnswer(answer = this.conversation.newest) {
    const { id, leaveOut, comparison } = this.conversation;
    if (!answer?.id || !this.conversation.freeFor(answer)) return;
    const request = continueRequest(id, answer, leaveOut, this.preferences.chosen);
    const next = newAnswer(answer.parent, comparison?.inColumn(answer, request) ?? request);
    this.conversation.ask(Object.assign(next, { content: answer.content, reasoning: answer.reasoning }));
  }

  /** How many of the oldest turns `retryShorter` would leave out; 0: there are none to leave out. */
  get nextLeaveOut() {
    const { newest, leaveOut } = this.conversation;
    const turns = newest ? turnsBefore(newest.parent) : 0;
    return turns > leaveOut ? leaveOut + Math.ceil((turns - leaveOut) / 2) : 0;
  }

  /** Ask the newest question again, without the older half of the turns that were sent with it. */
  retryShorter() {
    const { newest, free } = this.conversation;
    const leaveOut = this.nextLeaveOut;
    if (!newest?.parent.id || !leaveOut || !free) return;
    this.conversation.leaveOut = leaveOut;
    this.#askAgain(questionOf(newest));
  }

  /** Stop running answers. If the server refuses, they continue. @param {Answer[]} [answers] all of the conversation if they are not named */
  async stop(answers = this.conversation.runner.answers) {
    await Promise.all(answers.map((answer) => this.#stop(answer)));
  }

  /** @param {Answer} answer */
  async #stop(answer) {
    const { conversation } = this;
    if (answer.stopping) return;
    answer.stopping = true;
    conversation.fireAnswer(answer, "stopping");
    try {
      await conversation.runner.stop(answer);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      answer.stopping = false;
      conversation.fireAnswer(answer, "link");
    }
  }

  /**
   * Take up the requests that are left in the outbox: see unsent.js.
   * @param {(conversationId: string | null, text: string) => void} keepDraft is given each text that the server refused and that no tab shows
   */
  async resumeUnsent(keepDraft) {
    if (!this.outbox.entries.length) return;
    const loaded = await import("./unsent.js").catch(() => null); // else the next page tries again
    loaded?.resumeUnsent(this.conversation, keepDraft);
  }

  /** Ask a question after a message. @param {Answer | Question | null} parent @param {string} text @param {AttachedFile[]} files @param {import("./requests.js").Chosen} [otherwise] instead of what is chosen */
  askAfter(parent, text, files, otherwise) {
    const asked = newQuestion(null, text, parent, files);
    if (this.conversation.free) this.#ask(asked, this.#request(asked, { ...this.preferences.chosen, ...otherwise }));
  }

  /** @param {Question} asked @param {import("./requests.js").Chosen} [chosen] */
  #request(asked, chosen = this.preferences.chosen) {
    const { id, leaveOut, temporary } = this.conversation;
    return (temporary ?? questionRequest)(id, asked, leaveOut, id ? chosen : { ...chosen, ...this.preferences.beginning });
  }

  /** @param {Question} asked a question that the server knows, unless the chat is temporary @param {import("./requests.js").Chosen} [chosen] */
  #askAgain(asked, chosen = this.preferences.chosen) {
    const { id, leaveOut, temporary } = this.conversation;
    this.#ask(asked, temporary ? this.#request(asked, chosen) : regenerateRequest(id, asked, leaveOut, chosen));
  }

  /** @param {Question | Answer} asked @param {import("../page/api.js").AnswerRequest} request */
  #ask(asked, request) {
    this.conversation.ask(newAnswer(asked, request));
  }
}
