// The server's snapshot of a conversation, as messages of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { loadTroubles, outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { Branches } from "../../../tornado_stream/static/js/conversation/branches.js";
import { treeOf } from "../../../tornado_stream/static/js/conversation/snapshot.js";
import { questionOf } from "../../../tornado_stream/static/js/conversation/tree.js";
import { answer, BRANCHED, path, snapshot, user } from "../snapshots.mjs";

await loadTroubles();

/** The branches of a conversation in a tab with this storage. */
function shown(told, storage, known) {
  const branches = new Branches(storage);
  branches.enter(told.id);
  const { messages, running } = treeOf(told, known);
  branches.replace(messages, told.current_id);
  return Object.assign(branches, { running });
}

test("the path to the current message, and every branch beside it", () => {
  const { messages, newest } = shown(snapshot(BRANCHED, "a3"));
  assert.deepEqual(path(newest), ["one", "1", "two", "2 again"]);
  assert.equal(messages.size, 7);
  assert.deepEqual(path(messages.get("a4")), ["one", "1", "other", "4"]);
  const shuffled = shown(snapshot([...BRANCHED].reverse(), "a3"));
  assert.deepEqual(path(shuffled.newest), path(newest), "in any order");
});

test("a message that has not changed is the same object, and so keeps its view", () => {
  const first = shown(snapshot([...BRANCHED, user("u5", "a3", "five"), answer("a5", "u5", "be", { state: "running", last_event_id: 3 })], "a5"));
  assert.deepEqual([first.running, first.newest.state, first.newest.end], [[{ answer: first.newest, after: 3 }], "running", null]);
  const again = shown(snapshot([...BRANCHED, user("u5", "a3", "five"), answer("a5", "u5", "begun")], "a5"), undefined, first.messages);
  assert.equal(again.messages.get("a3"), first.messages.get("a3"));
  assert.equal(again.messages.get("u5"), first.messages.get("u5"));
  assert.notEqual(again.newest, first.newest);
  assert.deepEqual(path(again.newest).slice(-1), ["begun"]);
});

test("a question without an answer, an empty conversation, tool calls", () => {
  const open = shown(snapshot(BRANCHED.slice(0, 3), "u2")).newest;
  assert.deepEqual(outcomeOf(open).text, "There is no answer to this question.");
  assert.deepEqual([open.request.parent_id, open.request.conversation_id, open.request.message], ["u2", "c", null]);
  assert.equal(shown(snapshot([], null)).newest, null);
  const call = { index: 0, id: "x", name: "f", arguments: "{}" };
  const called = shown(snapshot([user("u", null, "q"), answer("a", "u", "", { tool_calls: [call], finish_reason: "tool_calls" })], "a")).newest;
  assert.deepEqual(called.toolCalls, [{ at: 0, index: 0, id: "x", name: ["f"], arguments: ["{}"] }]);
  assert.match(outcomeOf(called).title, /tool/);
});

test("an answer that goes on after decisions follows the one that waited", () => {
  const call = { type: "call", index: 0, id: "x", name: "add", server: "notes", arguments: "{}", state: "waiting", why: "asks", result: null, ms: null, decision: null };
  const waits = [user("u", null, "q"), answer("a", "u", "", { parts: [call] })];
  const before = shown(snapshot(waits, "a"));
  assert.equal(outcomeOf(before.newest).title, "Waiting for you");
  const again = shown(snapshot(waits, "a"), undefined, before.messages);
  assert.equal(again.newest, before.newest, "it has not changed");
  const decided = [waits[0], answer("a", "u", "", { parts: [{ ...call, decision: "run" }] }), answer("b", "a", "noted", { parts: [{ ...call, index: null, state: "done" }, { type: "text", text: "noted" }] })];
  const { newest, messages } = shown(snapshot(decided, "b"), undefined, before.messages);
  assert.deepEqual(path(newest), ["q", "", "noted"]);
  assert.equal(newest.parent, messages.get("a"));
  assert.notEqual(messages.get("a"), before.newest, "another device has decided");
  assert.equal(questionOf(newest).text, "q");
});
