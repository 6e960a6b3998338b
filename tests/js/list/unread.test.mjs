// Which conversations are unread.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Unread } from "../../../tornado_stream/static/js/list/unread.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";

const item = (id, updated_at, generation_id = null) => ({ id, title: id, created_at: 0, updated_at, generation_id });
const events = (more) => Object.assign(new EventTarget(), more);

/** A tab with its list and its open conversation; `unread` gives the ids of the list's unread items. */
function tab(area, items) {
  const list = events({ all: items, state: "ready" });
  const conversation = events({ id: null, state: "ready" });
  const lifecycle = events({ hidden: false });
  const unread = new Unread(new Storage(() => area), list, conversation, lifecycle);
  const tell = (target, type, detail) => target.dispatchEvent(new CustomEvent(type, { detail }));
  return {
    shows: (next) => ((list.all = next), tell(list, "change")),
    opens: (id) => (Object.assign(conversation, { id }), tell(conversation, "path")),
    ends: (id) => tell(conversation, "news", { type: "ended", conversation_id: id }),
    hides: (hidden) => ((lifecycle.hidden = hidden), tell(lifecycle, "change")),
    get unread() {
      return list.all.filter(unread.predicate()).map(({ id }) => id).join(" ");
    },
  };
}

test("unread: nothing on the first visit, then answers that ended unseen, until they are opened", () => {
  const area = new Area();
  const one = tab(area, []);
  one.shows([item("b", 2), item("a", 1)]);
  assert.equal(one.unread, "");
  one.shows([item("a", 3, "g"), item("b", 2)]);
  assert.equal(one.unread, "", "the answer is still being written");
  one.shows([item("a", 3), item("b", 2)]);
  assert.equal(one.unread, "a");
  const other = tab(area, [item("a", 3), item("b", 2)]);
  assert.equal(other.unread, "a");
  other.opens("a");
  assert.equal(one.unread + other.unread, "", "the tabs share what was seen");
  assert.equal(tab(area, [item("a", 3)]).unread, "", "and so does a tab that is opened later");
});

test("unread: not an answer that ended on the visible page, though the list shows its end later", () => {
  const one = tab(new Area(), [item("a", 1)]);
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
  assert.equal(one.unread, "a", "the conversation was left before the answer ended");
});

test("unread: what a hidden tab shows is unread until the tab is visible", () => {
  const one = tab(new Area(), [item("a", 1)]);
  one.shows([item("a", 1)]);
  one.opens("a");
  one.hides(true);
  one.ends("a");
  one.shows([item("a", 2)]);
  assert.equal(one.unread, "a");
  one.hides(false);
  assert.equal(one.unread, "");
});

test("unread: the stored times are limited, and broken ones are like a first visit", () => {
  const area = new Area();
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
