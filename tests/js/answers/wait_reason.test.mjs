// Why no text of an answer arrives, with a clock of the test's own.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Heartbeat } from "../../../tornado_stream/static/js/answers/heartbeat.js";
import { withWords } from "../../../tornado_stream/static/js/page/words.js";

const { SLOW_TIMES, waitReasonOf } = await withWords(import("../../../tornado_stream/static/js/answers/wait_reason.js"));

const START = ["start", { t: 0 }];

/** The wait reason after these steps. A number: so many milliseconds pass; a list: an event arrives; a word: a field of the heartbeat is set. */
function after(steps, { follows = false, offline = false, proxy = null } = {}) {
  let now = 1_000_000;
  const heartbeat = new Heartbeat(follows, () => now);
  for (const step of steps) {
    if (typeof step === "number") now += step;
    else if (Array.isArray(step)) (heartbeat.hear(), heartbeat.take(...step));
    else if (step === "heard") heartbeat.hear();
    else heartbeat[step] = true;
  }
  const waitReason = waitReasonOf(heartbeat, SLOW_TIMES, offline, proxy);
  return waitReason && [waitReason.kind, waitReason.line];
}

test("what each reason to wait looks like", () => {
  assert.equal(after([2000]), null);
  assert.equal(after([START, 2900]), null);
  assert.deepEqual(after([START, 4200]), ["model", "Waiting for the model for 4 s…"]);
  assert.deepEqual(after([START, 15_000, "heard", 7300]), ["model", "Waiting for the model for 22 s…"]);
  assert.deepEqual(after([START, 100, ["delta", { t: 100 }], 12_400]), ["silent", "The model has been silent for 12 s…"]);
  assert.equal(after([START, 100, ["delta", { t: 100 }], 4900]), null);
  assert.equal(after([START, SLOW_TIMES.unheard])[0], "network");
  assert.deepEqual(after([5000, "missed", 1000]), ["network", "Check your network: nothing has arrived from the server for 6 s…"]);
  assert.equal(after([5000, "missed", 1000, "heard"]), null);
  assert.equal(after([START, SLOW_TIMES.unheard, "lost"]), null, "the page says \"Reconnecting…\" then");
  assert.match(after([START, 3000], { offline: true })[1], /The server continues the answer/);
  assert.match(after([3000], { offline: true })[1], /Your question is kept here/, "nothing is known to have arrived");
  assert.match(after([START, "lost"], { offline: true })[1], /offline/);
  assert.equal(after([START, 2000, "heard", 900], { offline: true }), null, "a server on the same machine");
  assert.match(after([START, 9000], { proxy: { proxy: "x", found: true } })[1], /proxy is buffering/);
  assert.equal(after([9000], { follows: true })[0], "silent");
});

test("the length of a pause follows the log's times, however late its events arrive", () => {
  const late = [START, 500, ["delta", { t: 500 }], 9000, ["delta", { t: 1500 }], 1000];
  assert.match(after(late)[1], / 9 s/);
  assert.match(after([60_000, START, ["delta", { t: 59_000 }], 6000])[1], / 6 s/);
  assert.match(after([START, ["delta", {}], 6000])[1], / 6 s/);
});

test("the old text of a continued answer does not count as text of the model", () => {
  const kept = [["start", { t: 0, continued_from: "m" }], ["delta", { content: "so far", t: 1 }], 6000];
  assert.equal(after(kept)[0], "model");
  assert.equal(after([...kept, ["delta", { content: "more", t: 6001 }], 6000])[0], "silent");
});
