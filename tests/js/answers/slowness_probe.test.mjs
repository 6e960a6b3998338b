// How the page finds out why an answer is slow, against real servers, some of them behind a proxy that buffers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { AnswerStream } from "../../../tornado_stream/static/js/answers/answer_stream.js";
import { ProxyBuffering } from "../../../tornado_stream/static/js/answers/proxy_buffering.js";
import { Api } from "../../../tornado_stream/static/js/page/api.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { frame, head } from "../server.mjs";

const ID = "00000000-0000-4000-8000-000000000001";
const QUICK = { probe: 500, trial: 400, slow: 0, late: 1000, short: 5000, visiblePoll: 30, longestPoll: 60, tick: 10, first: 60, pause: 300, unheard: 30_000, silence: 1e6, suspect: 1e6 };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * A test of what is seen over time. On a busy machine a server may be late by more than the times in `QUICK`, which is
 * then seen as a slow network: such a test is repeated with all times four and sixteen times as long.
 */
function scenario(name, run) {
  test(name, async (t) => {
    for (const pace of [1, 4, 16]) {
      const attempt = { pace, after: (end) => t.after(end), sleep: (ms) => sleep(ms * pace) };
      let timer;
      const late = new Promise((_, fail) => (timer = setTimeout(fail, 20_000 * pace, new Error("the test hangs"))));
      try {
        return await Promise.race([run(attempt), late]);
      } catch (error) {
        if (pace === 16) throw error;
      } finally {
        attempt.over = true;
        clearTimeout(timer);
      }
    }
  });
}

/**
 * A server with one answer, to which `write` appends. `network` is what the network does, and can be changed at any
 * time. `open`: nothing; `buffers`: a response arrives when it has ended; `swallows`: requests get no response;
 * `stale`: a long response brings nothing after its head, a short one is delivered.
 */
async function serve(t, { network = "open", known = true, proxy = "" } = {}) {
  const world = { t, network, known, frames: [], seen: [], write, end: () => write("end", { state: "done", saved: true }) };
  const held = new Set();
  let closed = false;

  function write(type, data = {}) {
    world.begun ??= Date.now();
    world.frames.push(frame(world.frames.length + 1, type, { t: Date.now() - world.begun, ...data }));
    closed = type === "end";
    for (const reader of held) reader();
  }

  const server = createServer(async (request, response) => {
    for await (const _ of request); // its body
    const { method, url } = request;
    const live = !url.endsWith("?live=0");
    world.seen.push({ method, live });
    if (world.network === "swallows") return;
    if (method === "GET" && !world.known) return response.writeHead(404).end("{}");
    if (method === "POST") world.known = true;
    let cursor = Number(request.headers["last-event-id"] ?? 0);
    if (closed && cursor >= world.frames.length) return response.writeHead(204).end();
    const { network } = world;
    let waiting = ": stream\n\n";
    if (proxy) response.setHeader("Server", proxy);
    const send = (ping = "") => {
      waiting += ping + world.frames.slice(cursor).join("");
      cursor = world.frames.length;
      const over = closed || !live;
      if (network === "open" || over) headed(response).write(waiting);
      if (network === "open" || over) waiting = "";
      if (over) (response.end(), held.delete(send));
    };
    if (live) held.add(send);
    response.on("close", () => held.delete(send));
    if (network !== "stale" || !live) send();
    else headed(response).flushHeaders();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => (server.closeAllConnections(), server.close()));
  world.ping = () => held.forEach((reader) => reader(": ping\n\n"));
  world.api = new Api(`http://127.0.0.1:${server.address().port}`);
  return world;
}

const scaled = (times, pace) => Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms * pace]));
const headed = (response) => (response.headersSent ? response : head(response));

/** A stream that reads the answer, and what its listener was given. */
function read(t, world, { buffering = new ProxyBuffering(new Storage(() => null), new PageLifecycle()), times = {}, after } = {}) {
  const got = { text: "", numbers: [], reasons: [], links: [], ended: false };
  const listener = {
    event(type, data) {
      got.numbers.push(type);
      if (type === "delta") got.text += data.content;
    },
    link: (link) => got.links.push(link),
    waitReason: (waitReason) => got.reasons.push(waitReason),
  };
  const lifecycle = new PageLifecycle();
  const stream = new AnswerStream(world.api, lifecycle, { message: "hi", request_id: ID }, listener, { network: { buffering }, after, times: scaled({ ...QUICK, ...times }, t.pace) });
  const done = stream.run();
  t.after(() => stream.detach());
  const until = async (ready) => {
    while (!ready(got)) {
      assert.ok(!t.over, "another attempt goes on");
      await sleep(5);
    }
  };
  const named = (kind) => got.reasons.some((waitReason) => waitReason?.kind === kind);
  return { stream, got, done, until, named, lifecycle, buffering };
}

