// What a program's message has beside a text.
import assert from "node:assert/strict";
import { test } from "node:test";

import { withWords } from "../../../tornado_stream/static/js/page/words.js";
import { extrasOf } from "../../../tornado_stream/static/js/transcript/sent_parts.js";

const picture = (url) => ({ type: "image_url", image_url: { url } });

test("only a picture that is in the message is shown as one", () => {
  const png = "data:image/png;base64,iVBORw0KGgo=";
  assert.deepEqual(extrasOf({ content: [{ type: "text", text: "x" }, picture(png)] }), [{ kind: "picture", url: png }]);
  assert.deepEqual(extrasOf({ content: [picture("https://a.example/x.png")] }), [{ kind: "part", label: "https://a.example/x.png" }]);
  assert.deepEqual(extrasOf({ content: [picture("data:image/svg+xml;base64,PHN2Zz4=")] }), [{ kind: "part", label: "image_url" }]);
  assert.deepEqual(extrasOf({ content: [{ type: "input_audio" }, null] }), [{ kind: "part", label: "input_audio" }]);
});

test("calls of tools have a name and their arguments", () => {
  assert.deepEqual(extrasOf({ content: null, tool_calls: [{ function: { name: "look", arguments: "{}" } }] }), [{ kind: "call", name: "look", text: "{}" }]);
  assert.deepEqual(extrasOf({ content: null, function_call: { name: "look", arguments: "{}" } }), [{ kind: "call", name: "look", text: "{}" }]);
  assert.deepEqual(extrasOf({ content: [{ type: "refusal", refusal: "no" }] }), [], "a refusal is text");
  assert.deepEqual(extrasOf(null), []);
});

test("a system message that no program has sent is a summary", async () => {
  const { speakerOf } = await withWords(import("../../../tornado_stream/static/js/transcript/sent_parts.js"));
  const speaker = (from, sent = null) => speakerOf({ from, sent });
  assert.deepEqual([speaker("system"), speaker("system", { role: "system", content: "x" }), speaker("tool", {}), speaker("critic")], ["Summary", "System prompt", "Result of a tool", "critic"]);
});
