// What can be taken back.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Trash, WAIT } from "../../../tornado_stream/static/js/list/trash.js";

/** A trash over a list that records what it was asked. */
function trash(t, remove = async () => {}) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  const list = { hide: (id, hidden) => asked.push(`${hidden ? "hide" : "show"} ${id}`), remove: (id, leaving) => (asked.push(`delete ${id}${leaving ? " leaving" : ""}`), remove(id)) };
  const made = new Trash(list);
  return { trash: made, asked, tick: (ms) => t.mock.timers.tick(ms), ids: () => made.items.map(({ id }) => id).join(" ") };
}

test("trash: the server hears of it when the time is over, and never of what was taken back", (t) => {
  const { trash: bin, asked, tick, ids } = trash(t);
  bin.put({ id: "a", title: "A" });
  bin.put({ id: "b", title: "B" });
  bin.put({ id: "a", title: "A" });
  tick(WAIT - 1);
  assert.equal(ids(), "a b");
  assert.equal(bin.undo("a"), true);
  tick(1);
  assert.equal(ids(), "");
  assert.deepEqual(asked, ["hide a", "hide b", "show a", "delete b"]);
  assert.equal(bin.undo("b"), false, "too late");
});

test("trash: time stands still while it is held; leaving sends everything", (t) => {
  const { trash: bin, asked, tick } = trash(t);
  bin.put({ id: "a", title: "" });
  bin.hold(true);
  bin.put({ id: "b", title: "" });
  tick(10 * WAIT);
  assert.deepEqual(asked, ["hide a", "hide b"]);
  bin.hold(false);
  bin.flush();
  tick(10 * WAIT);
  assert.deepEqual(asked.slice(2), ["delete a leaving", "delete b leaving"]);
});

test("trash: what the server does not delete is shown again", async (t) => {
  const { trash: bin, asked } = trash(t, async () => {
    throw new Error("no");
  });
  const failed = new Promise((done) => bin.addEventListener("failed", (event) => done(event.detail)));
  bin.put({ id: "a", title: "A" });
  void bin.end("a");
  const { item, error } = await failed;
  assert.deepEqual([item.title, error.message], ["A", "no"]);
  assert.deepEqual(asked, ["hide a", "delete a", "show a"]);
});
