// What is known of a proxy that buffers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Heartbeat } from "../../../tornado_stream/static/js/answers/heartbeat.js";
import { ProxyBuffering } from "../../../tornado_stream/static/js/answers/proxy_buffering.js";
import { SLOW_TIMES } from "../../../tornado_stream/static/js/answers/wait_reason.js";
import { waitReasonOf } from "../../../tornado_stream/static/js/answers/wait_reason.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";

test("it is doubted after a while, and on another network", () => {
  let now = 1_000_000;
  const lifecycle = new PageLifecycle();
  const buffering = new ProxyBuffering(new Storage(() => null), lifecycle, () => now);
  buffering.confirm("");
  now += SLOW_TIMES.doubt - 1;
  assert.ok(buffering.found);
  now += 2;
  assert.ok(!buffering.found && buffering.suspected);
  buffering.confirm("");
  lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
  assert.ok(!buffering.found && buffering.suspected);
});

/** What is waited for after these steps: milliseconds that pass, events, or what happens to the heartbeat. */
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
