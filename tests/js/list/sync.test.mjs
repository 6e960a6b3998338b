// The open conversation in step with the list and with other tabs.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Sync } from "../../../tornado_stream/static/js/list/sync.js";
import { BRANCHED, item, page, snapshot, until } from "../snapshots.mjs";

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
