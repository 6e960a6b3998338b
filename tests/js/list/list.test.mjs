// The list's own logic: periods, what is unread, what can be taken back.
import assert from "node:assert/strict";
import { test } from "node:test";

import { groupByDate, dateGroupName } from "../../../tornado_stream/static/js/list/date_groups.js";
import { Trash, WAIT } from "../../../tornado_stream/static/js/list/trash.js";
import { Unread } from "../../../tornado_stream/static/js/list/unread.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";

const NOW = new Date(2026, 10, 24, 12);
const at = (...date) => ({ updated_at: new Date(...date).getTime() });
const keys = (items, now = NOW) => groupByDate(items, now).map(({ key, items }) => `${key}:${items.length}`).join(" ");

test("periods: by the calendar, not by hours", () => {
  const items = [
    at(2026, 10, 24, 13), at(2026, 10, 24), at(2026, 10, 23, 23, 59), at(2026, 10, 23), at(2026, 10, 22, 23, 59), at(2026, 10, 17),
    at(2026, 10, 16, 23, 59), at(2026, 9, 25), at(2026, 9, 24, 23, 59), at(2026, 9, 1), at(2026, 8, 30, 23, 59), at(2025, 11, 31, 23, 59),
  ];
  assert.equal(keys(items), "today:2 yesterday:2 week:2 month:2 2026-10:2 2026-9:1 2025-12:1");
  assert.equal(keys([]), "");
  assert.equal(dateGroupName("week"), "Previous 7 days");
  assert.equal(dateGroupName("2026-10"), "October 2026");
});

test("periods: the first of January, and a clock that was set back in between", () => {
  assert.equal(keys([at(2026, 11, 31, 12), at(2026, 10, 30)], new Date(2027, 0, 1, 0, 0, 1)), "yesterday:1 2026-11:1");
  assert.equal(keys([at(2026, 10, 24, 9), at(2026, 10, 23), at(2026, 10, 24, 8), at(2026, 10, 22)]), "today:1 yesterday:2 week:1");
});

const item = (id, updated_at, generation_id = null) => ({ id, title: id, created_at: 0, updated_at, generation_id });
const events = (more) => Object.assign(new EventTarget(), more);
const memory = () => {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key) };
};

/** A tab: its list, the open conversation, and which of the list's items are unread. */
function tab(area, items) {
  const list = events({ items, state: "ready" });
  const conversation = events({ id: null, state: "ready" });
  const lifecycle = events({ hidden: false });
  const unread = new Unread(new Storage(() => area), list, conversation, lifecycle);
  const tell = (target, type, detail) => target.dispatchEvent(new CustomEvent(type, { detail }));
  return {
    shows: (next) => ((list.items = next), tell(list, "change")),
    opens: (id) => (Object.assign(conversation, { id }), tell(conversation, "path")),
    ends: (id) => tell(conversation, "news", { type: "ended", conversation_id: id }),
    hides: (hidden) => ((lifecycle.hidden = hidden), tell(lifecycle, "change")),
    get unread() {
      return list.items.filter(unread.look()).map(({ id }) => id).join(" ");
    },
  };
}

test("unread: nothing on the first visit, then what ended unseen, until it is opened", () => {
  const area = memory();
  const one = tab(area, []);
  one.shows([item("b", 2), item("a", 1)]);
  assert.equal(one.unread, "");
  one.shows([item("a", 3, "g"), item("b", 2)]);
  assert.equal(one.unread, "", "it is being written");
  one.shows([item("a", 3), item("b", 2)]);
  assert.equal(one.unread, "a");
  const other = tab(area, [item("a", 3), item("b", 2)]);
  assert.equal(other.unread, "a");
  other.opens("a");
  assert.equal(one.unread + other.unread, "", "the tabs share it");
  assert.equal(tab(area, [item("a", 3)]).unread, "", "and so do those that come later");
});

test("unread: not what ended before the reader's eyes, though the list says so later", () => {
  const one = tab(memory(), [item("a", 1)]);
  one.shows([item("a", 1)]);
  one.opens("a");
  one.shows([item("a", 2, "g")]);
  one.ends("a");
  one.opens(null);
  one.shows([item("a", 2)]);
  assert.equal(one.unread, "");
  one.opens("a");
  one.shows([item("a", 3, "g")]);
  one.opens(null);
  one.shows([item("a", 3)]);
  assert.equal(one.unread, "a", "left before it ended");
});

test("unread: what a hidden tab shows is not seen before it is shown", () => {
  const one = tab(memory(), [item("a", 1)]);
  one.shows([item("a", 1)]);
  one.opens("a");
  one.hides(true);
  one.ends("a");
  one.shows([item("a", 2)]);
  assert.equal(one.unread, "a");
  one.hides(false);
  assert.equal(one.unread, "");
});

test("unread: what is kept does not grow without end", () => {
  const area = memory();
  const one = tab(area, [item("old", 1)]);
  one.shows([item("old", 1)]);
  for (let n = 2; n < 500; n++) {
    one.opens(`c${n}`);
    one.shows([item(`c${n}`, n)]);
  }
  const { since, seen } = JSON.parse(area.getItem("tornado-stream:seen"));
  assert.ok(Object.keys(seen).length <= 200);
  one.shows([item("c499", 499), item("c2", 2), item("never seen", since + 1), item("old", 1)]);
  assert.equal(one.unread, "never seen");
  area.setItem("tornado-stream:seen", "{broken");
  one.shows([item("c499", 499)]);
  assert.equal(one.unread, "", "as on the first visit");
});

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
