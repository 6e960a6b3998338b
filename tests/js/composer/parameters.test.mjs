// The parameters that a user writes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { readNumber } from "../../../tornado_stream/static/js/composer/parameters.js";

test("numbers may have a point or a comma; what is wrong is named", () => {
  const cases = {
    temperature: { "": {}, " 0 ": { value: 0 }, "0,7": { value: 0.7 }, ".5": { value: 0.5 }, 2: { value: 2 }, 2.1: { wrong: "range" }, "-1": { wrong: "range" }, warm: { wrong: "number" }, "1e0": { wrong: "number" }, "0x1": { wrong: "number" }, "1.": { value: 1 }, "1,000.5": { wrong: "number" } },
    max_tokens: { 100: { value: 100 }, 1.5: { wrong: "whole" }, 0: { wrong: "range" }, 99999999: { wrong: "range" } },
  };
  for (const [name, texts] of Object.entries(cases)) for (const [text, read] of Object.entries(texts)) assert.deepEqual(readNumber(name, text), read, `${name} ${text}`);
});
