// Where the page marks what a search has found.
import assert from "node:assert/strict";
import { test } from "node:test";

import { matchesOf } from "../../../tornado_stream/static/js/list/search_highlights.js";

const found = (text, query) => matchesOf(text, query).map(([begin, end]) => text.slice(begin, end));

test("highlights: accents, letter case and forms of letters do not count", () => {
  assert.deepEqual(found("A résumé, re\u0301sume\u0301, RESUME", "Resume"), ["résumé", "re\u0301sume\u0301", "RESUME"]);
  assert.deepEqual(found("Die Straße", "STRASSE"), ["Straße"]);
  assert.deepEqual(found("İstanbul ısrar", "is"), ["İs", "ıs"]);
  assert.deepEqual(found("مُحَمَّد", "محمد"), ["مُحَمَّد"]);
  assert.deepEqual(found("각 가", "가"), ["가"]);
  assert.deepEqual(found("か が", "が"), ["が"]);
  assert.deepEqual(found("a.*b", ".*"), [".*"]);
  assert.deepEqual(found("nothing", "  "), []);
});
