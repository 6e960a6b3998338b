// The bodies of requests.
import assert from "node:assert/strict";
import { test } from "node:test";

import { questionRequest, regenerateRequest, excess, continueRequest } from "../../../tornado_stream/static/js/conversation/requests.js";

test("every request contains the model and the options that the user has set", () => {
  const chosen = { model: "b", options: { top_p: 0.5 } };
  const question = { role: "user", id: "u", text: "hi", files: [], parent: null };
  for (const body of [questionRequest("c", question, 0, chosen), regenerateRequest("c", question, 0, chosen), continueRequest("c", { id: "m" }, 0, chosen)]) {
    assert.deepEqual([body.model, body.options], ["b", { top_p: 0.5 }]);
  }
  assert.ok(!("model" in questionRequest(null, question, 0, {})) && !("options" in questionRequest(null, question, 0, undefined)));
});

test("the length of a text is counted as in JSON, in bytes", () => {
  const most = 1024 * 1024 - 4096;
  for (const [character, bytes] of [["x", 1], ["\n", 2], ["\u0001", 6], ["é", 2], ["雪", 3], ["😀", 4]]) {
    const count = Math.floor((most - 2) / bytes);
    assert.equal(excess(character.repeat(count)), 0, character);
    assert.ok(excess(character.repeat(count + 1)) > 0, character);
  }
  const question = { role: "user", id: "u", text: "x".repeat(most - 2), files: [], parent: null };
  const body = { ...questionRequest(crypto.randomUUID(), question, 99, { model: "m".repeat(200), options: { temperature: 0.123456789, top_p: 0.123456789, max_tokens: 1000000, reasoning_effort: "minimal" } }), parent_id: crypto.randomUUID() };
  assert.ok(JSON.stringify(body).length <= 1024 * 1024);
});

test("a question has its files, in their order", () => {
  const question = { role: "user", id: "u", text: "", files: [{ id: "b" }, { id: "a" }], parent: null };
  assert.deepEqual(questionRequest("c", question, 0, {}).files, ["b", "a"]);
  assert.equal(questionRequest("c", { ...question, files: [] }, 0, {}).files, undefined);
});
