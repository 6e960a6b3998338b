// @ts-check
/**
 * The bodies of `POST /stream`, each with an id of its own. Pure but for the id.
 *
 * @typedef {{model?: string, options?: object}} Chosen what the reader has set; nothing else is sent
 */
import { uuid } from "../page/ids.js";
import { nearestStored } from "./tree.js";

/** What the server takes at most, less what goes with a question: ids, the model's name, the parameters. */
const MOST_BYTES = 1024 * 1024 - 4096;
/** Bytes that a character of JSON can take. */
const WIDEST_CHARACTER = 6;

/** A question. @param {string | null} id of the conversation; null: a new one @param {import("../answers/answer.js").Question} question @param {number} leaveOut @param {Chosen} [chosen] */
export function questionRequest(id, question, leaveOut, chosen) {
  const parent = id ? (nearestStored(question.parent)?.id ?? null) : undefined;
  return { message: question.text, conversation_id: id ?? undefined, parent_id: parent, leave_out: leaveOut || undefined, request_id: uuid(), ...chosen };
}

/** A question again. @param {string | null} id @param {import("../answers/answer.js").Question} question @param {number} leaveOut @param {Chosen} [chosen] */
export function regenerateRequest(id, question, leaveOut, chosen) {
  return { message: null, conversation_id: id, parent_id: question.id, leave_out: leaveOut || undefined, request_id: uuid(), ...chosen };
}

/** The rest of an answer. @param {string | null} id @param {import("../answers/answer.js").Answer} answer @param {number} leaveOut @param {Chosen} [chosen] */
export function continueRequest(id, answer, leaveOut, chosen) {
  return { message: null, conversation_id: id, continue: answer.id, leave_out: leaveOut || undefined, request_id: uuid(), ...chosen };
}

/** How many bytes too long a text is to be sent; 0: it can be. @param {string} text */
export function excess(text) {
  if (text.length * WIDEST_CHARACTER + 2 <= MOST_BYTES) return 0;
  return Math.max(0, new TextEncoder().encode(JSON.stringify(text)).length - MOST_BYTES);
}
