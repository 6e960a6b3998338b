// @ts-check
/** Reads an answer that the server has stored. Pure. Loaded when a conversation is opened. */
import { newAnswer } from "./answer.js";

/** An answer that the server has stored. The caller sets its `parent`. @param {any} raw a message of `GET /api/conversations/{id}` @returns {import("./answer.js").Answer} */
export function storedAnswer(raw) {
  const { state, finish_reason, usage, error, timings, upstream, cost } = raw;
  const parts = raw.parts?.length ? raw.parts : [{ type: "text", text: raw.content }, ...(raw.tool_calls ?? [])];
  const answer = newAnswer(/** @type {any} */ (null), raw.request ?? { request_id: raw.generation_id });
  return Object.assign(answer, {
    id: raw.id,
    model: raw.model ?? null,
    createdAt: raw.created_at ?? null,
    continuedFrom: raw.continued_from ?? null,
    state,
    content: parts.flatMap((/** @type {any} */ part) => pieces(part.text)),
    reasoning: pieces(raw.reasoning),
    refusal: pieces(raw.refusal),
    ...storedCalls(parts),
    sources: raw.sources ?? [],
    images: raw.files ?? [],
    end: state === "running" ? null : { state, finish_reason, usage, error, timings, upstream, cost },
  });
}

/** @param {string | null | undefined} text */
const pieces = (text) => (text ? [text] : []);

/** The calls and the steps among the parts of a stored answer. @param {any[]} parts @returns {{toolCalls: import("./answer.js").ToolCall[], steps: import("./answer.js").Step[]}} */
function storedCalls(parts) {
  /** @type {import("./answer.js").ToolCall[]} */
  const toolCalls = [];
  let at = 0;
  for (const part of parts) {
    if (part.type === "text") at += part.text ? 1 : 0;
    else if (part.type !== "step") toolCalls.push({ index: toolCalls.length, ...part, id: part.id ?? null, name: pieces(part.name), arguments: pieces(part.arguments), at });
  }
  return { toolCalls, steps: parts.filter(({ type }) => type === "step") };
}
