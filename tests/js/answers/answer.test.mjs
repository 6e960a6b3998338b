// How events change an answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, newAnswer, sourceOf } from "../../../tornado_stream/static/js/answers/answer.js";

function after(...events) {
  const made = newAnswer({ role: "user", id: null, text: "q", parent: null }, { request_id: "r" });
  applyEvent(made, "start", { message_id: "m", user_message_id: "u", model: "fake" });
  for (const [type, data] of events) applyEvent(made, type, data);
  return made;
}

test("deltas of every kind add up", () => {
  const made = after(
    ["delta", { content: "a", reasoning: "r" }],
    ["delta", { content: "b", refusal: "no" }],
    ["delta", { tool_calls: [{ index: 0, id: "x", name: "get_", arguments: '{"a"' }] }],
    ["delta", { tool_calls: [{ index: 0, name: "time", arguments: ":1}" }, { index: 1, name: "other" }] }],
    ["surprise", { content: "ignored" }],
    ["notice", { code: "surprise" }],
  );
  assert.deepEqual([made.content, made.reasoning, made.refusal], [["a", "b"], ["r"], ["no"]]);
  assert.deepEqual(made.toolCalls, [
    { id: "x", index: 0, name: ["get_", "time"], arguments: ['{"a"', ":1}"], at: 2 },
    { id: null, index: 1, name: ["other"], arguments: [], at: 2 },
  ]);
  applyEvent(made, "reset", {});
  assert.deepEqual([made.content, made.toolCalls, made.state, made.id], [[], [], "running", "m"]);
});

test("content that was reasoning moves behind the reasoning before it", () => {
  const made = after(
    ["delta", { reasoning: "r", content: "a" }],
    ["delta", { content: "b" }],
    ["delta", { was_reasoning: true, reasoning: "c", content: "d" }],
    ["delta", { content: "e" }],
  );
  assert.deepEqual([made.reasoning, made.content], [["r", "a", "b", "c"], ["d", "e"]]);
});

test("an answer that was not saved at first, and then was", () => {
  const made = after(["notice", { code: "not_saved" }]);
  assert.equal(made.unsaved, true);
  applyEvent(made, "notice", { code: "saved" });
  assert.equal(made.unsaved, false);
  applyEvent(made, "end", { state: "done", saved: false });
  assert.equal(made.unsaved, true);
});

test("an answer whose model was not known at its start gets it from its end", () => {
  assert.equal(after(["end", { state: "done", model: "other" }]).model, "fake");
  const made = after(["start", { message_id: "m", user_message_id: "u", model: null }]);
  applyEvent(made, "end", { state: "done", model: "first-of-the-list" });
  assert.equal(made.model, "first-of-the-list");
});

test("the source of a message is what its author wrote", () => {
  assert.equal(sourceOf(after(["delta", { content: "a **b**" }], ["delta", { content: "\n" }])), "a **b**\n");
});

test("a notice tells what is left of a budget, as an amount or in tokens", () => {
  assert.equal(after().low, null);
  assert.deepEqual(after(["notice", { code: "budget_low", left: 0.25, currency: "EUR" }]).low, { left: 0.25, currency: "EUR" });
  assert.deepEqual(after(["notice", { code: "budget_low", left: 900, currency: null }]).low, { left: 900, currency: null });
});

test("a picture counts once, and one that is missing says why", () => {
  const image = { file_id: "f", type: "image/png", name: "picture.png", size: 10, tokens: 1 };
  const made = after(
    ["delta", { images: [image] }],
    ["delta", { images: [image] }],
    ["notice", { code: "image_not_kept", reason: "file_type" }],
  );
  assert.deepEqual(made.images, [{ id: "f", kind: "image", type: "image/png", name: "picture.png", size: 10, tokens: 1 }]);
  assert.deepEqual(made.imagesLost, ["file_type"]);
  applyEvent(made, "reset", {});
  assert.deepEqual([made.images, made.imagesLost], [[], []]);
});
