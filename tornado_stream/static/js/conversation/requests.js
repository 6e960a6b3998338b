// @ts-check
/**
 * The bodies of `POST /stream`, each with a new request id. Pure, except for the id.
 *
 * @typedef {{model?: string, options?: object, system?: string, pictures?: boolean, tools?: string[]}} Chosen what the user has set. What is absent is not sent, and the server's default holds
 */
import { requestId } from "../page/ids.js";
import { nearestStored } from "./tree.js";

/** The longest body that the server accepts, less room for everything but the text: ids, the model's name, the parameters. */
const MOST_BYTES = 1024 * 1024 - 4096;
/** The most bytes that one UTF-16 code unit can take in JSON. */
const WIDEST_CHARACTER = 6;

/** The request for an answer to a new question. @param {string | null} id of the conversation; null: a new one @param {import("../answers/answer.js").Question} question @param {number} leaveOut @param {Chosen} [chosen] */
export function questionRequest(id, question, leaveOut, chosen) {
  const parent = id ? (nearestStored(question.parent)?.id ?? null) : undefined;
  const files = question.files.length ? question.files.map((file) => file.id) : undefined;
  return { message: question.text, files, conversation_id: id ?? undefined, parent_id: parent, leave_out: leaveOut || undefined, request_id: requestId(), ...chosen };
}

/** The request for another answer to a question that the server knows. @param {string | null} id @param {import("../answers/answer.js").Question} question @param {number} leaveOut @param {Chosen} [chosen] */
export function regenerateRequest(id, question, leaveOut, chosen) {
  return { message: null, conversation_id: id, parent_id: question.id, leave_out: leaveOut || undefined, request_id: requestId(), ...chosen };
}

/** The request for the rest of an answer. @param {string | null} id @param {import("../answers/answer.js").Answer} answer @param {number} leaveOut @param {Chosen} [chosen] */
export function continueRequest(id, answer, leaveOut, chosen) {
  return { message: null, conversation_id: id, continue: answer.id, leave_out: leaveOut || undefined, request_id: requestId(), ...chosen };
}

/** The request that decides what becomes of the calls for which an answer waits. Without decisions, the model goes on after the calls. @param {string | null} id @param {import("../answers/answer.js").Answer} answer @param {Record<string, string>} decide by the ids of the calls @param {number} leaveOut @param {Chosen} [chosen] its model is not sent: that of the answer goes on */
export function decideRequest(id, answer, decide, leaveOut, chosen) {
  return { decide, conversation_id: id, parent_id: answer.id, leave_out: leaveOut || undefined, request_id: requestId(), ...chosen, model: undefined };
}

/** By how many bytes a text is too long to be sent; 0: it can be sent. @param {string} text */
export function excess(text) {
  if (text.length * WIDEST_CHARACTER + 2 <= MOST_BYTES) return 0;
  return Math.max(0, new TextEncoder().encode(JSON.stringify(text)).length - MOST_BYTES);
}
