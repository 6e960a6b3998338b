// The open conversation: what it sends, and what it shows.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../tornado_stream/static/js/answers/outbox.js";
import { loadTroubles, outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { Commands } from "../../../tornado_stream/static/js/conversation/commands.js";
import { Conversation } from "../../../tornado_stream/static/js/conversation/conversation.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Locks } from "../../../tornado_stream/static/js/page/locks.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { frame, head, log, serve, silent, START, status, whole } from "../server.mjs";

await loadTroubles();

/** An answer with its own ids; `turn` makes them differ. */
const answer = (turn, text = "ok", end = {}) => [
  frame(1, "start", { generation_id: `g${turn}`, conversation_id: "c", message_id: `m${turn}`, user_message_id: `u${turn}`, model: "fake" }),
  ...log([text], end).slice(1),
];
const failed = (turn, code) => [
  answer(turn)[0],
  frame(2, "end", { state: "error", saved: true, error: { code, message: `because of ${code}` } }),
];

/** A page's conversation on a server that plays `plays`, in a tab with this storage. */
async function open(t, plays, { storage = new Storage(() => null), onStop, tab = "tab" } = {}) {
  const { seen, api } = await serve(t, plays, onStop);
  const outbox = new Outbox(storage, new Locks(), tab);
  const conversation = new Conversation(api, new PageLifecycle(), outbox, new Locks());
  const commands = new Commands(conversation);
  t.after(() => conversation.clear());
  const until = (ready) =>
    new Promise((done) => {
      const over = new AbortController();
      const look = () => !over.signal.aborted && ready() && (over.abort(), done());
      conversation.addEventListener("answer", look, { signal: over.signal });
      conversation.addEventListener("path", look, { signal: over.signal });
      look();
    });
  const settled = () => until(() => !conversation.running);
  const bodies = () => seen.filter((one) => one.method === "POST" && !one.stop).map((one) => JSON.parse(one.body));
  return { conversation, commands, outbox, until, settled, bodies, seen };
}

const text = (message) => (message.role === "user" ? message.text : message.content.join(""));

test("the second question follows the first answer", async (t) => {
  const { conversation, commands, settled, bodies } = await open(t, [whole(answer(1, "one")), whole(answer(2, "two"))]);
  commands.send("first");
  await settled();
  commands.send("second");
  await settled();
  assert.deepEqual(conversation.path.map(text), ["first", "one", "second", "two"]);
  const [first, second] = bodies();
  assert.deepEqual(Object.keys(first).sort(), ["message", "request_id"]);
  assert.deepEqual([second.conversation_id, second.parent_id, second.message], ["c", "m1", "second"]);
  assert.notEqual(first.request_id, second.request_id);
});

test("only one answer at a time is asked for", async (t) => {
  const { conversation, commands, until, bodies } = await open(t, [silent([START])]);
  commands.send("first");
  commands.send("second");
  commands.retry();
  await until(() => conversation.newest.id);
  assert.equal(bodies().length, 1);
});

test("a question that the server refused is sent again with the same request", async (t) => {
  const busy = status(503, { code: "not_saved", message: "Busy." });
  const { conversation, commands, settled, bodies } = await open(t, [busy, whole(answer(1, "one"))]);
  commands.send("first");
  await settled();
  assert.equal(conversation.newest.state, "failed");
  const shown = outcomeOf(conversation.newest);
  assert.deepEqual([shown.title, shown.text, shown.actions[0]], ["Not sent", "Busy.", "retry"]);
  commands.retry();
  await settled();
  assert.deepEqual(conversation.path.map(text), ["first", "one"]);
  assert.deepEqual(bodies()[0], bodies()[1]);
});

test("a used request_id is not used again", async (t) => {
  const { conversation, commands, settled, bodies } = await open(t, [status(409, { code: "request_id_reused", message: "" }), whole(answer(1))]);
  commands.send("first");
  await settled();
  commands.retry();
  await settled();
  assert.notEqual(bodies()[0].request_id, bodies()[1].request_id);
});

test("after a question that the server refused, the next one follows the last answer that the server knows", async (t) => {
  const { conversation, commands, settled, bodies } = await open(t, [whole(answer(1, "one")), status(503, { code: "not_saved", message: "x" }), whole(answer(3, "three"))]);
  for (const question of ["first", "second", "third"]) {
    commands.send(question);
    await settled();
  }
  assert.equal(bodies()[2].parent_id, "m1");
  assert.deepEqual(conversation.path.map(text), ["first", "one", "second", "", "third", "three"]);
});

test("retry answers the same question again", async (t) => {
  const { conversation, commands, settled, bodies } = await open(t, [whole(failed(1, "upstream_error")), whole(answer(2, "now"))]);
  commands.send("first");
  await settled();
  commands.retry();
  await settled();
  assert.deepEqual(conversation.path.map(text), ["first", "now"]);
  const { message, conversation_id, parent_id } = bodies()[1];
  assert.deepEqual([message, conversation_id, parent_id], [null, "c", "u1"]);
});

test("a conversation that is too long is sent without its older half, then without half of the rest", async (t) => {
  const five = [1, 2, 3, 4, 5].map((turn) => whole(answer(turn)));
  const long = (turn) => whole(failed(turn, "context_length"));
  const { conversation, commands, settled, bodies } = await open(t, [...five, long(6), long(6), long(6), long(6), whole(answer(7))]);
  for (let turn = 1; turn <= 6; turn++) {
    commands.send(`q${turn}`);
    await settled();
  }
  const leftOut = [];
  while (commands.nextLeaveOut) {
    commands.retryShorter();
    await settled();
    leftOut.push(bodies().at(-1).leave_out);
  }
  assert.deepEqual(leftOut, [3, 4, 5]);
  const names = (canShorten) => outcomeOf(conversation.newest, { canShorten }).actions;
  assert.deepEqual(names(true), ["fresh", "shorter"]);
  assert.deepEqual(names(false), ["fresh"]);
  commands.send("q7");
  await settled();
  assert.equal(bodies().at(-1).leave_out, 5, "the turns stay left out");
});

test("a stopped answer is read to its end", async (t) => {
  const texts = answer(1, "begun");
  let response;
  const begun = (_, it) => ((response = head(it)), it.write(texts.slice(0, 2).join("")));
  const onStop = (_, it) => {
    response.end(frame(3, "end", { state: "stopped", saved: true }));
    it.writeHead(200).end("{}");
  };
  const { conversation, commands } = await open(t, [begun], { onStop });
  const happened = [];
  await new Promise((done) => {
    conversation.addEventListener("answer", (event) => {
      happened.push(event.detail.what);
      if (event.detail.what === "delta") void commands.stop();
      if (event.detail.what === "end") done();
    });
    commands.send("first");
  });
  assert.deepEqual(happened, ["start", "delta", "stopping", "end"]);
  assert.equal(outcomeOf(conversation.newest).text, "Stopped");
  assert.equal(text(conversation.newest), "begun");
});

test("a new conversation does not stop the running answer", async (t) => {
  const { conversation, commands, until, seen } = await open(t, [silent(answer(1).slice(0, 2)), whole(answer(2, "two"))]);
  commands.send("first");
  await until(() => conversation.newest?.content.length);
  conversation.clear();
  assert.deepEqual([conversation.path, conversation.running, conversation.id], [[], false, null]);
  commands.send("second");
  await until(() => !conversation.running);
  assert.deepEqual(conversation.path.map(text), ["second", "two"]);
  assert.equal(seen.filter((one) => one.stop).length, 0);
});
