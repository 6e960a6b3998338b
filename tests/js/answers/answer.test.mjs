// What is shown about a message besides its text: times, figures, tools, next steps.
import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, newAnswer, sourceOf, storedAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { estimateTokens, measuresOf, totalsOf } from "../../../tornado_stream/static/js/answers/measures.js";
import { outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { labelOf } from "../../../tornado_stream/static/js/transcript/reasoning_view.js";
import { pretty } from "../../../tornado_stream/static/js/transcript/tool_calls_view.js";

/** An answer after these events, and when it began by the page's clock. */
function after(...events) {
  const answer = newAnswer({ role: "user", id: null, text: "q", parent: null }, { request_id: "r" });
  applyEvent(answer, "start", { message_id: "m", user_message_id: "u", model: "fake", t: 0 });
  for (const [type, data] of events) applyEvent(answer, type, data);
  return answer;
}
const done = (more = {}) => ["end", { state: "done", finish_reason: "stop", saved: true, t: 5000, ...more }];
const failed = (error, more = {}) => after(["end", { state: "error", error: { message: "No.", ...error }, t: 100, ...more }]);

test("the time that is spent thinking, by the server's clock once it is over", () => {
  const answer = after(["delta", { reasoning: "hm", t: 1000 }]);
  const label = (ms) => labelOf(answer, answer.origin + ms);
  assert.deepEqual([label(1500), label(2100), label(13_400)], ["Thinking", "Thinking for 1 s", "Thinking for 12 s"]);
  applyEvent(answer, "delta", { reasoning: "!", t: 12_000 });
  applyEvent(answer, "delta", { content: "42", t: 13_000 });
  applyEvent(answer, "delta", { content: "!", t: 15_000 });
  assert.equal(label(20_000), "Thought for 12 s");
});

test("no time where none is known", () => {
  assert.equal(labelOf(storedAnswer({ id: "a", state: "done", reasoning: "hm", content: "42" }), 0), "Thoughts");
  const kept = after(["delta", { reasoning: "hm", content: "42", t: 3 }], done());
  assert.equal(labelOf(kept, Date.now()), "Thoughts", "kept from before");
  const joined = storedAnswer({ id: "a", state: "running", reasoning: "hm" });
  applyEvent(joined, "delta", { reasoning: "m", t: 9000 });
  assert.equal(labelOf(joined, Date.now()), "Thinking");
  assert.equal(labelOf(after(["delta", { reasoning: "hm", t: 1000 }], done({ t: 3500 })), Date.now()), "Thought for 2.5 s", "and then nothing");
});

test("tokens as the server counted them", () => {
  const usage = { prompt_tokens: 30, completion_tokens: 120, completion_tokens_details: { reasoning_tokens: 20 } };
  const measures = measuresOf(after(["delta", { content: "x" }], done({ usage, timings: { first_token_ms: 200, total_ms: 2200 } })), null);
  assert.deepEqual(measures, {
    first: 200, total: 2200,
    input: { value: 30, about: false }, output: { value: 120, about: false }, reasoning: { value: 20, about: false }, rate: { value: 60, about: false }, cost: null,
  });
  const other = measuresOf(after(done({ usage: { input_tokens: 0, output_tokens: 7 } })), null);
  assert.deepEqual([other.input.value, other.output.value, other.rate, other.first], [0, 7, null, null]);
});

test("without a count an estimate that says so, of what was written by this answer", () => {
  assert.deepEqual(["", "abcd", "abcde", "你好吗", "你好 abc", "안녕"].map(estimateTokens), [0, 1, 2, 3, 3, 2]);
  const timings = { first_token_ms: 100, total_ms: 1100 };
  const whole = after(["delta", { content: "x".repeat(400), reasoning: "y".repeat(40) }], done({ timings }));
  const { input, output, rate, reasoning } = measuresOf(whole, null);
  assert.deepEqual([input, reasoning], [null, null], "what the server read is not known");
  assert.deepEqual([output, rate], [{ value: 110, about: true }, { value: 110, about: true }]);
  const kept = storedAnswer({ id: "k", state: "cut_off", content: "x".repeat(200) });
  assert.equal(measuresOf(whole, kept).output.value, 60);
  assert.equal(measuresOf(after(done({ timings: { first_token_ms: 3, total_ms: 4 } })), null).output, null);
  const quick = after(["delta", { content: "abcd" }], done({ timings: { first_token_ms: 3, total_ms: 4 } }));
  assert.equal(measuresOf(quick, null).rate, null, "too short to say");
});

test("arguments as a person reads them, every figure as it was written", () => {
  assert.equal(pretty('{"a":1,"b":[{"c":"x, {y}: \\"z\\""}],"d":{},"e":[ ]}'), '{\n  "a": 1,\n  "b": [\n    {\n      "c": "x, {y}: \\"z\\""\n    }\n  ],\n  "d": {},\n  "e": []\n}');
  assert.equal(pretty('{"id":12345678901234567890,"x":1.0}'), '{\n  "id": 12345678901234567890,\n  "x": 1.0\n}');
  assert.equal(pretty('"just  text"'), '"just  text"');
  for (const text of ['{"a":', "", "rm -rf /"]) assert.equal(pretty(text), text);
});

test("seconds to wait are counted down, and then the way is free", () => {
  const answer = failed({ code: "rate_limit", retry_after: 12 });
  const at = (ms) => outcomeOf(answer, { now: answer.origin + ms });
  assert.deepEqual([at(100).hint, at(1100).hint, at(11_700).hint], ["Try again in 12 s.", "Try again in 11 s.", "Try again in 1 s."]);
  assert.deepEqual([at(100).until, at(100).icon, at(100).actions], [answer.origin + 12_100, "clock", ["retry"]]);
  assert.deepEqual([at(12_200).hint, at(12_200).until], ["You can try again now.", 0]);
  const waiting = after(["notice", { code: "waiting", seconds: 8, reason: "rate_limit", attempt: 2, t: 50 }]);
  const line = (ms) => outcomeOf(waiting, { now: waiting.origin + ms }).text;
  assert.match(line(60), /^Waiting 8 s before trying again: rate limit/);
  assert.match(line(5060), /^Waiting 3 s/);
  assert.match(line(60_000), /^Waiting 1 s/, "it is late");
});

test("a wait that was read from the store, also by a clock that goes wrong", () => {
  const stored = storedAnswer({ id: "a", state: "error", created_at: 1_000_000, timings: { total_ms: 500 }, error: { code: "rate_limit", message: "", retry_after: 60 } });
  const at = (now) => outcomeOf(stored, { now });
  assert.equal(at(1_010_500).hint, "Try again in 50 s.");
  assert.equal(at(9_000_000).hint, "You can try again now.");
  assert.deepEqual([at(5).hint, at(5).until], ["Try again in 60 s.", 0], "not counted where the clocks disagree");
});

test("each error has its next step", () => {
  const steps = (code, message = "No.") => {
    const { hint, icon, actions } = outcomeOf(failed({ code, message }));
    return [hint, icon, actions.join(" ")];
  };
  assert.match(steps("auth")[0], /OPENAI_API_KEY/);
  assert.equal(steps("auth", "Check OPENAI_API_KEY.")[0], "", "it is said already");
  assert.deepEqual(steps("auth").slice(1), ["key", "retry"]);
  assert.deepEqual(steps("model_not_found").slice(1), ["alert", "model retry"]);
  assert.deepEqual(steps("context_length").slice(1), ["ruler", "fresh"]);
  assert.deepEqual(steps("bad_request").slice(1), ["alert", "editQuestion retry"]);
  assert.match(steps("connect_failed")[0], /running/);
  assert.match(steps("not_an_api")[0], /OPENAI_BASE_URL/);
  assert.match(steps("server_error")[0], /log/);
  assert.deepEqual(steps("new_in_version_9"), ["", "alert", "retry"]);
});

test("limits and filters have theirs, and a stop its receipt", () => {
  const end = (reason, delta) => outcomeOf(after(["delta", delta], done({ finish_reason: reason })));
  assert.deepEqual(end("length", { content: "a" }).actions, ["askToContinue", "again"]);
  assert.deepEqual(end("content_filter", { content: "a" }).actions, ["editQuestion", "retry"]);
  assert.deepEqual(end("stop", { refusal: "no" }).actions, ["editQuestion", "again"]);
  const stopped = (stop) => outcomeOf(after(["end", { state: "stopped", stop }]));
  assert.equal(stopped({ upstream_closed_ms: 3, received_events: 42 }).hint, "The connection to the model was closed after 3 ms. 42 pieces had come.");
  assert.equal(stopped({ upstream_closed_ms: null, received_events: 1 }).hint, "1 piece had come.");
  assert.equal(stopped(null).hint, "");
});

test("the source of a message is what its author wrote", () => {
  assert.equal(sourceOf(after(["delta", { content: "a **b**" }], ["delta", { content: "\n" }])), "a **b**\n");
});

test("what a conversation cost: sums of one currency, an estimate where one is in it", () => {
  const answer = (end) => storedAnswer({ id: crypto.randomUUID(), state: "done", content: "x".repeat(40), ...end });
  const usage = { prompt_tokens: 5, completion_tokens: 7 };
  const cost = (amount, currency = "USD", estimated = false) => ({ amount, currency, estimated });
  const known = [answer({ usage, cost: cost(0.5) }), answer({ usage, cost: cost(0.25) }), answer({ usage, cost: cost(9, "EUR") })];
  assert.deepEqual(totalsOf(known), { tokens: { value: 36, about: false }, cost: { value: 0.75, about: false, currency: "USD" } });
  assert.deepEqual(totalsOf([answer({ cost: cost(1, "USD", true) })]), { tokens: { value: 10, about: true }, cost: { value: 1, about: true, currency: "USD" } });
  assert.deepEqual(totalsOf([]), { tokens: null, cost: null });
});
