// For each way in which an answer can end: how long to wait, and what to do next.
import assert from "node:assert/strict";
import { test } from "node:test";

import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { loadTroubles, outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { withWords } from "../../../tornado_stream/static/js/page/words.js";
import { after, done } from "../answered.mjs";

await loadTroubles();

const { explained } = await withWords(import("../../../tornado_stream/static/js/page/errors.js"));

const failed = (error, more = {}) => after(["end", { state: "error", error: { message: "No.", ...error }, t: 100, ...more }]);

test("the seconds until a retry are counted down", () => {
  const answer = failed({ code: "rate_limit", retry_after: 12 });
  const at = (ms) => outcomeOf(answer, { now: answer.startedAt + ms });
  assert.deepEqual([at(100).hint, at(1100).hint, at(11_700).hint], ["Try again in 12 s.", "Try again in 11 s.", "Try again in 1 s."]);
  assert.deepEqual([at(100).until, at(100).icon, at(100).actions], [answer.startedAt + 12_100, "clock", ["retry"]]);
  assert.deepEqual([at(12_200).hint, at(12_200).until], ["You can try again now.", 0]);
  const waiting = after(["notice", { code: "waiting", seconds: 8, reason: "rate_limit", attempt: 2, t: 50 }]);
  const line = (ms) => outcomeOf(waiting, { now: waiting.startedAt + ms }).text;
  assert.match(line(60), /^Trying again in 8 s/);
  assert.match(line(5060), /^Trying again in 3 s/);
  assert.match(line(60_000), /^Trying again in 1 s/, "the retry is late");
});

test("the seconds until a retry for an answer from the store, also if the two clocks differ", () => {
  const stored = storedAnswer({ id: "a", state: "error", created_at: 1_000_000, timings: { total_ms: 500 }, error: { code: "rate_limit", message: "", retry_after: 60 } });
  const at = (now) => outcomeOf(stored, { now });
  assert.equal(at(1_010_500).hint, "Try again in 50 s.");
  assert.equal(at(9_000_000).hint, "You can try again now.");
  assert.deepEqual([at(5).hint, at(5).until], ["Try again in 60 s.", 0], "no countdown if the clocks differ");
});

test("each error has a hint, an icon and actions", () => {
  const steps = (code, message = "No.") => {
    const outcome = outcomeOf(failed({ code, message }));
    return [explained(outcome)[2], outcome.icon, outcome.actions.join(" ")];
  };
  assert.match(steps("auth")[0], /OPENAI_API_KEY/);
  assert.deepEqual(steps("auth").slice(1), ["key", "retry"]);
  assert.deepEqual(steps("model_not_found").slice(1), ["alert", "model retry"]);
  assert.deepEqual(steps("context_length").slice(1), ["ruler", "fresh"]);
  assert.deepEqual(steps("bad_request").slice(1), ["alert", "editQuestion retry"]);
  assert.match(steps("connect_failed")[0], /running/);
  assert.match(steps("not_an_api")[0], /OPENAI_BASE_URL/);
  assert.match(steps("server_error")[0], /log/);
  for (const code of ["new_in_version_9", "constructor"]) assert.equal(steps(code)[0], "");
  assert.deepEqual(steps("new_in_version_9"), ["", "alert", "retry"]);
  const limited = outcomeOf(failed({ code: "rate_limit", retry_after: 12 }));
  assert.equal(explained(limited)[2], limited.hint, "the time of the retry, if it is known");
});

test("the actions after a limit, a filter and a refusal, and what is shown after a stop", () => {
  const end = (reason, delta) => outcomeOf(after(["delta", delta], done({ finish_reason: reason })));
  assert.deepEqual(end("length", { content: "a" }).actions, ["askToContinue", "again"]);
  assert.deepEqual(end("content_filter", { content: "a" }).actions, ["editQuestion", "retry"]);
  assert.deepEqual(end("stop", { refusal: "no" }).actions, ["editQuestion", "again"]);
  const stopped = (...events) => outcomeOf(after(...events, ["end", { state: "stopped", stop: { upstream_closed_ms: 3, received_events: 42 } }]));
  assert.deepEqual([stopped().text, stopped().hint], ["Stopped", ""]);
  assert.equal(stopped(["delta", { content: "a" }]).hint, "What had been written is kept.");
});
