// The line that says how long a model thinks.
import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent } from "../../../tornado_stream/static/js/answers/answer.js";
import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { withWords } from "../../../tornado_stream/static/js/page/words.js";
import { after, done } from "../answered.mjs";

const { labelOf } = await withWords(import("../../../tornado_stream/static/js/transcript/reasoning_view.js"));

test("the thinking time: by the page's clock while it runs, by the server's when it is over", () => {
  const answer = after(["delta", { reasoning: "hm", t: 1000 }]);
  const label = (ms) => labelOf(answer, answer.startedAt + ms);
  assert.deepEqual([label(1500), label(2100), label(13_400)], ["Thinking", "Thinking for 1 s", "Thinking for 12 s"]);
  applyEvent(answer, "delta", { reasoning: "!", t: 12_000 });
  applyEvent(answer, "delta", { content: "42", t: 13_000 });
  applyEvent(answer, "delta", { content: "!", t: 15_000 });
  assert.equal(label(20_000), "Thought for 12 s");
});

test("no thinking time if it is not known", () => {
  assert.equal(labelOf(storedAnswer({ id: "a", state: "done", reasoning: "hm", content: "42" }), 0), "Thoughts");
  const kept = after(["delta", { reasoning: "hm", content: "42", t: 3 }], done());
  assert.equal(labelOf(kept, Date.now()), "Thoughts", "loaded from a log");
  const joined = storedAnswer({ id: "a", state: "running", reasoning: "hm" });
  applyEvent(joined, "delta", { reasoning: "m", t: 9000 });
  assert.equal(labelOf(joined, Date.now()), "Thinking");
  assert.equal(labelOf(after(["delta", { reasoning: "hm", t: 1000 }], done({ t: 3500 })), Date.now()), "Thought for 2.5 s", "no text follows");
});