/** Write these words, one every `gap` milliseconds. */
async function speak(world, words, gap = 25) {
  if (!world.frames.length) world.write("start");
  for (const word of words) {
    await world.t.sleep(gap);
    world.write("delta", { content: word });
  }
}

const WORDS = Array.from({ length: 60 }, (_, n) => `w${n} `);
const live = (world) => world.seen.filter((one) => one.method === "GET" && one.live).length;
const short = (world) => world.seen.filter((one) => !one.live).length;

describe("over sockets", { concurrency: true, timeout: 480_000 }, () => {
  scenario("if a proxy buffers the first response, the page names it and shows the text all the same", async (t) => {
    const world = await serve(t, { network: "buffers", proxy: "nginx/1.22.1" });
    const { got, done, until, named, buffering } = read(t, world);
    const spoken = speak(world, WORDS);
    await until(() => named("proxy"));
    const { proxy, found } = got.reasons.find((waitReason) => waitReason?.kind === "proxy");
    assert.deepEqual([proxy, found], ["nginx/1.22.1", true]);
    assert.ok(got.text, "before the end");
    await spoken;
    world.end();
    await done;
    assert.equal(got.text, WORDS.join(""));
    assert.deepEqual(got.numbers, ["start", ...WORDS.map(() => "delta"), "end"]);
    assert.deepEqual([world.seen.filter((one) => one.method === "POST").length, live(world)], [1, 1]);
    assert.ok(!got.links.includes("lost"));
    assert.ok(buffering.found);
  });

  scenario("a proxy that buffers while an answer is read on is found, too", async (t) => {
    const world = await serve(t, { network: "buffers" });
    await speak(world, WORDS.slice(0, 5), 1);
    const { got, done, until, named } = read(t, world, { after: 3 });
    await until(() => named("proxy"));
    await speak(world, WORDS.slice(5), 5);
    world.end();
    await done;
    assert.equal(got.text, WORDS.slice(2).join(""));
    assert.equal(live(world), 2, "one was silent, one was on trial");
  });

  scenario("a buffered answer costs one request for each poll, and polls become rarer while nothing is new", async (t) => {
    const world = await serve(t, { network: "buffers" });
    const { done, until, named } = read(t, world);
    await speak(world, ["a"]);
    await until(() => named("proxy"));
    const [before, began] = [short(world), performance.now()];
    await until(() => short(world) >= before + 2);
    await t.sleep(600);
    const [asked, ms] = [short(world) - before, performance.now() - began];
    assert.ok(asked <= ms / (QUICK.longestPoll * t.pace) + 3, `${asked} in ${ms} ms`);
    world.end();
    await done;
  });

  scenario("if a proxy is known to buffer, the next answer is polled from its first second, and says so at once", async (t) => {
    const buffering = new ProxyBuffering(new Storage(() => null), new PageLifecycle());
    buffering.confirm("Caddy");
    const world = await serve(t, { network: "buffers" });
    const { got, done, until } = read(t, world, { buffering, times: { probe: 60_000, trial: 60_000 } });
    const spoken = speak(world, WORDS.slice(0, 10));
    await until(() => got.text);
    assert.equal(live(world), 0);
    await spoken;
    world.end();
    await done;
    assert.equal(got.text, WORDS.slice(0, 10).join(""));
    assert.deepEqual([got.reasons[0].proxy, got.reasons[0].found], ["Caddy", false]);
  });

  scenario("a page that is loaded again tries a connection, and notices that the proxy was repaired", async (t) => {
    const kept = new Map();
    const area = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
    const storage = new Storage(() => area);
    new ProxyBuffering(storage, new PageLifecycle()).confirm("nginx");
    for (const network of ["buffers", "open"]) {
      const buffering = new ProxyBuffering(storage, new PageLifecycle());
      assert.deepEqual([buffering.suspected, buffering.found], [true, false]);
      const world = await serve(t, { network, proxy: "nginx" });
      const { got, done, named } = read(t, world, { buffering, times: { probe: 60_000 } });
      await speak(world, WORDS);
      world.end();
      await done;
      assert.equal(got.text, WORDS.join(""));
      assert.deepEqual([named("proxy"), buffering.found, kept.size], network === "open" ? [false, false, 0] : [true, true, 1]);
    }
  });

  scenario("a slow model is named, and no proxy is suspected", async (t) => {
    const world = await serve(t);
    const { got, done, until, named, buffering } = read(t, world);
    await t.sleep(20);
    world.write("start");
    await until(() => named("model"));
    const ping = setInterval(world.ping, 100);
    await t.sleep(1200);
    clearInterval(ping);
    assert.ok(short(world) <= 2, `${short(world)} looks`);
    await speak(world, WORDS.slice(0, 3));
    world.end();
    await done;
    assert.equal(got.text, WORDS.slice(0, 3).join(""));
    assert.deepEqual([...new Set(got.reasons.map((waitReason) => waitReason?.kind))].sort(), ["model", undefined]);
    assert.deepEqual([live(world), buffering.suspected], [0, false]);
  });

  scenario("a model that pauses is named, also if the server sends no heartbeats", async (t) => {
    const world = await serve(t);
    const { got, done, until, named } = read(t, world);
    await speak(world, ["a", "b"]);
    await until(() => named("silent"));
    await t.sleep(1200);
    assert.ok(!named("network") && !named("proxy"));
    assert.ok(short(world) <= 3, `${short(world)} looks`);
    await speak(world, ["c"]);
    await until(() => got.text === "abc");
    assert.equal(got.reasons.at(-1), null, "at once");
    world.end();
    await done;
  });

  scenario("a dead connection is replaced, and no proxy is blamed", async (t) => {
    const world = await serve(t, { network: "stale" });
    const { got, done, until, buffering } = read(t, world);
    await until(() => world.seen.length);
    await speak(world, ["a", "b"]);
    world.network = "open";
    await until(() => got.text === "ab");
    await until(() => live(world) && !buffering.suspected);
    await speak(world, ["c"]);
    world.end();
    await done;
    assert.equal(got.text, "abc");
    assert.deepEqual([buffering.found, buffering.suspected, got.links.includes("lost")], [false, false, false]);
  });

  scenario("a dead network is named, and the answer is read on when the network is back", async (t) => {
    const world = await serve(t);
    const { got, done, until, named } = read(t, world, { times: { silence: 2500 } });
    await speak(world, ["a"]);
    await until(() => got.text === "a");
    world.network = "swallows";
    const at = got.reasons.length;
    await until(() => named("network"));
    assert.ok(got.reasons.slice(at).every((waitReason) => waitReason?.kind !== "proxy"));
    await until(() => got.links.includes("lost"));
    world.network = "open";
    await speak(world, ["b"], 1);
    world.end();
    await done;
    assert.equal(got.text, "ab");
    assert.ok(world.seen.length < 12, `${world.seen.length} requests`);
  });

  scenario("if a question may not have arrived, the network is named, and the question is not sent twice", async (t) => {
    const world = await serve(t, { network: "swallows", known: false });
    const { done, until, named, stream } = read(t, world);
    await until(() => world.seen.length);
    world.network = "open";
    await until(() => named("network"));
    assert.ok(!named("proxy"));
    assert.ok(short(world) >= 1);
    assert.equal(world.seen.filter((one) => one.method === "POST").length, 1);
    stream.detach();
    await done;
  });

  scenario("in a network that changes all the time, every event arrives once and in order", async (t) => {
    const world = await serve(t, { network: "buffers" });
    const { got, done } = read(t, world, { times: { probe: 60, trial: 40, visiblePoll: 20, longestPoll: 30, silence: 400 } });
    const states = ["open", "buffers", "stale", "buffers", "open", "swallows"];
    const flap = setInterval(() => states.push((world.network = states.shift())), 60 * t.pace);
    const words = Array.from({ length: 60 }, (_, n) => `w${n} `);
    await speak(world, words, 20);
    clearInterval(flap);
    world.network = "open";
    world.end();
    await done;
    assert.equal(got.text, words.join(""));
    assert.deepEqual(got.numbers, ["start", ...words.map(() => "delta"), "end"]);
  });
});
