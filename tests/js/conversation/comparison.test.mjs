// Which models are asked, and what a reload asks again.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../tornado_stream/static/js/answers/outbox.js";
import { Commands } from "../../../tornado_stream/static/js/conversation/commands.js";
import { Comparison } from "../../../tornado_stream/static/js/conversation/comparison.js";
import { Conversation } from "../../../tornado_stream/static/js/conversation/conversation.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Locks } from "../../../tornado_stream/static/js/page/locks.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";
import { frame, serve, silent, status, whole } from "../server.mjs";

const until = async (true_) => {
  while (!true_()) await new Promise((done) => setTimeout(done, 5));
};

/** An answer to the question of the request, by its model. */
const answered = (request, response, body) => {
  const { request_id, model } = JSON.parse(body);
  const start = { generation_id: request_id, conversation_id: "c", message_id: `m-${model}`, user_message_id: "u", parent_id: null, model };
  const end = { state: "done", finish_reason: "stop", saved: true };
  whole([frame(1, "start", start), frame(2, "delta", { content: `by ${model}` }), frame(3, "end", end)])(request, response);
};

/** A tab that may be reloaded, on a server that plays this. */
async function tab(t, plays) {
  const { seen, api } = await serve(t, plays);
  const [area, kept] = [new Area(), new Area()];
  const open = () => {
    const lifecycle = new PageLifecycle();
    const outbox = new Outbox(new Storage(() => kept), new Locks(), "tab");
    const conversation = new Conversation(api, lifecycle, outbox, new Locks());
    const commands = new Commands(conversation, { chosen: { model: "chosen", options: { seed: 7 } } });
    const comparison = new Comparison(conversation, commands, new Storage(() => area));
    const tick = setInterval(() => lifecycle.dispatchEvent(new CustomEvent("change", { detail: "visible" })), 10);
    t.after(() => {
      clearInterval(tick);
      conversation.clear();
      api.ask = async () => Response.json({}, { status: 400 }); // without this an answer that has not begun would be asked for for ever
      lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
    });
    return { conversation, commands, comparison };
  };
  return { open, asked: () => seen.filter(({ method, stop }) => method === "POST" && !stop).map(({ body }) => JSON.parse(body)) };
}

const texts = ({ columns }) => columns.map(({ content }) => content.join(""));

test("the question is sent once, and the other models are asked when the server has it", async (t) => {
  const { open, asked } = await tab(t, [answered]);
  const { conversation, commands, comparison } = open();
  comparison.choose(["a", "b", "c"]);
  commands.send("which?");
  assert.equal(comparison.columns.length, 0, "the server does not have the question yet");
  await until(() => texts(comparison).join() === "by a,by b,by c");
  const [first, ...others] = asked();
  assert.deepEqual([first.message, first.model, first.beside], ["which?", "a", undefined]);
  for (const [index, other] of others.entries()) {
    assert.deepEqual([other.message, other.parent_id, other.conversation_id, other.beside], [null, "u", "c", true]);
    assert.deepEqual([other.model, other.options], ["bc"[index], { seed: 7 }]);
  }
  assert.equal(new Set(asked().map((one) => one.request_id)).size, 3);
  assert.equal(conversation.newest.model, "a", "the others do not become the branch");
  assert.equal(conversation.runner.answers.length, 0);
});

test("a model is asked when the answer before it has begun, or was refused", async (t) => {
  const held = [];
  const { open, asked } = await tab(t, [answered, (...all) => held.push(all), answered]);
  const { comparison, commands } = open();
  comparison.choose(["a", "b", "c"]);
  commands.send("which?");
  await until(() => held.length === 1);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(asked().map(({ model }) => model), ["a", "b"]);
  status(429, { code: "too_many_answers", message: "3 are the most." })(...held[0]);
  await until(() => texts(comparison).join() === "by a,,by c");
  assert.deepEqual(asked().map(({ model }) => model), ["a", "b", "c"]);
});

test("stop lets no further model begin, although one that was asked begins after it", async (t) => {
  const held = [];
  const { open, asked } = await tab(t, [answered, (...all) => held.push(all), answered]);
  const { comparison, commands, conversation } = open();
  comparison.choose(["a", "b", "c"]);
  commands.send("which?");
  await until(() => held.length === 1);
  const stopped = commands.stop();
  answered(...held[0]);
  await stopped;
  await until(() => !conversation.runner.answers.length);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(asked().map(({ model }) => model), ["a", "b"]);
});

test("a reload before the server has the question forgets none of the models", async (t) => {
  const { open, asked } = await tab(t, [silent([]), answered]); // the first page never hears of its answer
  const before = open();
  before.comparison.choose(["a", "b"]);
  before.commands.send("which?");
  await until(() => asked().length === 1);
  const after = open();
  assert.deepEqual(after.comparison.models, ["a", "b"]);
  await after.commands.resumeUnsent(() => assert.fail("nothing is refused"));
  await until(() => texts(after.comparison).join() === "by a,by b");
  assert.deepEqual(asked().map((one) => one.model), ["a", "a", "b"]);
  assert.equal(asked()[0].request_id, asked()[1].request_id);
});

test("another answer in a column is by its model, beside the others, and takes its place", async (t) => {
  const { open, asked } = await tab(t, [answered, (request, response, body) => status(429, { code: "too_many_answers", message: "3 are the most." })(request, response, body), answered]);
  const { commands, comparison, conversation } = open();
  comparison.choose(["a", "b"]);
  commands.send("which?");
  await until(() => comparison.columns[1]?.state === "failed");
  assert.ok(comparison.freeFor(comparison.columns[1]));
  commands.retry(comparison.columns[1]);
  await until(() => texts(comparison).join() === "by a,by b");
  const [, refused, again] = asked();
  assert.deepEqual([again.model, again.beside, again.parent_id], ["b", true, "u"]);
  assert.notEqual(again.request_id, refused.request_id);
  assert.ok(conversation.free);
});

test("one model, or a temporary chat, is no comparison", async (t) => {
  const { open, asked } = await tab(t, [answered]);
  const { commands, comparison, conversation } = open();
  comparison.choose(["a"]);
  commands.send("first");
  await until(() => conversation.newest?.state === "done");
  assert.deepEqual(asked().map((one) => one.model), ["chosen"]);
  comparison.choose(["a", "b"]);
  conversation.temporary = () => ({});
  assert.equal(comparison.isReady, false);
});
