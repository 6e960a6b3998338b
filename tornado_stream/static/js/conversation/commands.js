// @ts-check
/** What the user can do with the open conversation, and the questions that an earlier page left unsent. */
import { newAnswer } from "../answers/answer.js";
import { isHopeless } from "../answers/outbox.js";
import { Refused } from "../page/api.js";
import { requestId } from "../page/ids.js";
import { questionRequest, regenerateRequest, continueRequest } from "./requests.js";
import { hasArrived, newQuestion, turnsBefore } from "./tree.js";

/**
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 */

/** Codes of refusals after which a retry needs a new request id. */
const STALE = ["request_id_reused", "conversation_busy", "preset_not_found"];

export class Commands {
  /** Asks the next question in another way, once. @type {((text: string) => void) | null} */
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

  /** Ask a question after the newest message, unless `next` asks it. @param {string} text */
  send(text) {
    const { next } = this;
    this.next = null;
    if (next) next(text);
    else this.#askAfter(this.conversation.newest, text);
  }

  /** Ask a changed question in the place of an old one, which stays as a branch. @param {Question} old @param {string} text */
  edit(old, text) {
    const { newest } = this.conversation;
    if (newest?.parent === old && !old.id && newest.request.summary) this.#ask(newQuestion(null, text, old.parent), { ...newest.request, message: text, request_id: requestId() });
    else this.#askAfter(old.parent, text);
  }

  /** Ask for another answer to a question. A request that never arrived is sent again, with the same id. @param {Answer | null} answer the answer that the question has now @param {string} [model] instead of the chosen one */
  retry(answer = this.conversation.newest, model) {
    if (!answer || !this.conversation.free) return;
    const { parent: asked, request, failure } = answer;
    const stale = model || STALE.includes(failure?.code ?? "");
    const chosen = { ...this.preferences.chosen, ...(model && { model }) };
    if (asked.id && (answer.id || stale)) this.#askAgain(asked, chosen);
    else this.#ask(asked, !stale ? request : request.summary ? { ...request, ...chosen, request_id: requestId() } : this.#request(asked, chosen));
  }

  /** Ask for the rest of an answer. The new answer begins with the old one's text. @param {Answer | null} answer */
  continueAnswer(answer = this.conversation.newest) {
    const { free, id, leaveOut } = this.conversation;
    if (!answer?.id || !free) return;
    const next = newAnswer(answer.parent, continueRequest(id, answer, leaveOut, this.preferences.chosen));
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
    this.#askAgain(newest.parent);
  }

  /** Stop the running answer. If the server refuses, it continues. */
  async stop() {
    const { conversation } = this;
    const answer = conversation.live;
    if (!answer || answer.stopping) return;
    answer.stopping = true;
    conversation.fireAnswer(answer, "stopping");
    try {
      await conversation.runner.stop();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      answer.stopping = false;
      conversation.fireAnswer(answer, "link");
    }
  }

  /**
   * Take up the requests that are left in the outbox. This tab's own requests in the open conversation are shown; all others are sent without being shown.
   * @param {(conversationId: string | null, text: string) => void} keepDraft is given each text that the server refused and that no tab shows
   */
  resumeUnsent(keepDraft) {
    const { id, state } = this.conversation;
    for (const entry of this.outbox.entries) {
      const here = state === "ready" && entry.tab === this.outbox.tab && (entry.request.conversation_id ?? null) === id;
      if (here && !entry.stopping) this.#restore(entry);
      else void this.#deliverUnseen(entry, keepDraft);
    }
  }

  /** @param {import("../answers/outbox.js").Entry} entry @param {(id: string | null, text: string) => void} keepDraft */
  async #deliverUnseen({ request }, keepDraft) {
    await this.outbox.claim(request.request_id); // waits while another tab sends or shows it
    const left = this.outbox.get(request.request_id);
    if (left && !isHopeless(left)) return this.conversation.runner.deliver(left);
    this.outbox.remove(request.request_id);
    const gone = left?.refused?.status === 404;
    if (left && request.message) keepDraft(gone ? null : /** @type {string} */ (request.conversation_id ?? null), String(request.message));
  }

  /** @param {import("../answers/outbox.js").Entry} entry */
  #restore(entry) {
    const { messages, newest, running } = this.conversation;
    const { request, refused } = entry;
    const before = request.summary ? null : request.parent_id === undefined ? newest : messages.get(String(request.parent_id));
    const asked = request.message === null ? questionOf(messages, request) : newQuestion(null, String(request.message), before ?? null);
    if (!asked || hasArrived(messages, request)) return this.outbox.remove(request.request_id);
    const answer = newAnswer(asked, request);
    if (refused && isHopeless(entry)) this.conversation.showFailed(answer, new Refused(refused.status, refused.code, refused.message));
    else if (running) void this.conversation.runner.deliver(entry);
    else this.conversation.ask(answer, { wait: true });
  }

  /** @param {Answer | Question | null} parent @param {string} text */
  #askAfter(parent, text) {
    const asked = newQuestion(null, text, parent);
    if (this.conversation.free) this.#ask(asked, this.#request(asked));
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

  /** @param {Question} asked @param {import("../page/api.js").AnswerRequest} request */
  #ask(asked, request) {
    this.conversation.ask(newAnswer(asked, request));
  }
}

/** The question that is answered by a request without a `message`. @param {import("./tree.js").Messages} messages @param {import("../page/api.js").AnswerRequest} request */
function questionOf(messages, request) {
  const message = messages.get(String(request.parent_id ?? request.continue));
  return message?.role === "assistant" ? message.parent : message;
}
