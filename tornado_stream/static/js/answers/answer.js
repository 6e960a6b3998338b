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
 * @property {AttachedFile[]} files what belongs to the question
 * @property {any} sent the message as a program sent it, if it is more than a role and a text; else null
 * @property {Answer | Question | null} parent only a message of a program follows a question
 * @typedef {{id: string, name?: string, kind?: string, type?: string, size?: number, tokens?: number, pages?: number | null, pages_read?: number | null, shortened?: boolean, shared?: boolean}} AttachedFile `shared`: another message or draft had the same bytes before; of a question that an earlier page left unsent, only the id is known
 * @typedef {{url: string, title: string}} Source
 * @typedef {object} ToolCall
 * @property {string | null} id
 * @property {string[]} name
 * @property {string[]} arguments
 * @property {number} at how many pieces of the answer's text came before the call
 * @property {number | null} [index] in the answer's log; null: it was decided after the answer before, which has it too
 * @property {"waiting" | "running" | "done" | "failed" | "refused" | "unknown"} [state] absent: the call is one for a program, or it is still being written
 * @property {string | null} [server] that has the tool; null: there is no such tool
 * @property {string | null} [why] it waits or failed
 * @property {any} [result]
 * @property {boolean} [is_error] the tool itself says that it failed
 * @property {number | null} [ms] how long it ran
 * @property {number} [since] when it began to run, in milliseconds since the answer began
 * @property {string | null} [decision] of a person, if there was one
 * @typedef {{number: number, finish_reason: string | null, usage: any, cost: any}} Step one request to the model, of an answer that may call tools
 * @typedef {object} Answer
 * @property {"assistant"} role
 * @property {string | null} id the message's id; null until the `start` event
 * @property {Question | Answer} parent what it answers; an answer whose calls were decided goes on in another one
 * @property {import("../page/api.js").AnswerRequest} request the body of the request that asked for this answer
 * @property {string | null} model
 * @property {"running" | "done" | "stopped" | "error" | "cut_off" | "interrupted" | "failed"} state
 *   `failed`: this server did not accept the request, and `failure` says why
 * @property {string[]} content
 * @property {string[]} reasoning
 * @property {string[]} refusal
 * @property {ToolCall[]} toolCalls
 * @property {Step[]} steps
 * @property {Source[]} sources pages that the answer refers to, each once
 * @property {AttachedFile[]} images pictures that the model sent, each once
 * @property {string[]} imagesLost why pictures of the model are not there: codes of errors
 * @property {"open" | "lost"} link whether the page can read the answer's log at the moment
 * @property {import("./wait_reason.js").WaitReason | null} waitReason why no text arrives, as the page found out
 * @property {boolean} stopping the user has pressed *Stop*, and the answer has not ended yet
 * @property {any} waiting why no text arrives, as the server said: the data of its newest `waiting` or `model_loading` notice
 * @property {number} trimmed how many of the oldest turns the server did not send to the model
 * @property {{name: string, pages: number}[]} shortened files of which the model got only the beginning; of a PDF so many pages, else 0
 * @property {string[]} refused names of the options that the model did not accept
 * @property {{server: string, message: string}[]} without servers of tools that could not be used, and why
 * @property {{left: number, currency: string | null} | null} low what is left of the user's budget, if that is little; without a currency in tokens
 * @property {boolean} unsaved the server could not save the answer
 * @property {any} end data of the `end` event
 * @property {import("../page/api.js").Refused | null} failure
 * @property {number | null} createdAt when the answer began, by the server's clock
 * @property {string | null} continuedFrom id of the answer that this one continues
 * @property {number | null} startedAt when the answer began, by this page's clock; null: the page saw none of its events
 * @property {{from: number, to: number | null} | null} thought when its reasoning began and ended, in milliseconds since the answer began
 */

/** A running answer without text. @param {Question | Answer} parent @param {import("../page/api.js").AnswerRequest} request @returns {Answer} */
export function newAnswer(parent, request) {
  return { role: "assistant", id: null, parent, request, model: null, ...emptyLog(), link: "open", waitReason: null, stopping: false, failure: null, createdAt: null, continuedFrom: null, startedAt: null };
}

