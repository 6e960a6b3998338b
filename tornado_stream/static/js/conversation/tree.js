// @ts-check
/**
 * A conversation as the server tells it, made into the page's messages. Pure. Messages are a tree,
 * each naming the one it follows; what is shown is the path that ends in one of them.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 * @typedef {Map<string, Question | Answer>} Messages in the order they were written
 */
import { storedAnswer } from "../answers/answer.js";
import { Refused } from "../page/api.js";
import { uuid } from "../page/ids.js";

/**
 * @param {any} snapshot of `GET /api/conversations/{id}`
 * @param {Messages} [known] what has not changed since is taken from here, and keeps its view
 * @returns {{messages: Messages, running: Answer | null, after: number}} `after`: the last event in the running answer
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
const fromSnapshot = (raw) => (raw.role === "assistant" ? storedAnswer(raw) : newQuestion(raw.id, raw.content));

/** @param {string | null} id @param {string} text @param {Answer | null} [parent] @returns {Question} */
export const newQuestion = (id, text, parent = null) => ({ role: "user", id, text, parent });

/** @param {Question | Answer | undefined} message @param {any} raw */
function reusable(message, raw) {
  if (!message || message.role === "user") return message;
  return message.state === raw.state && raw.state !== "running" && !message.failure ? message : undefined;
}

/** @param {Question | Answer} message @param {Question | Answer | null} parent */
function setParent(message, parent) {
  if (message.role === "user") message.parent = parent?.role === "assistant" ? parent : null;
  else message.parent = parent?.role === "user" ? parent : newQuestion(null, "");
}

/** What to show below a question that nobody has answered. @param {Question} asked @param {string | null} id of the conversation */
export function unansweredPlaceholder(asked, id) {
  const request = { message: null, conversation_id: id, parent_id: asked.id, request_id: uuid() };
  const answer = storedAnswer({ id: null, state: "failed", request });
  return Object.assign(answer, { parent: asked, failure: new Refused(0, "unanswered", "") });
}

/** What leads to a message, oldest first. @param {Question | Answer | null} message */
export function pathTo(message) {
  /** @type {(Question | Answer)[]} */
  const path = [];
  for (let step = message; step; step = step.parent) path.push(step);
  return path.reverse();
}

/** Whether a message stands below another, or is it. @param {Question | Answer} message @param {Question | Answer} above */
export function isBelow(message, above) {
  for (let step = /** @type {Question | Answer | null} */ (message); step; step = step.parent) if (step === above) return true;
  return false;
}

/** The nearest answer that the server knows. @param {Answer | null} answer */
export function nearestStored(answer) {
  while (answer && !answer.id) answer = answer.parent.parent;
  return answer;
}

/** How many turns that the server knows come before a question. @param {Question} asked */
export function turnsBefore(asked) {
  let turns = 0;
  for (let answer = asked.parent; answer; answer = answer.parent.parent) if (answer.id) turns++;
  return turns;
}
