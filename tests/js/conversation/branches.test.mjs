// Which branch of a conversation a tab shows: what the user has chosen, until the user asks something.
import assert from "node:assert/strict";
import { test } from "node:test";

import { newAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { Outbox } from "../../../tornado_stream/static/js/answers/outbox.js";
import { Branches } from "../../../tornado_stream/static/js/conversation/branches.js";
import { Commands } from "../../../tornado_stream/static/js/conversation/commands.js";
import { Conversation } from "../../../tornado_stream/static/js/conversation/conversation.js";
import { treeOf } from "../../../tornado_stream/static/js/conversation/snapshot.js";
import { newQuestion } from "../../../tornado_stream/static/js/conversation/tree.js";
import { Refused } from "../../../tornado_stream/static/js/page/api.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Locks } from "../../../tornado_stream/static/js/page/locks.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { frame, json, serve, silent, status, whole } from "../server.mjs";

const user = (id, parent_id, content) => ({ id, parent_id, role: "user", content, state: null });
const answer = (id, parent_id, content, more = {}) => ({ id, parent_id, role: "assistant", content, state: "done", generation_id: `g-${id}`, ...more });
const snapshot = (messages, current_id) => ({ id: "c", title: "T", current_id, updated_at: 1, messages });
// 1 ─ two ─ 2, 2 again      (two again ─ 3 was written last)
//   └ two again ─ 3
const TREE = [user("u1", null, "one"), answer("a1", "u1", "1"), user("u2", "a1", "two"), answer("a2", "u2", "2"), answer("b2", "u2", "2 again"), user("u3", "a1", "two again"), answer("a3", "u3", "3")];

/** The branches in a tab whose storage is this map. */
function tab(kept = new Map(), messages = TREE, current = "a3") {
  const area = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const branches = new Branches(new Storage(() => area));
  branches.enter("c");
  branches.replace(treeOf(snapshot(messages, current)).messages, current);
  return branches;
}
const ids = (messages) => messages.map((message) => message.id);

test("the versions of a message, in the order in which they were written", () => {
  const shown = tab();
  assert.deepEqual(ids(shown.siblings(shown.messages.get("u3"))), ["u2", "u3"]);
  assert.deepEqual(ids(shown.siblings(shown.messages.get("a2"))), ["a2", "b2"]);
  assert.deepEqual(ids(shown.siblings(shown.messages.get("u1"))), ["u1"]);
});

test("without a choice the tab shows the branch that was written to last; a choice survives a reload", () => {
  const kept = new Map();
  const shown = tab(kept);
  assert.equal(shown.newest.id, "a3");
  assert.equal(kept.size, 0);
  shown.choose(shown.messages.get("u2"));
  assert.equal(shown.newest.id, "b2", "the newest answer below it");
  assert.equal(tab(kept).newest.id, "b2");
  assert.equal(tab().newest.id, "a3", "another tab");
});

test("a tab that returns to a branch shows the leaf that it showed there before", () => {
  const kept = new Map();
  const shown = tab(kept);
  shown.choose(shown.messages.get("a2"));
  assert.equal(shown.newest.id, "a2");
  shown.choose(shown.messages.get("u3"));
  assert.equal(shown.newest.id, "a3");
  shown.choose(shown.messages.get("u2"));
  assert.equal(shown.newest.id, "a2", "not the newest leaf, which it never showed");
  const again = tab(kept);
  again.choose(again.messages.get("u3"));
  again.choose(again.messages.get("u2"));
  assert.equal(again.newest.id, "a2");
});

test("choosing the branch that was written to last ends the choice, and the tab follows new messages again", () => {
  const kept = new Map();
  const shown = tab(kept);
  shown.choose(shown.messages.get("u2"));
  const more = [...TREE, answer("c3", "u3", "3 again")];
  assert.equal(tab(kept, more, "c3").newest.id, "b2", "new messages of another branch are not shown");
  shown.choose(shown.messages.get("u3"));
  assert.equal(tab(kept, more, "c3").newest.id, "c3");
});

test("new messages of a chosen branch are shown, and a choice that does not exist any more is ignored", () => {
  const kept = new Map();
  const shown = tab(kept);
  shown.choose(shown.messages.get("a2"));
  assert.equal(tab(kept, [...TREE, user("u4", "a2", "on"), answer("a4", "u4", "and on")], "a4").newest.id, "a4");
  assert.equal(tab(kept, [user("x", null, "new"), answer("y", "x", "!")], "y").newest.id, "y");
  kept.set("tornado-stream:branch:c", "no JSON");
  assert.equal(tab(kept).newest.id, "a3");
});

test("a question becomes a version as soon as it is asked, and the user can leave it and return to it", () => {
  const shown = tab();
  const asked = newAnswer(newQuestion(null, "two, once more", shown.messages.get("a1")), { request_id: "r" });
  shown.ask(asked);
  assert.equal(shown.newest, asked);
  assert.deepEqual(ids(shown.siblings(asked.parent)), ["u2", "u3", null]);
  shown.choose(shown.messages.get("u3"));
  assert.equal(shown.newest.id, "a3");
  shown.choose(asked.parent);
  assert.equal(shown.newest, asked, "also before the server knows it");
  Object.assign(asked, { id: "a9" }).parent.id = "u9";
  shown.started(asked, "c");
  assert.deepEqual(ids(shown.siblings(asked.parent)), ["u2", "u3", "u9"]);
});

test("an unsent question stays where it was asked", () => {
  const shown = tab();
  const failed = { state: "failed", failure: new Refused(503, "not_saved", "") };
  const edited = Object.assign(newAnswer(newQuestion(null, "edited", shown.messages.get("a1")), { request_id: "r" }), failed);
  shown.ask(edited);
  shown.replace(treeOf(snapshot(TREE, "a3"), shown.messages).messages, "a3");
  assert.deepEqual([shown.newest, edited.parent.parent.id], [edited, "a1"]);
  const plain = Object.assign(newAnswer(newQuestion(null, "on", shown.messages.get("a3")), { request_id: "s" }), failed);
  const other = tab();
  plain.parent.parent = other.newest;
  other.ask(plain);
  other.replace(treeOf(snapshot([...TREE, user("u4", "a3", "theirs"), answer("a4", "u4", "4")], "a4"), other.messages).messages, "a4");
  assert.deepEqual([other.newest, plain.parent.parent.id], [plain, "a4"], "one that continues the conversation moves to its new end");
});

/** A page on a server that returns this snapshot and plays these streams. */
async function page(t, told, plays) {
  let played = 0;
  const turn = (request, response, body) => (request.url.startsWith("/api/") ? json(response, 200, told) : plays[Math.min(played++, plays.length - 1)](request, response, body));
  const { seen, api } = await serve(t, [turn]);
  const conversation = new Conversation(api, new PageLifecycle(), new Outbox(new Storage(() => null), new Locks(), "tab"), new Locks());
  t.after(() => conversation.clear());
  await conversation.open("c");
  const until = (ready) => new Promise((done) => {
    const over = new AbortController();
    const look = () => !over.signal.aborted && ready() && (over.abort(), done());
    for (const type of ["answer", "path"]) conversation.addEventListener(type, look, { signal: over.signal });
    look();
  });
  const posted = () => JSON.parse(seen.findLast((one) => one.method === "POST").body);
  return { conversation, commands: new Commands(conversation), until, posted, seen };
}
const begins = (message, asked, more = {}) => frame(1, "start", { generation_id: "g", conversation_id: "c", message_id: message, user_message_id: asked, ...more });
const end = (number) => frame(number, "end", { state: "done", finish_reason: "stop", saved: true });
const text = (message) => (message.role === "user" ? message.text : message.content.join(""));

test("an edited question is asked beside the old one, also at the very beginning", async (t) => {
  const { conversation, commands, until, posted } = await page(t, snapshot(TREE, "a3"), [whole([begins("m", "u"), end(2)])]);
  commands.edit(conversation.messages.get("u3"), "two, edited");
  assert.deepEqual(conversation.path.map(text), ["one", "1", "two, edited", ""]);
  await until(() => !conversation.running);
  assert.deepEqual([posted().message, posted().parent_id], ["two, edited", "a1"]);
  assert.deepEqual(ids(conversation.branches.siblings(conversation.newest.parent)), ["u2", "u3", "u"]);
  commands.edit(conversation.messages.get("u1"), "one, edited");
  await until(() => !conversation.running);
  assert.deepEqual([posted().message, posted().parent_id], ["one, edited", null]);
});

test("any answer can be regenerated, and continued if it was cut off", async (t) => {
  const broken = TREE.map((raw) => (raw.id === "a1" ? { ...raw, state: "cut_off" } : raw));
  const { conversation, commands, until, posted } = await page(t, snapshot(broken, "a3"), [whole([begins("m", "u1"), end(2)]), whole([begins("n", "u1", { continued_from: "a1" }), end(2)])]);
  const first = conversation.path[1];
  commands.retry(first);
  assert.deepEqual(conversation.path.map(text), ["one", ""]);
  await until(() => !conversation.running);
  assert.deepEqual([posted().message, posted().parent_id], [null, "u1"]);
  conversation.choose(first);
  assert.deepEqual(conversation.path.map(text), ["one", "1", "two again", "3"]);
  commands.continueAnswer(first);
  assert.deepEqual(conversation.path.map(text), ["one", "1"]);
  await until(() => !conversation.running);
  assert.equal(posted().continue, "a1");
  assert.deepEqual([conversation.newest.continuedFrom, ids(conversation.branches.siblings(conversation.newest))], ["a1", ["a1", "m", "n"]]);
});

test("a question that is sent on a chosen branch continues that branch", async (t) => {
  const { conversation, commands, until, posted } = await page(t, snapshot(TREE, "a3"), [whole([begins("m", "u"), end(2)])]);
  conversation.choose(conversation.messages.get("a2"));
  commands.send("and then?");
  await until(() => !conversation.running);
  assert.deepEqual([posted().message, posted().parent_id], ["and then?", "a2"]);
  assert.deepEqual(conversation.path.map(text), ["one", "1", "two", "2", "and then?", ""]);
});

test("an answer continues while the tab shows another branch; nothing else can be asked until it has ended", async (t) => {
  const { conversation, commands, until, seen } = await page(t, snapshot(TREE, "a3"), [silent([begins("m", "u3")]), status(500)]);
  commands.retry();
  await until(() => conversation.newest.id);
  conversation.choose(conversation.messages.get("a2"));
  assert.deepEqual([conversation.live.id, conversation.running, conversation.free], ["m", true, false]);
  assert.ok(!conversation.path.includes(conversation.live));
  commands.send("now?");
  commands.edit(conversation.messages.get("u1"), "now?");
  assert.equal(seen.filter((one) => one.method === "POST").length, 1);
  conversation.choose(conversation.live);
  assert.equal(conversation.newest, conversation.live);
});

test("a question that was refused is not shown again once the server has it", () => {
  const shown = tab();
  const request = { message: "next", request_id: "g-a4" };
  const asked = newAnswer(newQuestion(null, "next", shown.newest), request);
  shown.ask(asked);
  asked.state = "failed";
  shown.replace(treeOf(snapshot(TREE, "a3")).messages, "a3");
  assert.equal(shown.newest, asked, "not there yet");
  const more = [...TREE, user("u4", "a3", "next"), answer("a4", "u4", "4")];
  shown.replace(treeOf(snapshot(more, "a4")).messages, "a4");
  assert.equal(shown.newest.id, "a4");
});
