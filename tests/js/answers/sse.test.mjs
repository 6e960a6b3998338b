// The decoder for server-sent events, given a stream as a whole, split in two at every place, and byte by byte.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { SseDecoder } from "../../../tornado_stream/static/js/answers/sse.js";

const encode = (text) => new TextEncoder().encode(text);
const event = (data, id = "", type = "message") => ({ id, type, data });

/** [name, stream, events] */
const VECTORS = [
  ["one event", "data: a\n\n", [event("a")]],
  ["line ends: LF", "id: 1\nevent: delta\ndata: x\n\n", [event("x", "1", "delta")]],
  ["line ends: CRLF", "id: 1\r\nevent: delta\r\ndata: x\r\n\r\n", [event("x", "1", "delta")]],
  ["line ends: CR", "id: 1\revent: delta\rdata: x\r\r", [event("x", "1", "delta")]],
  ["line ends: mixed", "data: a\r\ndata: b\rdata: c\n\r\n", [event("a\nb\nc")]],
  ["CR CRLF is two line ends", "data: a\r\r\ndata: b\n\n", [event("a"), event("b")]],
  ["byte order mark", "\ufeffdata: a\n\n", [event("a")]],
  ["a second byte order mark is text", "\ufeff\ufeffdata: a\n\ndata: b\n\n", [event("b")]],
  ["comments", ": ping\n\n:\ndata: a\n: in between\ndata: b\n\n", [event("a\nb")]],
  ["no colon", "data\n\n", [event("")]],
  ["two empty data lines", "data\ndata\n\n", [event("\n")]],
  ["empty data", "data:\n\n", [event("")]],
  ["no data is no event", "event: start\nid: 7\n\ndata: a\n\n", [event("a", "7")]],
  ["only one space is taken", "data:  a \ndata:\tb\n\n", [event(" a \n\tb")]],
  ["no space", "data:a\n\n", [event("a")]],
  ["a colon in the value", "data: a: b:c\n\n", [event("a: b:c")]],
  ["unknown fields", "foo: bar\n data: no\nDATA: no\ndata: a\n\n", [event("a")]],
  ["the id stays", "id: 5\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [event("a", "5"), event("b", "5"), event("c")]],
  ["an id with NUL is ignored", "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [event("a", "1"), event("b", "1")]],
  ["the type does not stay", "event: x\ndata: a\n\ndata: b\n\n", [event("a", "", "x"), event("b")]],
  ["an unfinished event is none", "data: a\n\ndata: b\n", [event("a")]],
  ["UTF-8", "data: 雪 é 👩🏽‍🚀 \u2028\u2029\n\n", [event("雪 é 👩🏽‍🚀 \u2028\u2029")]],
  ["other separators do not end a line", "data: a\u0085b\u000bc\u000cd\n\n", [event("a\u0085b\u000bc\u000cd")]],
  ["nothing", "", []],
];

function feed(chunks) {
  const decoder = new SseDecoder();
  return chunks.flatMap((chunk) => decoder.feed(chunk));
}

for (const [name, stream, expected] of VECTORS) {
  test(`${name}, however it is split`, () => {
    const bytes = encode(stream);
    assert.deepEqual(feed([bytes]), expected, "whole");
    assert.deepEqual(feed(Array.from(bytes, (byte) => Uint8Array.of(byte))), expected, "byte by byte");
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(feed([bytes.subarray(0, at), new Uint8Array(), bytes.subarray(at)]), expected, `split at ${at}`);
    }
  });

  test(`${name}, as text`, () => {
    assert.deepEqual(feed([stream]), expected, "whole");
    for (let at = 0; at <= stream.length; at++) {
      assert.deepEqual(feed([stream.slice(0, at), "", stream.slice(at)]), expected, `split at ${at}`);
    }
  });
}

test("all splits in three of a stream with every line end", () => {
  const bytes = encode("\ufeffid: 1\r\nevent: delta\rdata: é👍\n\r\n: p\r\rdata: b\n\n");
  const expected = [event("é👍", "1", "delta"), event("b", "1")];
  for (let i = 0; i <= bytes.length; i++) {
    for (let j = i; j <= bytes.length; j++) {
      assert.deepEqual(feed([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)]), expected);
    }
  }
});

test("an event that ends with a carriage return does not wait for what follows", () => {
  const decoder = new SseDecoder();
  assert.deepEqual(decoder.feed("data: a\r\r"), [event("a")]);
  assert.deepEqual(decoder.feed("\ndata: b\n\n"), [event("b")]);
});

test("invalid UTF-8 becomes replacement characters and loses nothing else", () => {
  const bytes = Uint8Array.of(...encode("data: a"), 0xff, 0xe2, 0x82, ...encode("b\n\n"));
  assert.deepEqual(feed([bytes]), [event("a\ufffd\ufffdb")]);
});

test("retry is a number or nothing", () => {
  const decoder = new SseDecoder();
  decoder.feed("retry: 1500\n");
  assert.equal(decoder.retry, 1500);
  decoder.feed("retry: 1x\nretry: -2\nretry:\n");
  assert.equal(decoder.retry, 1500);
});

test("a long line that comes in many pieces costs no more per piece", () => {
  const milliseconds = (pieces) => {
    const decoder = new SseDecoder();
    const began = process.cpuUsage();
    for (let i = 0; i < pieces; i++) decoder.feed("data: 0123456789".slice(i ? 6 : 0));
    assert.equal(decoder.feed("\n\n")[0].data.length, pieces * 10);
    return process.cpuUsage(began).user / 1000;
  };
  milliseconds(1000);
  assert.ok(milliseconds(200_000) < 2000);
});

// The vectors of the server's decoder. That decoder also delivers an event without the empty line at its end, and this
// one does not (see above). So this test appends an empty line to every stream.
const shared = JSON.parse(readFileSync(new URL("../../data/sse/vectors.json", import.meta.url), "utf-8"));
for (const vector of shared.filter((one) => !one.error_field)) {
  test(`shared: ${vector.name}`, () => {
    const chunks = vector.base64 ? [Buffer.from(vector.base64, "base64")] : (vector.chunks ?? [vector.input]).map(encode);
    const expected = vector.events.map((one) => event(one.data, one.id, one.event));
    const bytes = Uint8Array.of(...chunks.flatMap((chunk) => [...chunk]), 10, 10);
    assert.deepEqual(feed([...chunks, encode("\n\n")]), expected, "as it was split");
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(feed([bytes.subarray(0, at), bytes.subarray(at)]), expected, `split at ${at}`);
    }
    if (!vector.retry) return;
    const decoder = new SseDecoder();
    decoder.feed(bytes);
    assert.equal(decoder.retry, vector.retry);
  });
}
