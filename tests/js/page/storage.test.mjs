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
