// What the page shows below an answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, newAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { loadTroubles, outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { Refused } from "../../../tornado_stream/static/js/page/api.js";
import { uuid } from "../../../tornado_stream/static/js/page/ids.js";

await loadTroubles();

const answer = () => newAnswer({ role: "user", id: null, text: "q", parent: null }, { request_id: uuid() });

function after(...events) {
  const made = answer();
  applyEvent(made, "start", { message_id: "m", user_message_id: "u", model: "fake" });
  for (const [type, data] of events) applyEvent(made, type, data);
  return made;
}

const ended = (end, ...deltas) => outcomeOf(after(...deltas.map((delta) => ["delta", delta]), ["end", { saved: true, ...end }]));
const busy = (...events) => outcomeOf(after(...events)).text;

test("a running answer says what it is waiting for", () => {
  assert.equal(busy(), "Reading your question…");
  assert.equal(busy(["notice", { code: "model_loading" }]), "Loading the model…");
  const waiting = ["notice", { code: "waiting", seconds: 7.6, reason: "rate_limit", attempt: 2 }];
  assert.equal(busy(waiting), "Trying again in 8 s (attempt 2)…");
  assert.equal(outcomeOf(after(waiting)).code, "rate_limit", "whose words follow");
  assert.equal(outcomeOf(after(["notice", { code: "model_loading" }])).code, "");
  assert.equal(busy(["notice", { code: "model_loading" }], ["delta", { reasoning: "r" }]), "Thinking…");
  assert.equal(busy(["delta", { content: "a" }]), "Writing…");
});

test("the end is quiet only if the answer is complete", () => {
  const text = { content: "a" };
  assert.deepEqual(ended({ state: "done", finish_reason: "stop", timings: { total_ms: 1234 } }, text).text, "fake · 1.2 s");
  assert.equal(ended({ state: "done", finish_reason: "stop" }, text).tone, "quiet");
  assert.equal(ended({ state: "done", finish_reason: "length" }, text).title, "Cut off at the length limit");
  assert.equal(ended({ state: "done", finish_reason: "content_filter" }, text).title, "Cut off by the content filter");
  assert.equal(ended({ state: "done", finish_reason: "stop" }, { content: " \n" }).title, "The model sent no text");
  assert.match(ended({ state: "done", finish_reason: "length" }, { reasoning: "r" }).text, /length limit while thinking/);
  assert.equal(ended({ state: "done", finish_reason: "stop" }, { refusal: "no" }).tone, "quiet");
  assert.match(ended({ state: "done", finish_reason: "tool_calls" }, { tool_calls: [{ index: 0, name: "f" }] }).title, /tool/);
});

test("a finish reason counts in any spelling", () => {
  const text = { content: "a" };
  const title = (finish_reason) => ended({ state: "done", finish_reason }, text).title;
  for (const reason of ["end_turn", "STOP", "eosFound", "stop_sequence", "FinishReason.STOP", "tool_use", "pause_turn", null]) assert.equal(title(reason), "", reason);
  for (const reason of ["MAX_TOKENS", "maxTokens", "model_length", "max-output-tokens", "FINISH_REASON_MAX_TOKENS"]) assert.equal(title(reason), "Cut off at the length limit", reason);
  for (const reason of ["SAFETY", "sensitive", "contentFiltered", "refusal", "guardrail_intervened"]) assert.equal(title(reason), "Cut off by the content filter", reason);
});

test("an unknown finish reason is a warning that names it", () => {
  const shown = ended({ state: "done", finish_reason: "banana_peel" }, { content: "a" });
  assert.deepEqual([shown.tone, shown.title], ["warn", "The answer ended for an unknown reason"]);
  assert.match(shown.text, /“banana_peel”/);
  assert.deepEqual(shown.actions, ["askToContinue", "again"]);
  assert.match(ended({ state: "done", finish_reason: "banana_peel" }).text, /“banana_peel”/);
  assert.ok(ended({ state: "done", finish_reason: "x".repeat(1000) }, { content: "a" }).text.length < 250);
});

test("every other end says how the answer ended and what the user can do", () => {
  const error = { code: "server_error", message: "It broke.", retry_after: 2.4 };
  const cases = [
    [{ state: "stopped" }, "quiet", "", "Stopped"],
    [{ state: "error", error }, "bad", "No answer", "It broke."],
    [{ state: "cut_off", error }, "warn", "The answer was cut off", "It broke."],
    [{ state: "interrupted", error: null }, "warn", "The answer was interrupted", "The server stopped before the answer was complete."],
    [{ state: "new_in_version_9" }, "warn", "The answer ended: new_in_version_9", ""],
  ];
  for (const [end, tone, title, text] of cases) {
    const outcome = ended(end);
    assert.deepEqual([outcome.tone, outcome.title, outcome.text], [tone, title, text]);
    assert.deepEqual(outcome.actions, [outcome.tone === "quiet" ? "again" : "retry"]);
    assert.deepEqual(ended(end, { content: "kept" }).actions, ["continue", "again"], "if there is text");
  }
  assert.equal(ended({ state: "error", error }).hint, "Try again in 3 s.");
  assert.equal(ended({ state: "error", error: { code: "auth", message: "Wrong key." } }).hint, "", "page/errors.js has it");
  assert.equal(ended({ state: "error", error }, { content: "a" }).title, "The answer ended with an error");
});

test("a request that the server refused", () => {
  const shown = (status, code, message = "") => {
    const made = answer();
    Object.assign(made, { state: "failed", failure: new Refused(status, code, message) });
    const { text, code: explained } = outcomeOf(made);
    return [text, explained];
  };
  assert.deepEqual(shown(409, "conversation_busy", "Busy."), ["Busy.", "conversation_busy"]);
  assert.deepEqual(shown(502, "http_502"), ["The server answered with status 502.", "http_502"]);
  assert.equal(shown(200, "not_a_stream", "")[1], undefined, "the page's own words need none");
});

test("a full server says when to try again, and the page counts the seconds down", () => {
  const made = answer();
  Object.assign(made, { state: "failed", failure: new Refused(429, "too_many_answers", "Full.", 5) });
  const { until } = made.failure;
  const soon = outcomeOf(made, { now: until - 3000 });
  assert.deepEqual([soon.text, soon.hint, soon.until], ["Full.", "Try again in 3 s.", until]);
  assert.deepEqual(soon.actions, ["retry"]);
  const late = outcomeOf(made, { now: until + 1 });
  assert.deepEqual([late.hint, late.until], ["You can try again now.", 0]);
});

test("for a conversation that is too long the page offers a new one", () => {
  const made = answer();
  Object.assign(made, { state: "failed", failure: new Refused(413, "conversation_full", "Too long.") });
  assert.deepEqual(outcomeOf(made).actions, ["fresh"]);
});

test("a budget that is spent counts no seconds down, since its message names the day", () => {
  const made = answer();
  Object.assign(made, { state: "failed", failure: new Refused(429, "budget_reached", "Spent.", 90_000) });
  const shown = outcomeOf(made, { now: made.failure.until - 3000 });
  assert.deepEqual([shown.text, shown.hint, shown.until], ["Spent.", "", 0]);
});
