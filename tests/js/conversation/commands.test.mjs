// A question is kept until it has arrived, across reloads, tabs and refusals.
import assert from "node:assert/strict";
import { test } from "node:test";

import { newAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { Outbox } from "../../../tornado_stream/static/js/answers/outbox.js";
import { Preferences } from "../../../tornado_stream/static/js/composer/preferences.js";
import { Commands } from "../../../tornado_stream/static/js/conversation/commands.js";
import { Conversation } from "../../../tornado_stream/static/js/conversation/conversation.js";
import { newQuestion } from "../../../tornado_stream/static/js/conversation/tree.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Locks } from "../../../tornado_stream/static/js/page/locks.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";
import { log, noAnswer, serve, silent, START, status, whole } from "../server.mjs";

/** The part of a browser's LockManager that the page uses. */
class Manager {
  held = new Map();
  async request(name, { ifAvailable = false }, use) {
    if (ifAvailable && this.held.has(name)) return use(null);
    const before = this.held.get(name);
    const mine = Promise.resolve(before).then(() => use({ name })).finally(() => this.held.get(name) === mine && this.held.delete(name));
    this.held.set(name, mine);
    return mine;
  }
}

const until = async (true_) => {
  while (!true_()) await new Promise((done) => setTimeout(done, 5));
};

/** A browser whose tabs share a storage and locks, on a server that plays this. */
async function browser(t, plays, onStop) {
  const { seen, api } = await serve(t, plays, onStop);
  const [area, manager] = [new Area(), new Manager()];
  const open = (tab = "tab", at = null) => {
    const lifecycle = new PageLifecycle();
    const outbox = new Outbox(new Storage(() => area), new Locks(manager), tab);
    const conversation = new Conversation(api, lifecycle, outbox, new Locks());
    conversation.id = at;
    const tick = setInterval(() => lifecycle.dispatchEvent(new CustomEvent("change", { detail: "visible" })), 10);
    t.after(() => {
      clearInterval(tick);
      conversation.clear();
      api.ask = async () => Response.json({}, { status: 400 }); // without this an answer that has not begun would be asked for for ever
      lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
    });
    return { outbox, conversation, commands: new Commands(conversation), kept: () => outbox.entries };
  };
  const posts = () => seen.filter((one) => one.method === "POST" && !one.stop).map((one) => one.body);
  return { open, posts, seen, area };
}

test("a request is stored before it is sent, exactly as it is sent, and until its `start`", async (t) => {
  let atServer = [];
  const { open, posts, area } = await browser(t, [
    noAnswer(),
    (request, response) => ((atServer = [...area.items.values()]), whole(log(["ok"]))(request, response)),
  ]);
  const { commands, conversation, kept } = open();
  commands.send("first");
  assert.equal(kept().length, 1, "at once");
  await until(() => conversation.newest.state === "done");
  assert.deepEqual(JSON.parse(atServer[0]).request, JSON.parse(posts()[0]));
  assert.equal(posts()[0], posts()[1]);
  assert.deepEqual(kept(), []);
});

test("after a reload the tab shows an unsent question and sends the same request", async (t) => {
  const { open, posts } = await browser(t, [silent([]), whole(log(["ok"]))]);
  const before = open();
  before.commands.send("first");
  await until(() => posts().length === 1);
  const [entry] = before.kept();
  before.outbox.claim(entry.request.request_id);
  before.outbox.remove(entry.request.request_id); // its page is gone, and its lock with it
  before.outbox.storage.set(`tornado-stream:outbox:${entry.request.request_id}`, JSON.stringify(entry));
  const after = open();
  await after.commands.resumeUnsent(() => assert.fail("nothing is refused"));
  await until(() => after.conversation.newest?.state === "done");
  assert.deepEqual(after.conversation.path.map((one) => one.text ?? one.content.join("")), ["first", "ok"]);
  assert.equal(posts()[0], posts()[1]);
  assert.deepEqual(after.kept(), []);
});

test("a request that another tab is sending is left to that tab", async (t) => {
  let answer;
  const { open, posts } = await browser(t, [(request, response) => (answer = () => whole(log(["ok"]))(request, response))]);
  const first = open("one");
  first.commands.send("first");
  await until(() => answer);
  const others = [open("two"), open("three")];
  for (const other of others) await other.commands.resumeUnsent(() => {});
  answer();
  await until(() => first.conversation.newest.state === "done" && !first.kept().length);
  await new Promise((done) => setTimeout(done, 30));
  assert.equal(posts().length, 1);
  for (const other of others) assert.equal(other.conversation.newest, null);
});

test("a request that a closed tab left is sent by one of the other tabs, and not shown", async (t) => {
  const { open, posts } = await browser(t, [whole(log(["ok"]))]);
  const request = { message: "left", request_id: "00000000-0000-4000-8000-000000000001" };
  const others = [open("two"), open("three"), open("four")];
  others[0].outbox.storage.set(`tornado-stream:outbox:${request.request_id}`, JSON.stringify({ request, tab: "one", at: 1 }));
  const news = [];
  for (const other of others) {
    other.conversation.addEventListener("news", (event) => news.push(event.detail.type));
    await other.commands.resumeUnsent(() => {});
  }
  await until(() => news.length);
  await new Promise((done) => setTimeout(done, 30));
  assert.deepEqual([posts(), news], [[JSON.stringify(request)], ["started"]]);
  for (const other of others) assert.equal(other.conversation.newest, null);
});

test("a request whose conversation is left before the answer has begun is sent until it has", async (t) => {
  const { open, posts, seen } = await browser(t, [noAnswer(), noAnswer(), silent([START])]);
  const { commands, conversation, kept } = open();
  const news = [];
  conversation.addEventListener("news", (event) => news.push(event.detail));
  commands.send("first");
  conversation.clear();
  await until(() => news.length);
  assert.deepEqual([news[0].type, news[0].conversation_id, posts().length, kept()], ["started", "c", 3, []]);
  assert.deepEqual([conversation.path, conversation.id, seen.length], [[], null, 3]);
});

test("a request that was refused for good is shown after a reload, and not sent again", async (t) => {
  const { open, posts } = await browser(t, [status(409, { code: "conversation_busy", message: "Busy." })]);
  const before = open();
  before.commands.send("first");
  await until(() => before.conversation.newest.state === "failed");
  const after = open();
  await after.commands.resumeUnsent(() => {});
  assert.deepEqual([after.conversation.newest.state, after.conversation.newest.failure.code], ["failed", "conversation_busy"]);
  assert.equal(after.conversation.newest.parent.text, "first");
  assert.equal(posts().length, 1);
  after.commands.retry();
  await until(() => posts().length === 2);
  assert.notEqual(JSON.parse(posts()[0]).request_id, JSON.parse(posts()[1]).request_id, "a new request");
});

test("a question after a summary stays one when it is asked or changed again", async (t) => {
  const busy = status(409, { code: "conversation_busy", message: "Busy." });
  const { open, posts } = await browser(t, [busy, busy, busy]);
  const { commands, conversation } = open();
  const failed = (count) => until(() => posts().length === count && conversation.newest.state === "failed");
  const root = { ...newQuestion(null, "All before."), from: "system" };
  conversation.ask(newAnswer(newQuestion(null, "next", root), { message: "next", summary: "s", request_id: "00000000-0000-4000-8000-000000000001" }));
  await failed(1);
  commands.retry();
  await failed(2);
  commands.edit(conversation.newest.parent, "changed");
  await failed(3);
  const sent = posts().map((body) => JSON.parse(body));
  assert.deepEqual(sent.map(({ message, summary }) => [message, summary]), [["next", "s"], ["next", "s"], ["changed", "s"]]);
  assert.equal(new Set(sent.map(({ request_id: id }) => id)).size, 3);
});

test("a refused question that no tab shows becomes a draft", async (t) => {
  const { open, posts } = await browser(t, [noAnswer()]);
  const request = { message: "left", conversation_id: "c9", request_id: "00000000-0000-4000-8000-000000000001" };
  const refused = { status: 404, code: "not_found", message: "" };
  const { outbox, commands, kept } = open("two");
  const kept_ = [];
  for (const [at, status] of [[1, 404], [2, 400]]) {
    const entry = { request: { ...request, request_id: `${at}` }, tab: "one", at, refused: { ...refused, status } };
    outbox.storage.set(`tornado-stream:outbox:${at}`, JSON.stringify(entry));
  }
  await commands.resumeUnsent((id, text) => kept_.push([id, text]));
  await until(() => kept_.length === 2);
  assert.deepEqual(kept_, [[null, "left"], ["c9", "left"]]);
  assert.deepEqual([kept(), posts()], [[], []]);
});

test("a request that the user has stopped is stopped at the server, and not sent", async (t) => {
  const { open, posts, seen } = await browser(t, [status(404)]);
  const { outbox, commands, kept } = open();
  const request = { message: "left", request_id: "00000000-0000-4000-8000-000000000001" };
  outbox.storage.set(`tornado-stream:outbox:${request.request_id}`, JSON.stringify({ request, tab: "tab", at: 1, stopping: true }));
  await commands.resumeUnsent(() => {});
  await until(() => !kept().length);
  assert.equal(posts().length, 0);
  assert.ok(seen.some((one) => one.stop));
});

test("a preset that was deleted before the first question holds up nothing", async (t) => {
  const gone = status(404, { code: "preset_not_found", message: "Gone." });
  const { open, posts } = await browser(t, [gone, gone, gone]);
  const { conversation } = open();
  const models = Object.assign(new EventTarget(), { all: [], state: "known", defaultModel: null });
  const preferences = new Preferences(new Storage(() => new Area()), models);
  preferences.setOwn("its-model", { id: "p", name: "Deleted", system: "Be brief." });
  const commands = new Commands(conversation, preferences);
  const failed = (count) => until(() => posts().length === count && conversation.newest.state === "failed");
  commands.send("first");
  await failed(1);
  assert.equal(preferences.begins, null, "the note above the question box is gone");
  commands.retry();
  await failed(2);
  commands.edit(conversation.newest.parent, "changed");
  await failed(3);
  const sent = posts().map((body) => JSON.parse(body));
  assert.deepEqual(sent.map(({ preset, model }) => [preset, model]), [["p", "its-model"], [undefined, undefined], [undefined, undefined]]);
  assert.equal(new Set(sent.map(({ request_id: id }) => id)).size, 3);
});

test("a decision that has not arrived is sent again after a reload, under the same id", async (t) => {
  const { open, posts } = await browser(t, [whole(log(["done"]))]);
  const { conversation, commands, outbox } = open("tab", "c");
  const waits = storedAnswer({ id: "m", state: "done", generation_id: "g", parts: [{ type: "call", index: 0, id: "x", name: "add", server: "notes", arguments: "{}", state: "waiting" }] });
  waits.parent = newQuestion("u", "q");
  conversation.branches.replace(new Map([["u", waits.parent], ["m", waits]]), "m");
  const request = { decide: { x: "run" }, conversation_id: "c", parent_id: "m", request_id: "00000000-0000-4000-8000-000000000001" };
  outbox.storage.set(`tornado-stream:outbox:${request.request_id}`, JSON.stringify({ request, tab: "tab", at: 1 }));
  await commands.resumeUnsent(() => assert.fail("a decision is no draft"));
  await until(() => conversation.newest.state === "done" && conversation.newest !== waits);
  assert.deepEqual(posts().map((body) => JSON.parse(body)), [request]);
  assert.equal(conversation.newest.parent, waits);
  assert.equal(waits.toolCalls[0].decision, "run");
  commands.retry();
  await until(() => posts().length === 2);
  assert.deepEqual([JSON.parse(posts()[1]).message, JSON.parse(posts()[1]).parent_id], [null, "u"], "*Regenerate* asks the question again");
});
