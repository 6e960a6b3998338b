// What the page keeps in the browser.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Storage } from "../../../tornado_stream/static/js/page/storage.js";

/** `localStorage`, as far as it is used. */
class Area {
  kept = new Map();
  getItem = (key) => this.kept.get(key) ?? null;
  setItem = (key, value) => void this.kept.set(key, value);
  removeItem = (key) => void this.kept.delete(key);
  key = (index) => [...this.kept.keys()][index] ?? null;
  get length() {
    return this.kept.size;
  }
}

test("storage that is forbidden, or full, keeps for as long as the page lives", () => {
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