/** The values of an answer of whose log nothing was read. A `reset` goes back to them. @returns {Pick<Answer, "state" | "content" | "reasoning" | "refusal" | "toolCalls" | "steps" | "sources" | "images" | "imagesLost" | "waiting" | "trimmed" | "shortened" | "refused" | "without" | "low" | "unsaved" | "end" | "thought">} */
const emptyLog = () => ({
  state: "running",
  content: [],
  reasoning: [],
  refusal: [],
  toolCalls: [],
  steps: [],
  sources: [],
  images: [],
  imagesLost: [],
  waiting: null,
  trimmed: 0,
  shortened: [],
  refused: [],
  without: [],
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
  else if (type === "tool") applyTool(answer, data);
  else if (type === "step") answer.steps.push(data);
  else if (type === "notice") applyNotice(answer, data);
  else if (type === "end") applyEnd(answer, data);
  else if (type === "reset") Object.assign(answer, emptyLog());
}

/** @param {Answer} answer @param {any} data */
function applyStart(answer, data) {
  answer.id = data.message_id;
  answer.model = data.model ?? null;
  answer.parent.id = data.user_message_id;
  const { toolCalls = [] } = /** @type {Answer} */ (answer.parent);
  for (const call of toolCalls) call.decision ??= /** @type {any} */ (answer.request.decide)?.[String(call.id)];
  answer.continuedFrom = data.continued_from ?? null;
  answer.createdAt = data.created_at ?? null;
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
    for (const call of answer.toolCalls) call.at = 0;
  }
  applyThinkingTime(answer, data);
  if (data.content) answer.content.push(data.content);
  if (data.reasoning) answer.reasoning.push(data.reasoning);
  if (data.refusal) answer.refusal.push(data.refusal);
  for (const fragment of data.tool_calls ?? []) applyToolCall(answer, fragment);
  for (const source of data.sources ?? []) if (!answer.sources.some(({ url }) => url === source.url)) answer.sources.push(source);
  for (const { file_id: id, ...image } of data.images ?? []) if (!answer.images.some((one) => one.id === id)) answer.images.push({ id, kind: "image", ...image });
}

/** Note when the reasoning began and ended. If a part was loaded from the store, its beginning is not known. @param {Answer} answer @param {any} data */
function applyThinkingTime(answer, data) {
  if (data.reasoning && !answer.reasoning.length && data.t !== undefined) answer.thought = { from: data.t, to: null };
  if (answer.thought && (data.content || data.refusal || data.tool_calls)) answer.thought.to ??= data.t;
}

/** @param {Answer} answer @param {any} fragment */
function applyToolCall(answer, fragment) {
  const call = callAt(answer, Number(fragment.index) || 0);
  call.id = fragment.id ?? call.id;
  if (fragment.name) call.name.push(fragment.name);
  if (fragment.arguments) call.arguments.push(fragment.arguments);
}

/** What has become of a call. @param {Answer} answer @param {any} data */
function applyTool(answer, { t, arguments: given, ...data }) {
  answer.waiting = null;
  const call = callAt(answer, data.index, data.id);
  if (given) call.arguments = [given];
  Object.assign(call, data, { name: [data.name] }, data.state === "running" && { since: t });
}

/** @param {Answer} answer @param {number | null} index @param {string} [id] of a call that was decided: these come first, and have no index */
function callAt({ toolCalls: calls, content }, index, id) {
  const isIt = (/** @type {ToolCall} */ call) => (index === null ? call.id === id : call.index === index);
  const made = () => ({ id: id ?? null, index, name: [], arguments: [], at: content.length });
  return calls.find(isIt) ?? calls[calls.push(made()) - 1];
}

/** @param {Answer} answer @param {any} data */
function applyNotice(answer, data) {
  if (data.code === "model_loading" || data.code === "waiting") answer.waiting = data;
  else if (data.code === "not_saved") answer.unsaved = true;
  else if (data.code === "saved") answer.unsaved = false;
  else if (data.code === "file_shortened") answer.shortened.push({ name: String(data.file), pages: Number(data.pages) || 0 });
  else if (data.code === "image_not_kept") answer.imagesLost.push(String(data.reason));
  else if (data.code === "context_trimmed") answer.trimmed = Number(data.turns) || 0;
  else if (data.code === "option_refused") answer.refused.push(String(data.option));
  else if (data.code === "tools_unavailable") answer.without.push({ server: String(data.server), message: String(data.message) });
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
  for (const call of answer.toolCalls) if (call.state === "running") call.state = "unknown"; // the answer was stopped, or the server was
}

/** Whether a person has to decide about a call of this answer. @param {Answer} answer */
export const isUndecided = ({ state, toolCalls }) => state !== "running" && toolCalls.some(isOpen);

/** Whether a person has to decide what becomes of a call. @param {ToolCall} call */
export const isOpen = ({ state, decision }) => !decision && (state === "waiting" || state === "unknown");

/** The text of a message as it was written, for copying. An answer's is Markdown. @param {Answer | Question} message */
export function sourceOf(message) {
  if (message.role === "user") return message.text;
  return hasText(message.content) ? message.content.join("") : message.refusal.join("");
}

/** Whether an answer ended without anything that it says, and without calls that the server carries out. Its question is then not sent with the next one. @param {Answer} answer */
export const isUnanswered = ({ id, state, content, refusal, images, steps, toolCalls }) =>
  !!id && state !== "running" && !hasText(content) && !hasText(refusal) && !images.length && !steps.length && !toolCalls.some((call) => call.state);

/** Whether the text is more than white space. @param {string[]} pieces */
export const hasText = (pieces) => pieces.some((piece) => piece.trim() !== "");
