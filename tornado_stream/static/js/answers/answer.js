// @ts-check
/**
 * What an answer is in the page, and what each event makes of it. Pure: no DOM, no network.
 * Texts are kept as lists of pieces, so that a long answer costs no more per piece than a short one.
 *
 * @typedef {{role: "user", id: string | null, text: string, parent: Answer | null}} Question
 * @typedef {{id: string | null, name: string[], arguments: string[]}} ToolCall
 * @typedef {object} Answer
 * @property {"assistant"} role
 * @property {string | null} id null until `start` was seen
 * @property {Question} parent
 * @property {import("../page/api.js").AnswerRequest} request what was sent to get it
 * @property {string | null} model
 * @property {"running" | "done" | "stopped" | "error" | "cut_off" | "interrupted" | "failed"} state
 *   `failed`: this server did not take the request, see `failure`
 * @property {string[]} content
 * @property {string[]} reasoning
 * @property {string[]} refusal
 * @property {ToolCall[]} toolCalls
 * @property {"open" | "lost"} link
 * @property {import("./wait_reason.js").WaitReason | null} waitReason what is being waited for
 * @property {boolean} stopping
 * @property {any} waiting the notice that says what is being waited for, until text comes
 * @property {number} trimmed how many turns were left out
 * @property {string[]} refused options that the model did not take
 * @property {boolean} unsaved
 * @property {any} end data of the `end` event
 * @property {import("../page/api.js").Refused | null} failure
 * @property {number | null} createdAt when it was begun, by the server's clock
 * @property {string | null} continuedFrom the answer whose text it begins with
 * @property {number | null} startedAt when it was begun, by this page's clock; null: it was not seen coming
 * @property {{from: number, to: number | null} | null} thought when its reasoning began and ended, in milliseconds since it began
 */

/** @param {Question} parent @param {import("../page/api.js").AnswerRequest} request @returns {Answer} */
export function newAnswer(parent, request) {
  return { role: "assistant", id: null, parent, request, model: null, ...emptyLog(), link: "open", waitReason: null, stopping: false, failure: null, createdAt: null, continuedFrom: null, startedAt: null };
}

/** An answer as the server keeps it; its parent is set by who knows it. @param {any} raw @returns {Answer} */
export function storedAnswer(raw) {
  const { state, finish_reason, usage, error, timings, upstream, cost } = raw;
  const answer = newAnswer(/** @type {any} */ (null), raw.request ?? { request_id: raw.generation_id });
  return Object.assign(answer, {
    id: raw.id,
    model: raw.model ?? null,
    createdAt: raw.created_at ?? null,
    continuedFrom: raw.continued_from ?? null,
    state,
    content: pieces(raw.content),
    reasoning: pieces(raw.reasoning),
    refusal: pieces(raw.refusal),
    toolCalls: (raw.tool_calls ?? []).map((/** @type {any} */ call) => ({ id: call.id ?? null, name: pieces(call.name), arguments: pieces(call.arguments) })),
    end: state === "running" ? null : { state, finish_reason, usage, error, timings, upstream, cost },
  });
}

/** @param {string | null | undefined} text */
const pieces = (text) => (text ? [text] : []);

/** What comes from the log, and what `reset` forgets. @returns {Pick<Answer, "state" | "content" | "reasoning" | "refusal" | "toolCalls" | "waiting" | "trimmed" | "refused" | "unsaved" | "end" | "thought">} */
const emptyLog = () => ({
  state: "running",
  content: [],
  reasoning: [],
  refusal: [],
  toolCalls: [],
  waiting: null,
  trimmed: 0,
  refused: [],
  unsaved: false,
  end: null,
  thought: null,
});

/** Take an event of the log; unknown ones change nothing. @param {Answer} answer @param {string} type @param {any} data */
export function applyEvent(answer, type, data) {
  if (data.t !== undefined) answer.startedAt = Math.min(answer.startedAt ?? Infinity, Date.now() - data.t);
  if (type === "start") applyStart(answer, data);
  else if (type === "delta") applyDelta(answer, data);
  else if (type === "notice") applyNotice(answer, data);
  else if (type === "end") applyEnd(answer, data);
  else if (type === "reset") Object.assign(answer, emptyLog());
}

/** @param {Answer} answer @param {any} data */
function applyStart(answer, data) {
  answer.id = data.message_id;
  answer.model = data.model ?? null;
  answer.parent.id = data.user_message_id;
  answer.continuedFrom = data.continued_from ?? null;
  // Of an answer that is gone on with the kept text was shown; it comes again, as the first delta.
  answer.content = [];
  answer.reasoning = [];
}

/** @param {Answer} answer @param {any} data */
function applyDelta(answer, data) {
  answer.waiting = null;
  applyThinkingTime(answer, data);
  if (data.content) answer.content.push(data.content);
  if (data.reasoning) answer.reasoning.push(data.reasoning);
  if (data.refusal) answer.refusal.push(data.refusal);
  for (const fragment of data.tool_calls ?? []) applyToolCall(answer.toolCalls, fragment);
}

/** Reasoning that was half there already has no beginning. @param {Answer} answer @param {any} data */
function applyThinkingTime(answer, data) {
  if (data.reasoning && !answer.reasoning.length && data.t !== undefined) answer.thought = { from: data.t, to: null };
  if (answer.thought && (data.content || data.refusal || data.tool_calls)) answer.thought.to ??= data.t;
}

/** @param {ToolCall[]} calls @param {any} fragment */
function applyToolCall(calls, fragment) {
  const index = Number(fragment.index) || 0;
  while (calls.length <= index) calls.push({ id: null, name: [], arguments: [] });
  const call = calls[index];
  call.id = fragment.id ?? call.id;
  if (fragment.name) call.name.push(fragment.name);
  if (fragment.arguments) call.arguments.push(fragment.arguments);
}

/** @param {Answer} answer @param {any} data */
function applyNotice(answer, data) {
  if (data.code === "model_loading" || data.code === "waiting") answer.waiting = data;
  else if (data.code === "not_saved") answer.unsaved = true;
  else if (data.code === "saved") answer.unsaved = false;
  else if (data.code === "context_trimmed") answer.trimmed = Number(data.turns) || 0;
  else if (data.code === "option_refused") answer.refused.push(String(data.option));
}

/** @param {Answer} answer @param {any} data */
function applyEnd(answer, data) {
  answer.end = data;
  answer.state = data.state;
  answer.waiting = null;
  answer.unsaved = data.saved === false;
  if (answer.thought) answer.thought.to ??= data.t;
}

/** A message as its author wrote it: markdown, for an answer. @param {Answer | Question} message */
export function sourceOf(message) {
  if (message.role === "user") return message.text;
  return hasText(message.content) ? message.content.join("") : message.refusal.join("");
}

/** @param {string[]} pieces */
export const hasText = (pieces) => pieces.some((piece) => piece.trim() !== "");
