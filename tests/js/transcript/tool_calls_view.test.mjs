// The arguments of a tool call.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pretty } from "../../../tornado_stream/static/js/transcript/tool_calls_view.js";

test("arguments are indented, and numbers stay as they were written", () => {
  assert.equal(pretty('{"a":1,"b":[{"c":"x, {y}: \\"z\\""}],"d":{},"e":[ ]}'), '{\n  "a": 1,\n  "b": [\n    {\n      "c": "x, {y}: \\"z\\""\n    }\n  ],\n  "d": {},\n  "e": []\n}');
  assert.equal(pretty('{"id":12345678901234567890,"x":1.0}'), '{\n  "id": 12345678901234567890,\n  "x": 1.0\n}');
  assert.equal(pretty('"just  text"'), '"just  text"');
  for (const text of ['{"a":', "", "rm -rf /"]) assert.equal(pretty(text), text);
});
