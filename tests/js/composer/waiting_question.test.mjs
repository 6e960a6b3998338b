// What waits when a question is added to the one that waits already.
import assert from "node:assert/strict";
import { test } from "node:test";

import { withWords } from "../../../tornado_stream/static/js/page/words.js";

globalThis.document = { createElement: () => ({ remove: () => {} }), head: { append: (link) => link.onerror() } }; // no style sheet comes

const { addedTo } = await withWords(import("../../../tornado_stream/static/js/composer/waiting_question.js"));
const files = (...ids) => ids.map((id) => ({ id }));

test("the first question waits as it is", () => {
  assert.deepEqual(addedTo(null, "one", files("a", "b")), { message: "one", files: ["a", "b"] });
  assert.deepEqual(addedTo(null, "", files("a")), { message: "", files: ["a"] });
});

test("a second one stands below the first, and each file is there once", () => {
  assert.deepEqual(addedTo({ message: "one", files: files("a") }, "two", files("b", "a")), { message: "one\n\ntwo", files: ["a", "b"] });
});

test("where one of them has files only, the other one's text stays as it is", () => {
  assert.equal(addedTo({ message: "", files: files("a") }, "two", []).message, "two");
  assert.equal(addedTo({ message: "one", files: [] }, " ", files("a")).message, "one");
});
