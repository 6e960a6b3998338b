// The open conversation follows the list and the other tabs.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Sync } from "../../../tornado_stream/static/js/list/sync.js";
import { frame, whole } from "../server.mjs";
import { BRANCHED, item, page, snapshot, until } from "../snapshots.mjs";

test("sync: the open conversation follows what the list and other tabs say about it", async (t) => {
  const first = snapshot(BRANCHED.slice(0, 2), "a1", { updated_at: 1 });
  const second = snapshot(BRANCHED.slice(0, 4), "a2", { updated_at: 2 });
  const { conversation, seen } = await page(t, [first, second]);
  await conversation.open("c");
  const list = Object.assign(new EventTarget(), { all: [], refreshSoon() {}, forget: (id) => told.push(`forget ${id}`) });
  let hear;
  const told = [];
  new Sync(conversation, list, { listen: (listener) => (hear = listener), tell: (news) => told.push(news) });
  const listShows = (more) => ((list.all = [{ ...item(1), id: "c", title: "Title", ...more }]), list.dispatchEvent(new Event("change")));
  listShows({ updated_at: 1 });
  assert.equal(seen.length, 1, "the list shows nothing new");
  listShows({ updated_at: 2, title: "Renamed" });
  await until(() => conversation.path.length === 4);
  assert.equal(seen.length, 2);
  listShows({ updated_at: 2, generation_id: "elsewhere" });
  listShows({ updated_at: 2, generation_id: "elsewhere" });
  await until(() => seen.length === 3);
  hear({ type: "ended", conversation_id: "other" });
  hear({ type: "started", conversation_id: "c" });
  await until(() => seen.length === 4);
  hear({ type: "deleted", conversation_id: "c" });
  assert.deepEqual([conversation.state, conversation.newest, seen.length], ["deleted", null, 4]);
  assert.deepEqual(told.at(-1), "forget c");
});

test("sync: a question of another device right after an answer of this page is loaded", async (t) => {
  const start = frame(1, "start", { generation_id: "g", conversation_id: "c", message_id: "a2", user_message_id: "u2", created_at: 5 });
  const own = whole([start, frame(2, "delta", { content: "own" }), frame(3, "end", { state: "done", finish_reason: "stop" })]);
  const [before, after] = [snapshot(BRANCHED.slice(0, 2), "a1"), snapshot(BRANCHED.slice(0, 4), "a2", { updated_at: 6 })];
  const { conversation, commands, seen } = await page(t, [before, after], [own]);
  await conversation.open("c");
  const list = Object.assign(new EventTarget(), { all: [], refreshSoon() {} });
  new Sync(conversation, list, { listen() {}, tell() {} });
  commands.send("mine");
  await until(() => !conversation.running && conversation.newest?.id === "a2");
  const listShows = (updated_at) => ((list.all = [{ ...item(1), id: "c", title: "Title", updated_at }]), list.dispatchEvent(new Event("change")));
  const known = seen.length;
  listShows(6); // the first that the list shows of it since the page has asked
  await until(() => seen.length === known + 1);
});
