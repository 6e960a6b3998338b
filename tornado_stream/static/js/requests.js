// @ts-check
/** The bodies of `POST /stream`, each with an id of its own. Pure but for the id. */
import { uuid } from "./ids.js";
import { lastKnown } from "./tree.js";

/** A question. @param {string | null} id of the conversation; null: a new one @param {import("./answer.js").Question} question @param {number} leaveOut */
export function asking(id, question, leaveOut) {
  const parent = id ? (lastKnown(question.parent)?.id ?? null) : undefined;
  return { message: question.text, conversation_id: id ?? undefined, parent_id: parent, leave_out: leaveOut || undefined, request_id: uuid() };
}

/** A question again. @param {string | null} id @param {import("./answer.js").Question} question @param {number} leaveOut */
export function askingAgain(id, question, leaveOut) {
  return { message: null, conversation_id: id, parent_id: question.id, leave_out: leaveOut || undefined, request_id: uuid() };
}

/** The rest of an answer. @param {string | null} id @param {import("./answer.js").Answer} answer @param {number} leaveOut */
export function goingOn(id, answer, leaveOut) {
  return { message: null, conversation_id: id, continue: answer.id, leave_out: leaveOut || undefined, request_id: uuid() };
}
