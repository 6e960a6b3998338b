// What the page remembers of a proxy that buffers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ProxyBuffering } from "../../../tornado_stream/static/js/answers/proxy_buffering.js";
import { SLOW_TIMES } from "../../../tornado_stream/static/js/answers/wait_reason.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";

test("the finding is checked again after a while, and when the network changes", () => {
  let now = 1_000_000;
  const lifecycle = new PageLifecycle();
  const buffering = new ProxyBuffering(new Storage(() => null), lifecycle, () => now);
  buffering.confirm("");
  now += SLOW_TIMES.recheck - 1;
  assert.ok(buffering.found);
  now += 2;
  assert.ok(!buffering.found && buffering.suspected);
  buffering.confirm("");
  lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
  assert.ok(!buffering.found && buffering.suspected);
});
