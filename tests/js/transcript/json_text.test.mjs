// JSON as a person reads it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pretty, readable, seen } from "../../../tornado_stream/static/js/transcript/json_text.js";

test("arguments are indented, and numbers stay as they were written", () => {
  assert.equal(pretty('{"a":1,"b":[{"c":"x, {y}: \\"z\\""}],"d":{},"e":[ ]}'), '{\n  "a": 1,\n  "b": [\n    {\n      "c": "x, {y}: \\"z\\""\n    }\n  ],\n  "d": {},\n  "e": []\n}');
  assert.equal(pretty('{"id":12345678901234567890,"x":1.0}'), '{\n  "id": 12345678901234567890,\n  "x": 1.0\n}');
  assert.equal(pretty('"just  text"'), '"just  text"');
  for (const text of ['{"a":', "", "rm -rf /"]) assert.equal(pretty(text), text);
});

test("strings are readable, and nothing of them is hidden", () => {
  assert.equal(readable('{"a":"one\\ntwo","b":"\\u5317\\u4eac \\ud83d\\ude00"}'), '{\n  "a": "one\\n\ntwo",\n  "b": "北京 😀"\n}');
  assert.equal(readable('{"a":"\\\\n is no line break"}'), '{\n  "a": "\\\\n is no line break"\n}');
  assert.equal(readable('{"a":"\\u0022, \\u005c, \\u0000"}'), '{\n  "a": "\\u0022, \\u005c, \\u0000"\n}', "no escape ends the string");
  assert.equal(readable('{"to":"ada\u202e@moc.live\u202c"}'), '{\n  "to": "ada\\u202e@moc.live\\u202c"\n}', "letters stand in their order");
  assert.equal(readable('{"to":"\\u202e"}'), '{\n  "to": "\\u202e"\n}');
  assert.equal(readable('{"a":"\\ud800"}'), '{\n  "a": "\\ud800"\n}');
  assert.equal(seen("tags \u{e0041}, zero\u200bwidth, \u00a0"), "tags \\udb40\\udc41, zero\\u200bwidth, \\u00a0");
  assert.equal(seen("👩‍🚀 e\u0301 שלום\tnext\nline"), "👩\\u200d🚀 e\u0301 שלום\tnext\nline");
});
