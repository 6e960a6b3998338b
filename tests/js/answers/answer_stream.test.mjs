// An AnswerStream against a real server whose connections break in every way.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AnswerStream } from "../../../tornado_stream/static/js/answers/answer_stream.js";
import { backoff, PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { broken, frame, json, log, noAnswer, serve, silent, START, status, whole } from "../server.mjs";

const ID = "00000000-0000-4000-8000-000000000001";
const LOG = log(["Hel", "lo ", "wor", "ld"]);
const TEXT = "Hello world";

/** On a busy machine, a server that is slow must not be taken for one that is silent. */
const PATIENT = { silence: 1e6, suspect: 1e6, slow: 1e6, stop: 1e6, hiddenPoll: 30, visiblePoll: 30 };

/** A stream on a server that plays `plays`, and in `got` what its listener was given. */
async function open(t, plays, { times = {}, onStop, locks, after } = {}) {
  const { seen, server, api } = await serve(t, plays, onStop);
  const lifecycle = new PageLifecycle();
  const got = { events: [], links: [], text: "" };
  const listener = {
    event(type, data) {
      got.events.push(type);
      if (type === "reset") got.text = "";
      if (type === "delta") got.text += data.content ?? "";
    },
    link: (link) => got.links.push(link),
  };
  const request = { message: "hi", request_id: ID };
  const stream = new AnswerStream(api, lifecycle, request, listener, { times: { ...PATIENT, ...times }, locks, after });
  // The pauses between tries are not under test: this event ends them.
  const tick = setInterval(() => lifecycle.dispatchEvent(new CustomEvent("change", { detail: "visible" })), 10);
  t.after(() => (clearInterval(tick), stream.detach()));
  return { stream, got, seen, server, lifecycle };
}

const reads = (seen) => seen.filter((one) => one.method === "GET").map((one) => one.after);

test("a whole answer: one request, every event once", async (t) => {
  const { stream, got, seen } = await open(t, [whole(LOG)]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.deepEqual(got.events, ["start", "delta", "delta", "delta", "delta", "end"]);
  assert.deepEqual(got.links, ["open"]);
  assert.equal(seen.length, 1);
  assert.deepEqual(JSON.parse(seen[0].body), { message: "hi", request_id: ID });
});

for (let at = 1; at < LOG.length; at++) {
  test(`the socket breaks after event ${at}, and the stream reads on from there`, async (t) => {
    const { stream, got, seen } = await open(t, [broken(LOG.slice(0, at)), whole(LOG.slice(at))]);
    await stream.run();
    assert.equal(got.text, TEXT);
    assert.deepEqual(reads(seen), [String(at)]);
    assert.equal(seen[1].url, `/stream/${ID}`);
    assert.deepEqual(got.links, ["open", "lost", "open"]);
  });
}

test("a connection that breaks in the middle of a character of an event", async (t) => {
  const bytes = Buffer.from([START, frame(2, "delta", { content: "a" }), frame(3, "delta", { content: "雪" })].join(""));
  const cut = (_, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(bytes.subarray(0, bytes.indexOf("雪") + 1), () => setTimeout(() => response.destroy(), 20));
  };
  const { stream, got } = await open(t, [cut, whole([frame(3, "delta", { content: "雪" }), frame(4, "end", { state: "done" })])]);
  await stream.run();
  assert.equal(got.text, "a雪");
});

test("a response that ends well but without `end` counts as broken", async (t) => {
  const { stream, got, seen } = await open(t, [whole(LOG.slice(0, 3)), whole(LOG.slice(3))]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.deepEqual(reads(seen), ["3"]);
});

test("replayed events are not handed on again", async (t) => {
  const { stream, got } = await open(t, [broken(LOG.slice(0, 4)), whole(LOG)]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.equal(got.events.length, LOG.length);
});

test("before `start` the same request is sent again", async (t) => {
  const { stream, got, seen } = await open(t, [noAnswer(), broken([]), whole(LOG)]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.deepEqual(seen.map((one) => one.method), ["POST", "POST", "POST"]);
  assert.equal(new Set(seen.map((one) => one.body)).size, 1);
});

test("the stream never gives up, neither before `start` nor after it", async (t) => {
  const away = Array(12).fill(noAnswer());
  const { stream, got, seen } = await open(t, [...away, broken([START]), ...away, whole(LOG)]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.equal(seen.length, 26);
});

test("a request that a draining server refuses is sent again", async (t) => {
  const { stream, got, seen } = await open(t, [status(503, { code: "draining", message: "" }), whole(LOG)]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.equal(seen[0].body, seen[1].body);
});

test("an answer that is known already is read on, and not asked for again", async (t) => {
  const { stream, got, seen } = await open(t, [whole(LOG.slice(3))], { after: 3 });
  await stream.run();
  assert.equal(got.text, "world");
  assert.deepEqual([reads(seen), seen.length], [["3"], 1]);
});

test("if other tabs hold enough connections, the stream holds none", async (t) => {
  const locks = { connection: async () => null };
  const { stream, got, seen } = await open(t, [silent(LOG.slice(0, 2)), whole(LOG.slice(2, 3)), whole([]), whole(LOG.slice(3))], { locks });
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.deepEqual(seen.map((one) => one.url), ["/stream", ...Array(3).fill(`/stream/${ID}?live=0`)]);
  assert.deepEqual(got.links.includes("lost"), false);
});

test("after `reset` the whole log follows", async (t) => {
  const other = log(["other ", "text"]);
  const { stream, got } = await open(t, [broken(LOG.slice(0, 4)), whole(["id: 0\nevent: reset\ndata: {}\n\n", ...other])]);
  await stream.run();
  assert.equal(got.text, "other text");
  assert.ok(got.events.includes("reset"));
});

test("after a 204 without an `end` the stream reads the log from its beginning", async (t) => {
  const { stream, got, seen } = await open(t, [broken(LOG.slice(0, 3)), status(204), whole(LOG)]);
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.deepEqual(reads(seen), ["3", "0"]);
});

test("event numbers may have a gap, as in a recovered log", async (t) => {
  const end = frame(1_000_000_000, "end", { state: "interrupted" });
  const { stream, got } = await open(t, [broken(LOG.slice(0, 3)), whole([end])]);
  await stream.run();
  assert.deepEqual(got.events.at(-1), "end");
});

test("a connection that is silent too long counts as broken", async (t) => {
  // A busy machine may need longer than the limit for the first events too, so the server sends what the page has not got.
  const rest = (request, response) => whole(LOG.slice(Number(request.headers["last-event-id"] ?? 0)))(request, response);
  const { stream, got, seen } = await open(t, [silent(LOG.slice(0, 2)), rest], { times: { silence: 150, suspect: 1e6 } });
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.equal(got.events.length, LOG.length);
  assert.ok(seen.length > 1);
});

test("heartbeats keep a silent connection open", async (t) => {
  const pinging = (_, response) => {
    silent(LOG.slice(0, 2))(_, response);
    const timer = setInterval(() => response.write(": ping\n\n"), 50);
    setTimeout(() => (clearInterval(timer), response.end(LOG.slice(2).join(""))), 2000);
  };
  const { stream, got, seen } = await open(t, [pinging], { times: { silence: 1500, suspect: 1e6 } });
  await stream.run();
  assert.equal(got.text, TEXT);
  assert.equal(seen.length, 1);
});

test("when the device is online again, the old connection is closed", async (t) => {
  const { stream, got, seen, lifecycle } = await open(t, [silent(LOG.slice(0, 3)), whole(LOG.slice(3))], { times: { silence: 60_000 } });
  const run = stream.run();
  while (got.events.length < 3) await new Promise((done) => setTimeout(done, 5));
  lifecycle.dispatchEvent(new CustomEvent("change", { detail: "online" }));
  await run;
  assert.equal(got.text, TEXT);
  assert.deepEqual(reads(seen), ["3"]);
});

test("a hidden page closes its connection and polls", async (t) => {
  const { stream, got, seen, lifecycle } = await open(
    t,
    [silent(LOG.slice(0, 2)), whole(LOG.slice(2, 3)), whole([]), whole(LOG.slice(3))],
    { times: { hidden: 10, suspect: 1e6 } },
  );
  const run = stream.run();
  while (got.events.length < 2) await new Promise((done) => setTimeout(done, 5));
  lifecycle.hidden = true;
  lifecycle.dispatchEvent(new CustomEvent("change", { detail: "hidden" }));
  const quiet = lifecycle.dispatchEvent;
  lifecycle.dispatchEvent = () => true; // the page stays hidden
  await run;
  lifecycle.dispatchEvent = quiet;
  assert.equal(got.text, TEXT);
  assert.deepEqual(seen.slice(1).map((one) => one.url), Array(3).fill(`/stream/${ID}?live=0`));
  assert.ok(!got.links.includes("lost"));
});

test("a refusal is thrown with its code and message", async (t) => {
  const { stream, seen } = await open(t, [status(409, { code: "conversation_busy", message: "Busy." })]);
  await assert.rejects(stream.run(), { status: 409, code: "conversation_busy", message: "Busy." });
  assert.equal(seen.length, 1);
});

test("a refusal that is not JSON, and a response that is not a stream", async (t) => {
  const proxy = (_, response) => (response.writeHead(502), response.end("<html>"));
  await assert.rejects((await open(t, [proxy])).stream.run(), { status: 502, code: "http_502" });
  const login = (_, response) => (response.writeHead(200, { "Content-Type": "text/html" }), response.end("<html>"));
  await assert.rejects((await open(t, [login])).stream.run(), { code: "not_a_stream" });
});

test("while reading on, a 5xx counts as a broken connection, and a 404 is final", async (t) => {
  const { stream, got } = await open(t, [broken(LOG.slice(0, 2)), status(502), status(503), status(404)]);
  await assert.rejects(stream.run(), { status: 404, code: "gone" });
  assert.equal(got.text, "Hel");
});

test("a stop before `start` is repeated until the server knows the answer", async (t) => {
  let stops = 0;
  let release;
  const known = new Promise((done) => (release = done));
  const onStop = (_, response) => {
    if (++stops < 3) return json(response, 404, { error: { code: "not_found", message: "" } });
    release();
    return json(response, 200, { generation_id: ID, state: "stopped" });
  };
  const slow = async (_, response) => (await known, whole([START, frame(2, "end", { state: "stopped" })])(_, response));
  const { stream, got, seen } = await open(t, [slow], { onStop });
  const run = stream.run();
  await stream.stop();
  await run;
  assert.deepEqual(got.events, ["start", "end"]);
  assert.equal(stops, 3);
  assert.equal(seen.find((one) => one.stop).body, "{}");
});

test("a request that is stopped and never reached the server is reported as not sent", async (t) => {
  const lose = (request) => (void stream.stop(), request.socket.destroy());
  const { stream, seen } = await open(t, [lose, status(404)]);
  const run = assert.rejects(stream.run(), { code: "not_sent" });
  await run;
  assert.equal(seen.filter((one) => one.method === "POST" && !one.stop).length, 1);
});

test("if only the response to a stop is lost, the answer is read to its end", async (t) => {
  const stopped = [START, frame(2, "end", { state: "stopped" })];
  const { stream, got } = await open(t, [noAnswer(), whole(stopped)], { onStop: (_, response) => json(response, 200, {}) });
  const run = stream.run();
  await stream.stop();
  await run;
  assert.deepEqual(got.events, ["start", "end"]);
});

test("a detached stream sends nothing more, and does not stop the answer", async (t) => {
  const { stream, got, seen } = await open(t, [silent(LOG.slice(0, 2))]);
  const run = stream.run();
  while (got.events.length < 2) await new Promise((done) => setTimeout(done, 5));
  stream.detach();
  await run;
  assert.equal(seen.length, 1);
});

test("data that is not JSON counts as a broken connection", async (t) => {
  const { stream, got } = await open(t, [whole([START, "id: 2\nevent: delta\ndata: {\n\n"]), whole(LOG.slice(1))]);
  await stream.run();
  assert.equal(got.text, TEXT);
});

test("an error in the page's own code is not mistaken for one of the network", async (t) => {
  const { stream } = await open(t, [whole(LOG)]);
  stream.listener = { event: () => { throw new TypeError("a bug"); }, link() {} };
  await assert.rejects(stream.run(), /a bug/);
});

test("the pauses between tries grow to a limit and are random", () => {
  for (let attempt = 0; attempt < 40; attempt++) {
    const pause = backoff(attempt, 100, 1000);
    assert.ok(pause >= 50 && pause <= 1000, `${attempt}: ${pause}`);
  }
  assert.ok(new Set(Array.from({ length: 20 }, () => backoff(5))).size > 1);
});
