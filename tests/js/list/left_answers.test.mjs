// Notifications of answers that were left for another conversation.
import assert from "node:assert/strict";
import { test } from "node:test";

import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { withWords } from "../../../tornado_stream/static/js/page/words.js";
import { log, serve, START, status, whole } from "../server.mjs";

const { watchLeftAnswers } = await withWords(import("../../../tornado_stream/static/js/list/left_answers.js"));

/** A hidden page that does not wait; it is shown after so many waits. */
class Hidden extends PageLifecycle {
  hidden = true;
  waits = 0;
  async sleep() {
    this.hidden = ++this.waits < 9;
  }
}

async function watched(t, plays, open = "other") {
  const shown = [];
  globalThis.Notification = class {
    static permission = "granted";
    constructor(_, { body, tag }) {
      shown.push([body, tag]);
    }
  };
  const { seen, api } = await serve(t, plays);
  const asked = new Map([["c", "g"]]);
  await watchLeftAnswers(asked, { id: open }, api, new Hidden(), () => {});
  return { shown, seen, left: asked.size };
}

test("an answer that ends while the page is hidden is told once, by how it ended", async (t) => {
  const { shown, seen, left } = await watched(t, [whole([START]), status(503), whole(log(["a"]).slice(1))]);
  assert.deepEqual(shown, [["Your answer is complete.", "c"]]);
  assert.deepEqual([left, seen.map(({ url, after }) => `${url} ${after}`)], [0, ["/stream/g?live=0 0", "/stream/g?live=0 1", "/stream/g?live=0 1"]]);
  const failed = await watched(t, [whole([START]), whole(log([], { state: "error" }).slice(1))]);
  assert.deepEqual(failed.shown, [["Your answer ended before it was complete.", "c"]]);
  const waits = await watched(t, [whole([START]), whole(log([], { finish_reason: "tool_calls", waiting: ["call_1"] }).slice(1))]);
  assert.deepEqual(waits.shown, [["An answer waits for your decision.", "c"]], "not that it is complete");
});

test("an answer that had ended before, is open, or is not known any more is not told", async (t) => {
  for (const [plays, open] of [[[whole(log(["a"]))], "other"], [[whole([START]), status(404)], "other"]]) {
    const { shown, left } = await watched(t, plays, open);
    assert.deepEqual([shown, left], [[], 0]);
  }
  const { shown, seen } = await watched(t, [whole(log(["a"]))], "c");
  assert.deepEqual([shown, seen], [[], []]);
});
