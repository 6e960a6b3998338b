// The page's storage in the browser.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";

test("if storage is forbidden or full, values are kept in memory", () => {
  const full = new Area();
  full.setItem = () => { throw new Error("full"); };
  const forbidden = () => { throw new Error("no"); };
  for (const area of [forbidden, () => null, () => full]) {
    const storage = new Storage(area);
    storage.set("a:1", "x");
    storage.set("b", "y");
    assert.deepEqual([storage.get("a:1"), storage.keys("a:")], ["x", ["a:1"]]);
    storage.remove("a:1");
    assert.deepEqual([storage.get("a:1"), storage.keys("a:")], [null, []]);
  }
});

test("below a base path only the own keys are seen, changed and cleared", () => {
  const area = new Area();
  const [root, chat] = [new Storage(() => area, ""), new Storage(() => area, "/chat")];
  area.setItem("another program", "1");
  chat.set("a:1", "x");
  assert.deepEqual([...area.items.keys()], ["another program", "/chata:1"]);
  assert.deepEqual([chat.keys(""), chat.keys("a:"), chat.get("a:1"), root.get("a:1")], [["a:1"], ["a:1"], "x", null]);
  assert.deepEqual([chat.isKey("/chata:1", "a:1"), chat.isKey("a:1", "a:1"), root.isKey("a:1", "a:1")], [true, false, true]);
  chat.clear();
  assert.deepEqual([...area.items.keys()], ["another program"]);
});
