// The list of conversations.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversations } from "../../../tornado_stream/static/js/list/conversations.js";
import { Api } from "../../../tornado_stream/static/js/page/api.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { item, until } from "../snapshots.mjs";

/** A list whose API answers each request for a page with what `pages` returns for it. */
function listOf(pages) {
  const api = new Api();
  const requests = [];
  Object.assign(api, {
    conversations: async (what) => (requests.push(what), pages(what)),
    change: async () => {},
    remove: async () => {},
  });
  const news = [];
  const list = new Conversations(api, new PageLifecycle(), { tell: (one) => news.push(one) });
  const stopping = new AbortController();
  void list.watch(stopping.signal);
  const stop = () => (stopping.abort(), list.refreshSoon());
  return { list, requests, news, stop };
}

const ids = (list) => list.shown.map(({ id }) => id).join(" ");

test("the list: older pages stay while the newest one changes", async () => {
  let newest = [4, 3];
  let etag = "1";
  const pages = ({ before, etag: known }) =>
    before ? { conversations: [item(2), item(1)], next: null } : known === etag ? null : { conversations: newest.map((n) => item(n)), next: "older", etag };
  const { list, requests, news, stop } = listOf(pages);
  await until(() => list.state === "ready");
  await list.loadMore();
  assert.equal(ids(list), "c4 c3 c2 c1");
  await list.loadMore();
  assert.equal(requests.length, 2, "there are no older ones to ask for");
  [newest, etag] = [[2, 4, 3], "2"];
  list.refreshSoon();
  await until(() => ids(list) === "c2 c4 c3 c1");
  await list.rename("c1", "new");
  assert.equal(list.shown.at(-1).title, "new");
  await list.remove(["c1"]);
  assert.equal(ids(list), "c2 c4 c3");
  assert.deepEqual(news.map(({ type }) => type), ["changed", "deleted"]);
  [newest, etag] = [[9, 8], "3"];
  list.refreshSoon();
  await until(() => ids(list) === "c9 c8");
  assert.equal(list.next, "older", "if there is a gap, the list begins anew");
  list.setHidden(["c9"], true);
  assert.equal(ids(list), "c8");
  list.setHidden(["c9"], false);
  assert.equal(ids(list), "c9 c8");
  stop();
});

test("the list: thousands of fetched conversations stay when many new ones appear above them", async () => {
  let first = 3000;
  const pages = ({ before, limit = 50, etag }) => {
    const from = Number(before ?? first);
    if (!before && etag === String(first)) return null;
    const count = Math.min(limit, from);
    return { conversations: Array.from({ length: count }, (_, index) => item(from - index)), next: from > count ? String(from - count) : null, etag: before ? "" : String(first) };
  };
  const { list, requests, stop } = listOf(pages);
  await until(() => list.state === "ready");
  while (list.next) await list.loadMore();
  assert.equal(list.shown.length, 3000);
  const whole = () => list.shown.length === first && list.shown.every(({ id }, index) => id === `c${first - index}`);
  const oldest = list.shown.at(-1);
  first = 3040;
  list.refreshSoon();
  await until(() => list.shown.length === 3040);
  const before = requests.length;
  first = 3500;
  list.refreshSoon();
  await until(() => list.shown.length === 3500);
  assert.ok(whole());
  assert.equal(list.shown.at(-1), oldest, "it is the same object, so its row is not drawn again");
  assert.ok(requests.length - before <= 4, `${requests.length - before} requests`);
  first = 9000;
  list.refreshSoon();
  await until(() => list.shown.length === 1050);
  assert.ok(list.next, "with more new ones than that, the list begins anew");
  stop();
});

test("the list: after a failed request for a page, `change` lets a view ask again", async () => {
  let fails = true;
  const pages = ({ before }) => {
    if (before && fails) throw new Error("away");
    return before ? { conversations: [item(1)], next: null } : { conversations: [item(2)], next: "older", etag: "" };
  };
  const { list, stop } = listOf(pages);
  await until(() => list.state === "ready");
  list.addEventListener("change", () => void list.loadMore());
  void list.loadMore();
  fails = false;
  const comeOnline = () => list.lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
  await until(() => (comeOnline(), ids(list) === "c2 c1"));
  stop();
});

test("the list: only the text that was typed last is searched for", async () => {
  const pages = ({ q }) => ({ conversations: q ? [item(q)] : [item(2), item(1)], next: null, etag: "" });
  const { list, requests, stop } = listOf(pages);
  await until(() => list.state === "ready");
  void list.search("a");
  await list.search("ab ");
  assert.equal(ids(list), "cab");
  assert.deepEqual(requests.filter(({ q }) => q), [{ q: "ab" }]);
  await list.search("");
  assert.equal(ids(list), "c2 c1");
  stop();
});
