// Splitting a long text into parts.
import assert from "node:assert/strict";
import { test } from "node:test";

import { partsOf } from "../../../tornado_stream/static/js/transcript/long_text.js";

for (const [name, text, ends] of [
  ["lines", "The quick brown fox.\n".repeat(5000), /\n$/],
  ["words", "lorem ipsum ".repeat(5000), / $/],
  ["neither", "x".repeat(50_001), /x$/],
  ["pairs", `x${"😀".repeat(20_000)}`, /😀$/u],
  ["one line that fits, and one that does not", `short\n${"y".repeat(30_000)}\nz`, /[\nyz]$/],
  ["nothing", "", /./],
]) {
  test(`${name}: the parts are the whole text, and end where they should`, () => {
    const parts = partsOf(text);
    assert.equal(parts.join(""), text);
    for (const part of parts) assert.ok(part.length <= 4000 && ends.test(part) && !/^[\udc00-\udfff]/.test(part), part.slice(-5));
  });
}
