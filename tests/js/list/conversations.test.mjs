// A conversation as the server tells it, the list of them, and what happens elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../tornado_stream/static/js/answers/outbox.js";
import { outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { Branches } from "../../../tornado_stream/static/js/conversation/branches.js";
import { Commands } from "../../../tornado_stream/static/js/conversation/commands.js";
import { Conversation } from "../../../tornado_stream/static/js/conversation/conversation.js";
import { treeOf } from "../../../tornado_stream/static/js/conversation/tree.js";
import { Conversations } from "../../../tornado_stream/static/js/list/conversations.js";
import { Sync } from "../../../tornado_stream/static/js/list/sync.js";
import { Api } from "../../../tornado_stream/static/js/page/api.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Locks } from "../../../tornado_stream/static/js/page/locks.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { frame, json, serve, status, whole } from "../server.mjs";

const user = (id, parent_id, content) => ({ id, parent_id, role: "user", content, state: null });
const answer = (id, parent_id, content, more = {}) => ({
  id, parent_id, role: "assistant", content, reasoning: "", refusal: "", tool_calls: [], model: "fake", state: "done", finish_reason: "stop",
  usage: null, error: null, timings: null, generation_id: `g-${id}`, continued_from: null, ...more,
});
const snapshot = (messages, current_id, more = {}) => ({ id: "c", title: "Title", system: null, current_id, updated_at: 1, messages, ...more });
const text = (message) => (message.role === "user" ? message.text : message.content.join(""));
const path = (newest) => {
  const found = [];
  for (let message = newest; message; message = message.parent) found.unshift(text(message));
  return found;
};
const until = async (true_) => {
  while (!true_()) await new Promise((done) => setTimeout(done, 5));
};

const BRANCHED = [
  user("u1", null, "one"), answer("a1", "u1", "1"), user("u2", "a1", "two"), answer("a2", "u2", "2"), answer("a3", "u2", "2 again"), user("u4", "a1", "other"), answer("a4", "u4", "4"),
];

/** The branches of a conversation, as a tab with this storage shows them. */
function shown(told, storage, known) {
  const branches = new Branches(storage);
  branches.enter(told.id);
  const { messages, after } = treeOf(told, known);
  branches.take(messages, told.current_id);
  return Object.assign(branches, { after });
}

test("the path to the current message, and every branch beside it", () => {
  const { messages, newest } = shown(snapshot(BRANCHED, "a3"));
  assert.deepEqual(path(newest), ["one", "1", "two", "2 again"]);
  assert.equal(messages.size, 7);
  assert.deepEqual(path(messages.get("a4")), ["one", "1", "other", "4"]);
  const shuffled = shown(snapshot([...BRANCHED].reverse(), "a3"));
  assert.deepEqual(path(shuffled.newest), path(newest), "in any order");
});

test("what has not changed is the same message, and keeps its view", () => {
  const first = shown(snapshot([...BRANCHED, user("u5", "a3", "five"), answer("a5", "u5", "be", { state: "running", last_event_id: 3 })], "a5"));
  assert.deepEqual([first.after, first.newest.state, first.newest.end], [3, "running", null]);
  const again = shown(snapshot([...BRANCHED, user("u5", "a3", "five"), answer("a5", "u5", "begun")], "a5"), undefined, first.messages);
  assert.equal(again.messages.get("a3"), first.messages.get("a3"));
  assert.equal(again.messages.get("u5"), first.messages.get("u5"));
  assert.notEqual(again.newest, first.newest);
  assert.deepEqual(path(again.newest).slice(-1), ["begun"]);
});

test("a question that nobody answered, an empty conversation, tool calls", () => {
  const open = shown(snapshot(BRANCHED.slice(0, 3), "u2")).newest;
  assert.deepEqual(outcomeOf(open).text, "There is no answer to this question.");
  assert.deepEqual([open.request.parent_id, open.request.conversation_id, open.request.message], ["u2", "c", null]);
  assert.equal(shown(snapshot([], null)).newest, null);
  const call = { index: 0, id: "x", name: "f", arguments: "{}" };
  const called = shown(snapshot([user("u", null, "q"), answer("a", "u", "", { tool_calls: [call], finish_reason: "tool_calls" })], "a")).newest;
  assert.deepEqual(called.toolCalls, [{ id: "x", name: ["f"], arguments: ["{}"] }]);
  assert.match(outcomeOf(called).title, /tool/);
});

/** A page on a server that tells these snapshots (the last for ever) and plays these streams. */
async function page(t, snapshots, plays = [status(500)]) {
  let told = 0;
  let played = 0;
  const turn = (request, response, body) => {
    if (!request.url.startsWith("/api/")) return plays[Math.min(played++, plays.length - 1)](request, response, body);
    const next = snapshots[Math.min(told++, snapshots.length - 1)];
    return typeof next === "function" ? next(request, response) : json(response, 200, next);
  };
  const { seen, api } = await serve(t, [turn]);
  const lifecycle = new PageLifecycle();
  const conversation = new Conversation(api, lifecycle, new Outbox(new Storage(() => null), new Locks(), "tab"), new Locks());
  const tick = setInterval(() => lifecycle.dispatchEvent(new CustomEvent("change", { detail: "visible" })), 10);
  t.after(() => (clearInterval(tick), conversation.clear()));
  return { conversation, commands: new Commands(conversation), seen, lifecycle, api };
}

test("a running answer is followed from where its text ends", async (t) => {
  const running = snapshot([user("u", null, "q"), answer("a", "u", "so far", { state: "running", last_event_id: 7 })], "a");
  const rest = [frame(8, "delta", { content: " and on" }), frame(9, "end", { state: "done", finish_reason: "stop", saved: true })];
  const { conversation, seen } = await page(t, [running], [whole(rest)]);
  await conversation.open("c");
  await until(() => !conversation.running);
  assert.deepEqual(conversation.path.map(text), ["q", "so far and on"]);
  assert.deepEqual([seen[1].url, seen[1].after, seen.length], ["/stream/g-a", "7", 2]);
  assert.equal(conversation.title, "Title");
});

test("a conversation that is not there, and a server that is not there yet", async (t) => {
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

test("going on: the rest comes below what is kept", async (t) => {
  const broken = snapshot([user("u", null, "q"), answer("a", "u", "kept ", { state: "interrupted" })], "a");
  const start = frame(1, "start", { generation_id: "g", conversation_id: "c", message_id: "b", user_message_id: "u", continued_from: "a" });
  const rest = [start, frame(2, "delta", { content: "kept " }), frame(3, "delta", { content: "rest" }), frame(4, "end", { state: "done", finish_reason: "stop" })];
  const { conversation, commands, seen } = await page(t, [broken], [whole(rest)]);
  await conversation.open("c");
  commands.continueAnswer();
  assert.deepEqual(conversation.path.map(text), ["q", "kept "], "from the first moment on");
  await until(() => !conversation.running);
  assert.deepEqual(conversation.path.map(text), ["q", "kept rest"]);
  const { request_id, ...body } = JSON.parse(seen[1].body);
  assert.deepEqual(body, { message: null, conversation_id: "c", continue: "a" });
  assert.ok(request_id);
  assert.deepEqual([...conversation.messages.keys()].sort(), ["a", "b", "u"]);
});

test("another device is answering: its answer is followed, and the question stays to be sent", async (t) => {
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

const item = (n, more = {}) => ({ id: `c${n}`, title: `t${n}`, created_at: n, updated_at: n, generation_id: null, ...more });

/** A list over an API that answers with what `pages` returns for a query. */
function listOf(pages) {
  const api = new Api();
  const asked = [];
  Object.assign(api, {
    conversations: async (what) => (asked.push(what), pages(what)),
    change: async () => {},
    remove: async () => {},
  });
  const told = [];
  const list = new Conversations(api, new PageLifecycle(), { tell: (news) => told.push(news) });
  const over = new AbortController();
  void list.watch(over.signal);
  const stop = () => (over.abort(), list.soon());
  return { list, asked, told, stop };
}
const ids = (list) => list.shown.map(({ id }) => id).join(" ");

test("the list: older pages stay while the newest one changes", async () => {
  let newest = [4, 3];
  let etag = "1";
  const pages = ({ before, etag: known }) =>
    before ? { conversations: [item(2), item(1)], next: null } : known === etag ? null : { conversations: newest.map((n) => item(n)), next: "older", etag };
  const { list, asked, told, stop } = listOf(pages);
  await until(() => list.state === "ready");
  await list.more();
  assert.equal(ids(list), "c4 c3 c2 c1");
  await list.more();
  assert.equal(asked.length, 2, "there are no more");
  [newest, etag] = [[2, 4, 3], "2"];
  list.soon();
  await until(() => ids(list) === "c2 c4 c3 c1");
  await list.rename("c1", "new");
  assert.equal(list.shown.at(-1).title, "new");
  await list.remove("c1");
  assert.equal(ids(list), "c2 c4 c3");
  assert.deepEqual(told.map(({ type }) => type), ["changed", "deleted"]);
  [newest, etag] = [[9, 8], "3"];
  list.soon();
  await until(() => ids(list) === "c9 c8");
  assert.equal(list.next, "older", "with a gap it begins anew");
  list.hide("c9", true);
  assert.equal(ids(list), "c8");
  list.hide("c9", false);
  assert.equal(ids(list), "c9 c8");
  stop();
});

test("the list: thousands that were fetched stay where many new ones come above", async () => {
  let first = 3000;
  const pages = ({ before, limit = 50, etag }) => {
    const from = Number(before ?? first);
    if (!before && etag === String(first)) return null;
    const count = Math.min(limit, from);
    return { conversations: Array.from({ length: count }, (_, index) => item(from - index)), next: from > count ? String(from - count) : null, etag: before ? "" : String(first) };
  };
  const { list, asked, stop } = listOf(pages);
  await until(() => list.state === "ready");
  while (list.next) await list.more();
  assert.equal(list.shown.length, 3000);
  const whole = () => list.shown.length === first && list.shown.every(({ id }, index) => id === `c${first - index}`);
  const oldest = list.shown.at(-1);
  first = 3040;
  list.soon();
  await until(() => list.shown.length === 3040);
  const before = asked.length;
  first = 3500;
  list.soon();
  await until(() => list.shown.length === 3500);
  assert.ok(whole());
  assert.equal(list.shown.at(-1), oldest, "it is the same, and its row is not drawn again");
  assert.ok(asked.length - before <= 4, `${asked.length - before} requests`);
  first = 9000;
  list.soon();
  await until(() => list.shown.length === 1050);
  assert.ok(list.next, "more than that begins anew");
  stop();
});

test("the list: a page that does not come is asked for again by whoever still wants it", async () => {
  let fails = true;
  const pages = ({ before }) => {
    if (before && fails) throw new Error("away");
    return before ? { conversations: [item(1)], next: null } : { conversations: [item(2)], next: "older", etag: "" };
  };
  const { list, stop } = listOf(pages);
  await until(() => list.state === "ready");
  list.addEventListener("change", () => void list.more());
  void list.more();
  fails = false;
  const comeOnline = () => list.lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
  await until(() => (comeOnline(), ids(list) === "c2 c1"));
  stop();
});

test("the list: a search, the last one typed", async () => {
  const pages = ({ q }) => ({ conversations: q ? [item(q)] : [item(2), item(1)], next: null, etag: "" });
  const { list, asked, stop } = listOf(pages);
  await until(() => list.state === "ready");
  void list.search("a");
  await list.search("ab ");
  assert.equal(ids(list), "cab");
  assert.deepEqual(asked.filter(({ q }) => q), [{ q: "ab" }]);
  await list.search("");
  assert.equal(ids(list), "c2 c1");
  stop();
});

test("in step: what the list says of the open conversation", async (t) => {
  const first = snapshot(BRANCHED.slice(0, 2), "a1", { updated_at: 1 });
  const second = snapshot(BRANCHED.slice(0, 4), "a2", { updated_at: 2 });
  const { conversation, seen } = await page(t, [first, second]);
  await conversation.open("c");
  const list = Object.assign(new EventTarget(), { items: [], soon() {}, forget: (id) => told.push(`forget ${id}`) });
  let hear;
  const told = [];
  new Sync(conversation, list, { listen: (ear) => (hear = ear), tell: (news) => told.push(news) });
  const says = (more) => ((list.items = [{ ...item(1), id: "c", title: "Title", ...more }]), list.dispatchEvent(new Event("change")));
  says({ updated_at: 1 });
  assert.equal(seen.length, 1, "nothing new");
  says({ updated_at: 2, title: "Renamed" });
  await until(() => conversation.path.length === 4);
  assert.equal(seen.length, 2);
  says({ updated_at: 2, generation_id: "elsewhere" });
  says({ updated_at: 2, generation_id: "elsewhere" });
  await until(() => seen.length === 3);
  hear({ type: "ended", conversation_id: "other" });
  hear({ type: "started", conversation_id: "c" });
  await until(() => seen.length === 4);
  hear({ type: "deleted", conversation_id: "c" });
  assert.deepEqual([conversation.state, conversation.newest, seen.length], ["deleted", null, 4]);
  assert.deepEqual(told.at(-1), "forget c");
});
