// The details of an answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { withWords } from "../../../tornado_stream/static/js/page/words.js";
import { after } from "../answered.mjs";

globalThis.document = { createElement: () => ({ remove: () => {} }), head: { append: (link) => link.onerror() } }; // no style sheet comes
const { loadTroubles } = await import("../../../tornado_stream/static/js/answers/outcome.js");
await loadTroubles();
const { endOf } = await withWords(import("../../../tornado_stream/static/js/transcript/details.js"));

test("how an answer ended is said in words, with the word of the model's server", () => {
  const ended = (end) => endOf(after(["delta", { content: "a" }], ["end", { state: "done", saved: true, ...end }]));
  assert.equal(ended({ finish_reason: "stop" }), "Complete · stop");
  assert.equal(ended({ finish_reason: "end_turn" }), "Complete · end_turn");
  assert.equal(ended({ finish_reason: "max_tokens" }), "Cut off at the length limit · max_tokens");
  assert.equal(ended({ finish_reason: "SAFETY" }), "Cut off by the content filter · SAFETY");
  assert.equal(ended({}), "Complete");
  assert.equal(ended({ state: "stopped" }), "Stopped");
  assert.equal(ended({ state: "error", error: { code: "upstream_5xx", message: "500" } }), "The answer ended with an error · upstream_5xx");
  assert.equal(ended({ state: "cut_off", error: { code: "connection_closed", message: "" } }), "The answer was cut off · connection_closed");
  assert.equal(ended({ state: "interrupted" }), "The answer was interrupted");
  assert.equal(endOf(after(["delta", { content: "a" }])), "Writing…");
});
