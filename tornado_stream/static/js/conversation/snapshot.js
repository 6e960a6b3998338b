// @ts-check
/**
 * Turns the server's snapshot of a conversation into the page's messages. Pure. Loaded when a conversation is opened.
 *
 * @typedef {import("./tree.js").Answer} Answer
 * @typedef {import("./tree.js").Question} Question
 * @typedef {import("./tree.js").Messages} Messages
 */
import { storedAnswer } from "../answers/stored_answer.js";
import { newQuestion } from "./tree.js";

/**
 * The messages of a snapshot. @param {any} snapshot the response of `GET /api/conversations/{id}`
 * @param {Messages} [known] messages that did not change are taken from here, so that they keep their view
 * @returns {{messages: Messages, running: {answer: Answer, after: number}[]}} `after`: number of the last event that a running answer contains
 */
export function treeOf(snapshot, known = new Map()) {
  /** @type {Messages} */
  const messages = new Map();
  for (const raw of snapshot.messages) messages.set(raw.id, reusable(known.get(raw.id), raw) ?? fromSnapshot(raw));
  for (const raw of snapshot.messages) setParent(/** @type {any} */ (messages.get(raw.id)), messages.get(raw.parent_id) ?? null);
  const running = snapshot.messages.filter((/** @type {any} */ one) => one.state === "running");
  return { messages, running: running.map((/** @type {any} */ { id, last_event_id: after = 0 }) => ({ answer: messages.get(id), after })) };
}

/** @param {any} raw */
const fromSnapshot = (raw) => (raw.state ? storedAnswer(raw) : { ...newQuestion(raw.id, raw.content, null, raw.files), from: raw.role, sent: raw.sent ?? null });

/** @param {Question | Answer | undefined} message @param {any} raw */
function reusable(message, raw) {
  if (!message || message.role === "user") return message;
  const calls = (raw.parts ?? []).filter((/** @type {any} */ part) => part.type === "call");
  return message.state === raw.state && raw.state !== "running" && !message.failure && (!calls.length || statesOf(calls) === statesOf(message.toolCalls)) ? message : undefined;
}

/** @param {any[]} calls */
const statesOf = (calls) => JSON.stringify(calls.map(({ state, decision }) => [state, decision ?? null]));

/** @param {Question | Answer} message @param {Question | Answer | null} parent */
function setParent(message, parent) {
  if (message.role === "user") message.parent = parent;
  else message.parent = parent ?? newQuestion(null, "");
}
