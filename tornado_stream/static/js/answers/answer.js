// @ts-check
/**
 * The state of one answer in the page, and how each event of its log changes it. Pure: no DOM, no network.
 * The rule: a text is a list of pieces, so that adding a piece to a long answer costs no more than to a short one.
 *
 * @typedef {object} Question a message that no answer is: a user's question, or any message that a program sent
 * @property {"user"} role
 * @property {string} from who speaks: `user`; in a program's conversation also `system`, `developer`, `assistant`, `tool`, `function`
 * @property {string | null} id
 * @property {string} text
 * @property {any} sent the message as a program sent it, if it is more than a role and a text; else null
 * @property {Answer | Question | null} parent only a message of a program follows a question
 * @typedef {{url: string, title: string}} Source
 * @typedef {{id: string | null, name: string[], arguments: string[]}} ToolCall
 * @typedef {object} Answer
 * @property {"assistant"} role
 * @property {string | null} id the message's id; null until the `start` event
 * @property {Question} parent
 * @property {import("../page/api.js").AnswerRequest} request the body of the request that asked for this answer
 * @property {string | null} model
 * @property {"running" | "done" | "stopped" | "error" | "cut_off" | "interrupted" | "failed"} state
 *   `failed`: this server did not accept the request, and `failure` says why
 * @property {string[]} content
 * @property {string[]} reasoning
 * @property {string[]} refusal
 * @property {ToolCall[]} toolCalls
 * @property {Source[]} sources pages that the answer refers to, each once
 * @property {"open" | "lost"} link whether the page can read the answer's log at the moment
 * @property {import("./wait_reason.js").WaitReason | null} waitReason why no text arrives, as the page found out
 * @property {boolean} stopping the user has pressed *Stop*, and the answer has not ended yet
 * @property {any} waiting why no text arrives, as the server said: the data of its newest `waiting` or `model_loading` notice
 * @property {number} trimmed how many of the oldest turns the server did not send to the model
 * @property {string[]} refused names of the options that the model did not accept
 * @property {{left: number, currency: string | null} | null} low what is left of the user's budget, if that is little; without a currency in tokens
 * @property {boolean} unsaved the server could not save the answer
 * @property {any} end data of the `end` event
 * @property {import("../page/api.js").Refused | null} failure
 * @property {number | null} createdAt when the answer began, by the server's clock
 * @property {string | null} continuedFrom id of the answer that this one continues
 * @property {number | null} startedAt when the answer began, by this page's clock; null: the page saw none of its events
 * @property {{from: number, to: number | null} | null} thought when its reasoning began and ended, in milliseconds since the answer began
 */

/** A running answer without text. @param {Question} parent @param {import("../page/api.js").AnswerRequest} request @returns {Answer} */
export function newAnswer(parent, request) {
  return { role: "assistant", id: null, parent, request, model: null, ...emptyLog(), link: "open", waitReason: null, stopping: false, failure: null, createdAt: null, continuedFrom: null, startedAt: null };
}

/** An answer that the server has stored. The caller sets its `parent`. @param {any} raw a message of `GET /api/conversations/{id}` @returns {Answer} */
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
    sources: raw.sources ?? [],
    end: state === "running" ? null : { state, finish_reason, usage, error, timings, upstream, cost },
  });
}

/** @param {string | null | undefined} text */
const pieces = (text) => (text ? [text] : []);

/** The values of an answer of whose log nothing was read. A `reset` goes back to them. @returns {Pick<Answer, "state" | "content" | "reasoning" | "refusal" | "toolCalls" | "sources" | "waiting" | "trimmed" | "refused" | "low" | "unsaved" | "end" | "thought">} */
const emptyLog = () => ({
  state: "running",
  content: [],
  reasoning: [],
  refusal: [],
  toolCalls: [],
  sources: [],
  waiting: null,
  trimmed: 0,
  refused: [],
  low: null,
  unsaved: false,
  end: null,
  thought: null,
});

/** Change the answer as an event of its log says. Unknown events change nothing. @param {Answer} answer @param {string} type @param {any} data */
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
  // While a continued answer begins, the page shows the old text. The first delta brings it again.
  answer.content = [];
  answer.reasoning = [];
}

/** @param {Answer} answer @param {any} data */
function applyDelta(answer, data) {
  answer.waiting = null;
  if (data.was_reasoning) {
    answer.reasoning = answer.reasoning.concat(answer.content);
    answer.content = [];
  }
  applyThinkingTime(answer, data);
  if (data.content) answer.content.push(data.content);
  if (data.reasoning) answer.reasoning.push(data.reasoning);
  if (data.refusal) answer.refusal.push(data.refusal);
  for (const fragment of data.tool_calls ?? []) applyToolCall(answer.toolCalls, fragment);
  for (const source of data.sources ?? []) if (!answer.sources.some(({ url }) => url === source.url)) answer.sources.push(source);
}

/** Note when the reasoning began and ended. If a part was loaded from the store, its beginning is not known. @param {Answer} answer @param {any} data */
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
  else if (data.code === "budget_low") answer.low = { left: Number(data.left) || 0, currency: data.currency ? String(data.currency) : null };
}

/** @param {Answer} answer @param {any} data */
function applyEnd(answer, data) {
  answer.end = data;
  answer.state = data.state;
  answer.model ??= data.model ?? null; // the server may not have known its default model before
  answer.waiting = null;
  answer.unsaved = data.saved === false && answer.request.keep !== false;
  if (answer.thought) answer.thought.to ??= data.t;
}

/** The text of a message as it was written, for copying. An answer's is Markdown. @param {Answer | Question} message */
export function sourceOf(message) {
  if (message.role === "user") return message.text;
  return hasText(message.content) ? message.content.join("") : message.refusal.join("");
}

/** Whether an answer ended without anything that it says. Its question is then not sent with the next one. @param {Answer} answer */
export const isUnanswered = ({ id, state, content, refusal }) => !!id && state !== "running" && !hasText(content) && !hasText(refusal);

/** Whether the text is more than white space. @param {string[]} pieces */
export const hasText = (pieces) => pieces.some((piece) => piece.trim() !== "");
