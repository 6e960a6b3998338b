// @ts-check
/**
 * The messages of a conversation are a tree: each names its parent. The page shows the path from the root to one leaf.
 * Pure, except for the ids of requests.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 * @typedef {Map<string, Question | Answer>} Messages by id, in the order in which they were written
 */
import { newAnswer } from "../answers/answer.js";
import { Refused } from "../page/api.js";
import { uuid } from "../page/ids.js";

/** @param {string | null} id null: the server does not know it yet @param {string} text @param {Answer | Question | null} [parent] @param {import("../answers/answer.js").AttachedFile[]} [files] @returns {Question} */
export const newQuestion = (id, text, parent = null, files = []) => ({ role: "user", from: "user", id, text, files, sent: null, parent });

/** The answer that the page shows below a question without an answer. @param {Question} asked @param {string | null} id of the conversation */
export function unansweredPlaceholder(asked, id) {
  const request = { message: null, conversation_id: id, parent_id: asked.id, request_id: uuid() };
  return Object.assign(newAnswer(asked, request), { state: /** @type {const} */ ("failed"), failure: new Refused(0, "unanswered", "") });
}

/** The path from the root to a message, both included. @param {Question | Answer | null} message */
export function pathTo(message) {
  /** @type {(Question | Answer)[]} */
  const path = [];
  for (let step = message; step; step = step.parent) path.push(step);
  return path.reverse();
}

/** Whether a message follows another one, directly or not, or is the same. @param {Question | Answer} message @param {Question | Answer} above */
export function isBelow(message, above) {
  for (let step = /** @type {Question | Answer | null} */ (message); step; step = step.parent) if (step === above) return true;
  return false;
}

/** The question that an answer answers, also one that goes on where another waited. @param {Question | Answer} message @returns {Question} */
export const questionOf = (message) => (message.role === "user" ? message : questionOf(message.parent));

/** The nearest message that the server knows and that a question can follow, going towards the root. @param {Answer | Question | null} message */
export function nearestStored(message) {
  while (message && (!message.id || (message.role === "user" && message.from === "user"))) message = message.parent;
  return message;
}

/** How many turns before a question the server knows. @param {Question | Answer} asked */
export function turnsBefore(asked) {
  let turns = 0;
  for (let step = asked.parent; step; step = step.parent) if (step.id && (step.role === "assistant" || step.from === "assistant")) turns++;
  return turns;
}

/** Whether one of these answers is that of a request. @param {Messages} messages @param {import("../page/api.js").AnswerRequest} request */
export function hasArrived(messages, { request_id: id }) {
  return [...messages.values()].some((message) => message.role === "assistant" && message.request.request_id === id);
}
