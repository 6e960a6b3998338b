// How much of the context the next question takes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { contextUse } from "../../../tornado_stream/static/js/composer/context_use.js";
import { newQuestion } from "../../../tornado_stream/static/js/conversation/tree.js";

const question = (text) => newQuestion("u", text);
const answer = (content, usage = null, more = {}) => storedAnswer({ id: "a", state: "done", content, usage, ...more });
const usage = (prompt_tokens, completion_tokens, reasoning_tokens) => ({ prompt_tokens, completion_tokens, completion_tokens_details: { reasoning_tokens } });

test("the count of the last answer, and what was written since", () => {
  const path = [question("x".repeat(4000)), answer("old", usage(900, 50)), question("y"), answer("new", usage(1000, 300, 100))];
  assert.deepEqual(contextUse(path, "s", "", 2000), { tokens: { value: 1200, isEstimate: false }, context: 2000, share: 0.6 });
  assert.deepEqual(contextUse(path, "s", "four".repeat(200), 2000).tokens, { value: 1400, isEstimate: true });
  const more = [...path, question("four".repeat(10)), answer("", null, { state: "error" })];
  assert.equal(contextUse(more, "s", "", 2000).tokens.value, 1210);
});

test("without a count all texts are estimated; a context that is not known is not guessed", () => {
  const path = [question("four"), answer("fourfour")];
  assert.deepEqual(contextUse(path, "four", "four", null), { tokens: { value: 5, isEstimate: true }, context: null, share: null });
  assert.equal(contextUse(path, "", "", undefined).share, null);
});

test("more than the context is more than 1", () => {
  assert.equal(contextUse([question("q"), answer("a", usage(3000, 0))], "", "", 2000).share, 1.5);
});
