// The list of conversations.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversations } from "../../../tornado_stream/static/js/list/conversations.js";
import { Api } from "../../../tornado_stream/static/js/page/api.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { item, until } from "../snapshots.mjs";

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
