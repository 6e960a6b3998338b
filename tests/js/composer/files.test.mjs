// What is said of files, and how large pictures are sent.
import assert from "node:assert/strict";
import { test } from "node:test";

import { withWords } from "../../../tornado_stream/static/js/page/words.js";

const { aboutFile, sizeOf } = await withWords(import("../../../tornado_stream/static/js/answers/file_facts.js"));
const { fitted, shrunk } = await import("../../../tornado_stream/static/js/composer/shrink_picture.js");

test("a size is in a unit that fits", () => {
  assert.deepEqual([0, 999, 1000, 1234, 45_000, 3_210_000].map(sizeOf), ["0 bytes", "999 bytes", "1 kB", "1.2 kB", "45 kB", "3.2 MB"]);
});

test("what is said of a file", () => {
  const file = { id: "f", size: 45_000, pages: null, tokens: 0, shortened: false, pages_read: null };
  assert.equal(aboutFile(file), "45 kB");
  assert.equal(aboutFile({ ...file, tokens: 1200, pages: 3 }), "45 kB · 3 pages · about 1,200 tokens");
  assert.equal(aboutFile({ ...file, pages: 300, pages_read: 120, shortened: true }), "45 kB · first 120 pages");
  assert.equal(aboutFile({ ...file, shortened: true }), "45 kB · beginning only");
});

test("the longer side of a picture has 2,048 pixels at most", () => {
  assert.deepEqual(fitted(100, 50), [100, 50]);
  assert.deepEqual(fitted(4096, 1024), [2048, 512]);
  assert.deepEqual(fitted(3000, 6000), [1024, 2048]);
  assert.deepEqual(fitted(20_000, 3), [2048, 1]);
});

test("what cannot be drawn is sent as it is", async () => {
  for (const type of ["image/gif", "application/pdf", "text/plain"]) {
    const file = new File(["x"], "x", { type });
    assert.equal(await shrunk(file), file);
  }
  globalThis.createImageBitmap = async () => {
    throw new Error("damaged");
  };
  const damaged = new File(["x"], "x", { type: "image/jpeg" });
  assert.equal(await shrunk(damaged), damaged);
});
