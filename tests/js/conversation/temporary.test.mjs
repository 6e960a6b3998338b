// The requests of a temporary chat, which have everything that was said before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { Outbox } from "../../../tornado_stream/static/js/answers/outbox.js";
import { temporaryRequests } from "../../../tornado_stream/static/js/conversation/temporary.js";
import { newQuestion } from "../../../tornado_stream/static/js/conversation/tree.js";

test("a request has the messages before the question", () => {
  const first = newQuestion("1", "Is the sky blue?");
  const answer = Object.assign(newAnswer(first, { request_id: "2" }), { id: "2", content: ["Y", "es."] });
  const second = newQuestion(null, "Why?", answer);
  const chosen = { model: "m", options: { seed: 1 }, preset: "p", system: "of the defaults" };
  const { request_id: id, ...body } = temporaryRequests(() => "Be brief.")(null, second, 1, chosen);
  assert.match(id, /^[0-9a-f-]{36}$/);
  const history = [{ role: "user", content: "Is the sky blue?" }, { role: "assistant", content: "Yes." }];
  assert.deepEqual(body, { keep: false, message: "Why?", history, system: "Be brief.", leave_out: 1, model: "m", options: { seed: 1 } });
});

test("the outbox stores nothing of it", () => {
  const stored = new Map();
  const storage = { keys: () => [...stored.keys()], get: (key) => stored.get(key) ?? null, set: (key, value) => stored.set(key, value), remove: (key) => stored.delete(key) };
  const outbox = new Outbox(storage, { claim: () => ({ granted: Promise.resolve(), free() {} }) }, "tab");
  outbox.add({ request_id: "1", keep: false, message: "secret" });
  assert.equal(stored.size, 0);
  outbox.add({ request_id: "2", message: "kept" });
  assert.equal(stored.size, 1);
  outbox.remove("1");
});
