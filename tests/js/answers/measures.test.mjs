// The times, tokens and costs of an answer and of a conversation.
import assert from "node:assert/strict";
import { test } from "node:test";

import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { estimateTokens, measuresOf, totalsOf } from "../../../tornado_stream/static/js/answers/measures.js";
import { after, done } from "../answered.mjs";

test("tokens as the server counted them", () => {
  const usage = { prompt_tokens: 30, completion_tokens: 120, completion_tokens_details: { reasoning_tokens: 20 } };
  const measures = measuresOf(after(["delta", { content: "x" }], done({ usage, timings: { first_token_ms: 200, total_ms: 2200 } })), null);
  assert.deepEqual(measures, {
    first: 200, total: 2200,
    input: { value: 30, isEstimate: false }, output: { value: 120, isEstimate: false }, reasoning: { value: 20, isEstimate: false }, rate: { value: 60, isEstimate: false }, cost: null,
  });
  const other = measuresOf(after(done({ usage: { input_tokens: 0, output_tokens: 7 } })), null);
  assert.deepEqual([other.input.value, other.output.value, other.rate, other.first], [0, 7, null, null]);
});

test("without the upstream's count, the tokens that this answer wrote are estimated and marked", () => {
  assert.deepEqual(["", "abcd", "abcde", "你好吗", "你好 abc", "안녕"].map(estimateTokens), [0, 1, 2, 3, 3, 2]);
  const timings = { first_token_ms: 100, total_ms: 1100 };
  const whole = after(["delta", { content: "x".repeat(400), reasoning: "y".repeat(40) }], done({ timings }));
  const { input, output, rate, reasoning } = measuresOf(whole, null);
  assert.deepEqual([input, reasoning], [null, null], "the number of tokens that the model read is not known");
  assert.deepEqual([output, rate], [{ value: 110, isEstimate: true }, { value: 110, isEstimate: true }]);
  const kept = storedAnswer({ id: "k", state: "cut_off", content: "x".repeat(200) });
  assert.equal(measuresOf(whole, kept).output.value, 60);
  assert.equal(measuresOf(after(done({ timings: { first_token_ms: 3, total_ms: 4 } })), null).output, null);
  const quick = after(["delta", { content: "abcd" }], done({ timings: { first_token_ms: 3, total_ms: 4 } }));
  assert.equal(measuresOf(quick, null).rate, null, "the time is too short for a rate");
});

test("the cost of a conversation: a sum in one currency, and an estimate if a part is one", () => {
  const answer = (end) => storedAnswer({ id: crypto.randomUUID(), state: "done", content: "x".repeat(40), ...end });
  const usage = { prompt_tokens: 5, completion_tokens: 7 };
  const cost = (amount, currency = "USD", estimated = false) => ({ amount, currency, estimated });
  const known = [answer({ usage, cost: cost(0.5) }), answer({ usage, cost: cost(0.25) }), answer({ usage, cost: cost(9, "EUR") })];
  assert.deepEqual(totalsOf(known), { tokens: { value: 36, isEstimate: false }, cost: { value: 0.75, isEstimate: false, currency: "USD" } });
  assert.deepEqual(totalsOf([answer({ cost: cost(1, "USD", true) })]), { tokens: { value: 10, isEstimate: true }, cost: { value: 1, isEstimate: true, currency: "USD" } });
  assert.deepEqual(totalsOf([]), { tokens: null, cost: null });
});
