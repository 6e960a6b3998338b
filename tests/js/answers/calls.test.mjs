// What becomes of the calls of tools that the server runs: the events, the store, and what the page says.
import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, isUnanswered, isUndecided, newAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { callState, resultParts } from "../../../tornado_stream/static/js/answers/calls.js";
import { loadTroubles, outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { after, done } from "../answered.mjs";

await loadTroubles();

const call = (index, id, more = {}) => ["delta", { tool_calls: [{ index, id, name: "time__now", arguments: "{}", ...more }] }];
const tool = (index, id, state, more = {}) => ["tool", { index, id, name: "now", server: "time", state, why: null, result: null, is_error: false, ms: null, again: null, ...more }];
const result = { text: "12:00", structured: null, files: [], sources: [], shortened: false };

test("a call that runs has its own name, its server, its state and its result, at its place in the text", () => {
  const made = after(
    ["delta", { content: "Let me look." }],
    call(0, "a"),
    ["step", { number: 1, finish_reason: "tool_calls", usage: { prompt_tokens: 1 }, cost: null }],
    tool(0, "a", "running", { t: 100 }),
    tool(0, "a", "done", { result, ms: 12, t: 112 }),
    ["delta", { content: "\n\n" }],
    ["delta", { content: "Noon." }],
    done(),
  );
  const [{ name, arguments: given, ...rest }] = made.toolCalls;
  assert.deepEqual([name, given], [["now"], ["{}"]]);
  assert.deepEqual(rest, { id: "a", index: 0, at: 1, server: "time", state: "done", why: null, result, is_error: false, ms: 12, again: null, since: 100 });
  assert.deepEqual(made.steps.map(({ number }) => number), [1]);
  assert.equal(made.content.join(""), "Let me look.\n\nNoon.");
  assert.equal(isUndecided(made), false);
  assert.equal(outcomeOf(made).tone, "quiet");
});

test("the stored answer is the one that the events made", () => {
  const raw = {
    id: "m", state: "done", content: "One.Two.", generation_id: "g", tool_calls: [{ id: "a", name: "time__now", arguments: "{}" }],
    parts: [
      { type: "text", text: "One." },
      { type: "call", index: 0, id: "a", name: "now", server: "time", arguments: "{}", state: "done", why: null, result, is_error: false, ms: 12, again: null, decision: null },
      { type: "step", number: 1, finish_reason: "tool_calls", usage: {}, cost: null },
      { type: "text", text: "Two." },
    ],
  };
  const stored = storedAnswer(raw);
  assert.deepEqual([stored.content, stored.toolCalls.length, stored.toolCalls[0].at, stored.toolCalls[0].result, stored.steps.length], [["One.", "Two."], 1, 1, result, 1]);
  const plain = storedAnswer({ ...raw, parts: [] });
  assert.deepEqual([plain.content, plain.toolCalls], [["One.Two."], [{ id: "a", index: 0, name: ["time__now"], arguments: ["{}"], at: 1 }]]);
  applyEvent(plain, "delta", { tool_calls: [{ index: 0, arguments: " " }] });
  assert.equal(plain.toolCalls.length, 1, "a stored call goes on");
});

test("the question of an answer that has only calls is sent with the next one", () => {
  const begun = ["start", { message_id: "m", user_message_id: "u" }];
  const step = ["step", { number: 1, finish_reason: "tool_calls", usage: null, cost: null }];
  assert.equal(isUnanswered(after(begun, call(0, "a"), step, tool(0, "a", "waiting"), done())), false);
  assert.equal(isUnanswered(after(begun, tool(null, "a", "refused"), done({ state: "stopped" }))), false, "a decision");
  assert.equal(isUnanswered(after(begun, step, done({ state: "stopped" }))), false, "a request to the model");
  assert.equal(isUnanswered(after(begun, call(0, "a"), done())), true, "a call for a program");
  assert.equal(isUnanswered(after(begun, done({ state: "error" }))), true);
});

test("an answer that waits for a person is not finished, and is decided once the next one begins", () => {
  const waits = after(call(0, "a"), call(1, "b"), tool(0, "a", "waiting", { why: "asks" }), tool(1, "b", "waiting", { why: "asks" }), done({ finish_reason: "tool_calls", waiting: ["a", "b"] }));
  assert.ok(isUndecided(waits));
  const { tone, title, actions } = outcomeOf(waits);
  assert.deepEqual([tone, title, actions], ["warn", "Waiting for you", []]);
  const next = newAnswer(waits, { request_id: "s", decide: { a: "run", b: "refuse" } });
  applyEvent(next, "start", { message_id: "n", user_message_id: "m" });
  assert.deepEqual(waits.toolCalls.map(({ decision }) => decision), ["run", "refuse"]);
  assert.equal(isUndecided(waits), false);
  for (const event of [tool(null, "a", "running", { arguments: '{"x":1}', t: 1 }), tool(null, "a", "done", { arguments: '{"x":1}', result }), tool(null, "b", "refused", { arguments: "{}" }), call(0, "c"), tool(0, "c", "done", { result })]) applyEvent(next, ...event);
  assert.deepEqual(next.toolCalls.map(({ id, index, state }) => [id, index, state]), [["a", null, "done"], ["b", null, "refused"], ["c", 0, "done"]]);
  assert.deepEqual(next.toolCalls[0].arguments, ['{"x":1}']);
});

test("a call that ran when its answer was stopped may have run, and the model can go on after those that are done", () => {
  const stopped = after(call(0, "a"), tool(0, "a", "running"), ["end", { state: "stopped", waiting: ["a"], t: 9 }]);
  assert.equal(stopped.toolCalls[0].state, "unknown");
  assert.deepEqual([outcomeOf(stopped).title, outcomeOf(stopped).text], ["Waiting for you", "Stopped"]);
  const ran = after(["delta", { content: "One." }], call(0, "a"), tool(0, "a", "done", { result }), ["end", { state: "cut_off", error: { code: "connection_closed", message: "x" }, t: 9 }]);
  assert.deepEqual(outcomeOf(ran).actions, ["goOn", "again"], "not `continue`, which would ask anew");
  const silent = after(call(0, "a"), tool(0, "a", "done", { result }), done());
  assert.equal(outcomeOf(silent).title, "The model sent no text");
  const ofProgram = after(call(0, "a"), done({ finish_reason: "tool_calls" }));
  assert.equal(outcomeOf(ofProgram).title, "The model waits for the result of a tool");
});

test("a server of tools that cannot be used is told", () => {
  const made = after(["notice", { code: "tools_unavailable", server: "notes", message: "It does not start." }]);
  assert.deepEqual(made.without, [{ server: "notes", message: "It does not start." }]);
});

test("states in words", () => {
  const words = (more, now = 0) => callState({ name: [], arguments: [], id: "a", at: 0, ...more }, now);
  assert.equal(words({ state: "running", since: 100 }, 150), "Running…");
  assert.equal(words({ state: "running", since: 100 }, 5200), "Running for 5 s");
  assert.equal(words({ state: "running" }, 5200), "Running…");
  assert.equal(words({ state: "done", ms: 12 }), "Done · 12 ms");
  assert.equal(words({ state: "done", ms: 1500 }), "Done · 1.5 s");
  assert.equal(words({ state: "failed", why: "No such tool." }), "Failed · No such tool.");
  assert.equal(words({ state: "unknown" }), "May have run");
  assert.equal(words({ state: "waiting", decision: "always" }), "You allowed it for this conversation");
});

test("what a result consists of", () => {
  const picture = { id: "1", kind: "image", name: "a.png" };
  const table = { id: "2", kind: "text", name: "b.csv" };
  const page = { url: "https://a.example/", title: "A" };
  const parts = resultParts({ text: '{"b": 1}', structured: { b: 1 }, files: [picture, table], sources: [page], shortened: true });
  assert.deepEqual(parts, { text: "", structured: '{"b":1}', pictures: [picture], others: [table, page], isShortened: true });
  assert.equal(resultParts({ text: "It is 1.", structured: { b: 1 } }).text, "It is 1.");
  assert.deepEqual(resultParts(null), { text: "", structured: "", pictures: [], others: [], isShortened: false });
});
