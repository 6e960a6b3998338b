// @ts-check
/**
 * Turns the server's snapshot of a conversation into the page's messages. Pure. The messages are a tree: each names
 * its parent. The page shows the path from the root to one leaf.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 * @typedef {Map<string, Question | Answer>} Messages by id, in the order in which they were written
 */
import { storedAnswer } from "../answers/answer.js";
import { Refused } from "../page/api.js";
import { uuid } from "../page/ids.js";

/**
 * The messages of a snapshot. @param {any} snapshot the response of `GET /api/conversations/{id}`
 * @param {Messages} [known] messages that did not change are taken from here, so that they keep their view
 * @returns {{messages: Messages, running: Answer | null, after: number}} `after`: number of the last event that the running answer contains
 */
export function treeOf(snapshot, known = new Map()) {
  /** @type {Messages} */
  const messages = new Map();
  for (const raw of snapshot.messages) messages.set(raw.id, reusable(known.get(raw.id), raw) ?? fromSnapshot(raw));
  for (const raw of snapshot.messages) setParent(/** @type {any} */ (messages.get(raw.id)), messages.get(raw.parent_id) ?? null);
  const raw = snapshot.messages.find((/** @type {any} */ one) => one.state === "running");
  const running = /** @type {Answer | null} */ (messages.get(raw?.id) ?? null);
  return { messages, running, after: raw?.last_event_id ?? 0 };
}

/** @param {any} raw */
const fromSnapshot = (raw) => (raw.state ? storedAnswer(raw) : { ...newQuestion(raw.id, raw.content), from: raw.role, sent: raw.sent ?? null });

/** @param {string | null} id null: the server does not know it yet @param {string} text @param {Answer | Question | null} [parent] @returns {Question} */
export const newQuestion = (id, text, parent = null) => ({ role: "user", from: "user", id, text, sent: null, parent });

/** @param {Question | Answer | undefined} message @param {any} raw */
function reusable(message, raw) {
  if (!message || message.role === "user") return message;
  return message.state === raw.state && raw.state !== "running" && !message.failure ? message : undefined;
}

/** @param {Question | Answer} message @param {Question | Answer | null} parent */
function setParent(message, parent) {
  if (message.role === "user") message.parent = parent;
  else message.parent = parent?.role === "user" ? parent : newQuestion(null, "");
}

/** The answer that the page shows below a question without an answer. @param {Question} asked @param {string | null} id of the conversation */
export function unansweredPlaceholder(asked, id) {
  const request = { message: null, conversation_id: id, parent_id: asked.id, request_id: uuid() };
  const answer = storedAnswer({ id: null, state: "failed", request });
  return Object.assign(answer, { parent: asked, failure: new Refused(0, "unanswered", "") });
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

/** The nearest message that the server knows and that a question can follow, going towards the root. @param {Answer | Question | null} message */
export function nearestStored(message) {
  while (message && (!message.id || (message.role === "user" && message.from === "user"))) message = message.parent;
  return message;
}

/** How many turns before a question the server knows. @param {Question} asked */
export function turnsBefore(asked) {
  let turns = 0;
  for (let step = asked.parent; step; step = step.parent) if (step.id && (step.role === "assistant" || step.from === "assistant")) turns++;
  return turns;
}

/** Whether one of these answers is that of a request. @param {Messages} messages @param {import("../page/api.js").AnswerRequest} request */
export function hasArrived(messages, { request_id: id }) {
  return [...messages.values()].some((message) => message.role === "assistant" && message.request.request_id === id);
}
