// Opening a conversation, which other devices may be changing.
import assert from "node:assert/strict";
import { test } from "node:test";

import { frame, status, whole } from "../server.mjs";
import { answer, BRANCHED, page, snapshot, text, until, user } from "../snapshots.mjs";

test("a running answer is read on from the last event that the snapshot contains", async (t) => {
  const running = snapshot([user("u", null, "q"), answer("a", "u", "so far", { state: "running", last_event_id: 7 })], "a");
  const rest = [frame(8, "delta", { content: " and on" }), frame(9, "end", { state: "done", finish_reason: "stop", saved: true })];
  const { conversation, seen } = await page(t, [running], [whole(rest)]);
  await conversation.open("c");
  await until(() => !conversation.running);
  assert.deepEqual(conversation.path.map(text), ["q", "so far and on"]);
  assert.deepEqual([seen[1].url, seen[1].after, seen.length], ["/stream/g-a", "7", 2]);
  assert.equal(conversation.title, "Title");
});

test("a conversation that does not exist, and a server that cannot be reached yet", async (t) => {
  const away = (request) => void request.socket.destroy();
  const { conversation } = await page(t, [away, away, snapshot(BRANCHED, "a2"), status(404, { code: "not_found", message: "" })]);
  const states = new Set();
  conversation.addEventListener("path", () => states.add(conversation.state));
  await conversation.open("c");
  assert.deepEqual([...states], ["loading", "unreachable", "ready"]);
  assert.deepEqual(conversation.path.map(text), ["one", "1", "two", "2"]);
  await conversation.open("d");
  assert.equal(conversation.state, "missing");
});

test("a continued answer shows the old text, and the rest below it", async (t) => {
  const broken = snapshot([user("u", null, "q"), answer("a", "u", "kept ", { state: "interrupted" })], "a");
  const start = frame(1, "start", { generation_id: "g", conversation_id: "c", message_id: "b", user_message_id: "u", continued_from: "a" });
  const rest = [start, frame(2, "delta", { content: "kept " }), frame(3, "delta", { content: "rest" }), frame(4, "end", { state: "done", finish_reason: "stop" })];
  const { conversation, commands, seen } = await page(t, [broken], [whole(rest)]);
  await conversation.open("c");
  commands.continueAnswer();
  assert.deepEqual(conversation.path.map(text), ["q", "kept "], "at once");
  await until(() => !conversation.running);
  assert.deepEqual(conversation.path.map(text), ["q", "kept rest"]);
  const { request_id, ...body } = JSON.parse(seen[1].body);
  assert.deepEqual(body, { message: null, conversation_id: "c", continue: "a" });
  assert.ok(request_id);
  assert.deepEqual([...conversation.messages.keys()].sort(), ["a", "b", "u"]);
});

test("while another device's answer is written, it is shown, and the own question stays and can be sent", async (t) => {
  const running = snapshot([...BRANCHED.slice(0, 2), user("u8", "a1", "theirs"), answer("a8", "u8", "x", { state: "running", last_event_id: 2 })], "a8");
  const busy = status(409, { code: "conversation_busy", message: "Busy." });
  const end = whole([frame(3, "end", { state: "done", finish_reason: "stop" })]);
  const { conversation, commands, seen } = await page(t, [snapshot(BRANCHED.slice(0, 2), "a1"), running], [busy, end, status(500)]);
  await conversation.open("c");
  commands.send("mine");
  await until(() => conversation.messages.has("a8") && !conversation.running);
  assert.deepEqual(conversation.path.map(text), ["one", "1", "theirs", "x", "mine", ""]);
  commands.retry();
  await until(() => !conversation.running);
  const body = JSON.parse(seen.at(-1).body);
  assert.deepEqual([body.message, body.parent_id], ["mine", "a8"]);
});
