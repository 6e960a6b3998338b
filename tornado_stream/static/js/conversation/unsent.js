// @ts-check
/** The questions that an earlier page left unsent. Loaded if there are any. */
import { newAnswer } from "../answers/answer.js";
import { isHopeless } from "../answers/outbox.js";
import { Refused } from "../page/api.js";
import { hasArrived, newQuestion, questionOf } from "./tree.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */

/**
 * Take up the requests that are left in the outbox. This tab's own requests in the open conversation are shown; all others are sent without being shown.
 * @param {Conversation} conversation @param {(conversationId: string | null, text: string) => void} keepDraft is given each text that the server refused and that no tab shows
 */
export function resumeUnsent(conversation, keepDraft) {
  const { id, state, outbox } = conversation;
  for (const entry of outbox.entries) {
    const here = state === "ready" && entry.tab === outbox.tab && (entry.request.conversation_id ?? null) === id;
    if (here && !entry.stopping) restore(conversation, entry);
    else void deliverUnseen(conversation, entry, keepDraft);
  }
}

/** @param {Conversation} conversation @param {import("../answers/outbox.js").Entry} entry @param {(id: string | null, text: string) => void} keepDraft */
async function deliverUnseen({ outbox, runner }, { request }, keepDraft) {
  await outbox.claim(request.request_id); // waits while another tab sends or shows it
  const left = outbox.get(request.request_id);
  if (left && !isHopeless(left)) return runner.deliver(left);
  outbox.remove(request.request_id);
  const gone = left?.refused?.status === 404;
  if (left && request.message) keepDraft(gone ? null : /** @type {string} */ (request.conversation_id ?? null), String(request.message));
}

/** @param {Conversation} conversation @param {import("../answers/outbox.js").Entry} entry */
function restore(conversation, entry) {
  const { messages, newest, running, outbox } = conversation;
  const { request, refused } = entry;
  const before = request.summary ? null : request.parent_id === undefined ? newest : messages.get(String(request.parent_id));
  const asked = request.decide ? messages.get(String(request.parent_id)) : request.message === null ? askedBy(messages, request) : newQuestion(null, String(request.message), before ?? null, /** @type {string[]} */ (request.files ?? []).map((id) => ({ id })));
  if (!asked || hasArrived(messages, request)) return outbox.remove(request.request_id);
  const answer = newAnswer(asked, request);
  if (refused && isHopeless(entry)) conversation.showFailed(answer, new Refused(refused.status, refused.code, refused.message));
  else if (running && !request.beside) conversation.runner.deliver(entry);
  else conversation.ask(answer, { wait: true });
}

/** The question that is answered by a request without a `message`. @param {import("./tree.js").Messages} messages @param {import("../page/api.js").AnswerRequest} request */
function askedBy(messages, request) {
  const message = messages.get(String(request.parent_id ?? request.continue));
  return message && questionOf(message);
}
