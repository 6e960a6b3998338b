// Deleted conversations that can be restored.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Trash, UNDO_TIME } from "../../../tornado_stream/static/js/list/trash.js";

/** A trash, and the calls that it makes to its list. */
function trash(t, remove = async () => {}) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const calls = [];
  const list = { setHidden: (id, hidden) => calls.push(`${hidden ? "hide" : "show"} ${id}`), remove: (id, leaving) => (calls.push(`delete ${id}${leaving ? " leaving" : ""}`), remove(id)) };
  const made = new Trash(list);
  return { trash: made, calls, tick: (ms) => t.mock.timers.tick(ms), ids: () => made.items.map(({ id }) => id).join(" ") };
}

test("trash: it deletes when the time is over, and never what was restored", (t) => {
  const { trash: bin, calls, tick, ids } = trash(t);
  bin.add({ id: "a", title: "A" });
  bin.add({ id: "b", title: "B" });
  bin.add({ id: "a", title: "A" });
  tick(UNDO_TIME - 1);
  assert.equal(ids(), "a b");
  assert.equal(bin.restore("a"), true);
  tick(1);
  assert.equal(ids(), "");
  assert.deepEqual(calls, ["hide a", "hide b", "show a", "delete b"]);
  assert.equal(bin.restore("b"), false, "too late");
});

test("trash: a paused trash deletes nothing; closing the page deletes everything", (t) => {
  const { trash: bin, calls, tick } = trash(t);
  bin.add({ id: "a", title: "" });
  bin.setPaused(true);
  bin.add({ id: "b", title: "" });
  tick(10 * UNDO_TIME);
  assert.deepEqual(calls, ["hide a", "hide b"]);
  bin.setPaused(false);
  bin.deleteAll();
  tick(10 * UNDO_TIME);
  assert.deepEqual(calls.slice(2), ["delete a leaving", "delete b leaving"]);
});

test("trash: a conversation that the server did not delete is shown again", async (t) => {
  const { trash: bin, calls } = trash(t, async () => {
    throw new Error("no");
  });
  const failed = new Promise((done) => bin.addEventListener("failed", (event) => done(event.detail)));
  bin.add({ id: "a", title: "A" });
  void bin.deleteNow("a");
  const { item, error } = await failed;
  assert.deepEqual([item.title, error.message], ["A", "no"]);
  assert.deepEqual(calls, ["hide a", "delete a", "show a"]);
});
