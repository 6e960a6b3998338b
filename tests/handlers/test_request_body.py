"""Bodies of requests: how many values they have, and how much of them the server keeps."""

from __future__ import annotations

import asyncio
import gc
import random
import time
import tracemalloc
from dataclasses import replace

import orjson
import pytest
from client import until
from deadlines import LONG
from hypothesis import given
from hypothesis import strategies as st

from tornado_stream.handlers.checks import decode_object
from tornado_stream.handlers.request_body import check_many_values
from tornado_stream.settings import Settings
from tornado_stream.values.errors import InvalidRequest, TooLarge
from tornado_stream.values.json_values import PIECE, ValueCounter

pytestmark = pytest.mark.both_ways

MIB = 1024 * 1024
#: Seconds of this process that decoding may take. One that is observed takes its own time.
HELD = 0.05 if LONG else 1.0
TOKEN = "t" * 32

JSON = st.recursive(
    st.none() | st.integers(-9, 9) | st.text('ab"\\,[]{}: \n\u00e9', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('a"\\,'), inner, max_size=4)
    ),
)


def values(value) -> int:
    """What the counter should find: the separators and the brackets."""
    if isinstance(value, dict):
        return 1 + max(0, len(value) - 1) + sum(map(values, value.values()))
    if isinstance(value, list):
        return 1 + max(0, len(value) - 1) + sum(map(values, value))
    return 0


@given(JSON, st.integers(1, 9))
def test_values_are_counted_outside_of_strings_however_the_body_is_cut(value, size):
    body, counter = orjson.dumps(value), ValueCounter(10**6)
    for start in range(0, len(body), size):
        counter.feed(body[start : start + size])
    assert counter._count == values(value)


def test_strings_alone_can_be_too_many():
    counter = ValueCounter(100)
    counter.feed(b'"a"' * 150)  # 300 quotes: a body of 100 values may have 404
    assert not counter.too_many
    counter.feed(b'"a"' * 60)
    assert counter.too_many


@pytest.mark.gen_test
async def test_a_body_of_as_many_values_as_allowed_is_not_refused():
    limit = 150_000
    for most in (b"0," * (limit - 2) + b"0", b"{}," * (limit // 2 - 2) + b"{}"):
        body = b'{"a":[' + most + b"]}"
        await check_many_values(body, limit)
        with pytest.raises(InvalidRequest, match="--max-v1-values"):
            await check_many_values(body.replace(b"]}", b",0,0,0,0]}"), limit)


#: Bodies of as many values as a setting allows by default, of the kinds that take longest.
WORST = {
    "objects": lambda n: b",".join(b'{"k%d":%d}' % (i, i) for i in range(n // 2 - 1)),
    "empty lists": lambda n: b",".join([b"[]"] * (n // 2 - 1)),
    "deep lists": lambda n: b",".join([b"[[[[0]]]]"] * (n // 5 - 1)),
    "floats": lambda n: b",".join(b"%.17f" % random.random() for _ in range(n - 1)),
    "strings": lambda n: b",".join(b'"s%d"' % i for i in range(n - 1)),
    "one object": lambda n: b"{" + b",".join(b'"key%d":%d' % (i, i) for i in range(n - 2)) + b"}",
}


@pytest.mark.timed
@pytest.mark.parametrize("kind", WORST)
def test_decoding_as_many_values_as_allowed_holds_the_loop_for_a_moment(kind):
    body = b'{"a":[' + WORST[kind](Settings().max_v1_values) + b"]}"
    took = []
    for _ in range(5):
        began = time.process_time()
        assert decode_object(body)
        took.append(time.process_time() - began)
    print(f"{kind}: {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms")
    assert min(took) <= HELD


@pytest.mark.timed
@pytest.mark.parametrize("unit", [b"QUJD", b"\\\\", b'\\"', b"[,{", b"\\n, ", b" "])
def test_counting_32_mib_is_done_in_short_steps(unit):
    body = b'{"a":"' + unit * (32 * MIB // len(unit)) + b'"}'
    counter, took = ValueCounter(100_000), []
    for start in range(0, len(body), PIECE):
        began = time.process_time()
        counter.feed(body[start : start + PIECE])
        took.append(time.process_time() - began)
    assert not counter.too_many and counter._count == 1
    steps = MIB // PIECE  # without a pause for others
    typical = sorted(took)[len(took) // 2]
    print(f"{unit!r}: {sum(took) * 1000:.0f} ms in all, {typical * steps * 1000:.1f} ms at a time")
    assert typical * steps <= HELD


def a_body(size: int) -> bytes:
    head = b'{"model":"say=ok","messages":[{"role":"user","content":"'
    return head + b"x" * (size - len(head) - 4) + b'"}]}'


@pytest.mark.gen_test
async def test_a_larger_body_is_for_v1_alone(serve, settings, upstream):
    chat = serve(replace(settings, max_v1_body=3 * MIB))
    response = await chat.request("POST", "/v1/chat/completions", a_body(3 * MIB))
    assert response.json()["choices"][0]["message"]["content"] == "ok"
    for path in ("/v1/chat/completions", "/v1/responses"):
        response = await chat.request("POST", path, a_body(3 * MIB + 1))
        error = response.json()["error"]
        assert (response.status, error["code"]) == (413, "too_large")
        assert "3 MiB" in error["message"] and "--max-v1-body" in error["message"]
    for path in ("/stream", "/api/conversations", "/login"):
        response = await chat.request("POST", path, a_body(MIB + 1))
        error = response.json()["error"]
        assert (response.status, error["code"]) == (413, "too_large")
        assert "1 MiB" in error["message"] and "--max-body" in error["message"]
    assert (await chat.request("POST", "/v1/embeddings", a_body(MIB + 1))).status == 404
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_a_body_in_chunks_has_the_same_limit(serve, settings, upstream):
    chat = serve(replace(settings, max_body=1000, max_v1_body=2000))
    chunked = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    for size, status in [(2000, 200), (2001, 413), (300_000, 413)]:
        body = a_body(size)
        parts = [body[start : start + 700] for start in range(0, size, 700)] + [b""]
        sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        response = await chat.request("POST", "/v1/chat/completions", sent, chunked)
        assert response.status == status, size
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/stream", "/nothing"])
async def test_a_body_that_will_be_refused_is_not_kept(serve, settings, path):
    chat = serve(replace(settings, token=TOKEN))
    body = a_body(20 * MIB)
    for headers, statuses in [
        ({}, {401}),
        ({"Authorization": "Bearer wrong-token-of-somebody"}, {401}),
        ({"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/plain"}, {404, 413, 415}),
    ]:
        if path.startswith("/v1") and 415 in statuses:
            continue  # this request passes the login, and its body is kept
        stream = await chat.connect()
        head = chat.encode("POST", path, b"", {**headers, "Content-Length": str(len(body))})
        await stream.write(head)
        tracemalloc.start()
        for start in range(0, len(body), MIB):
            await stream.write(body[start : start + MIB])
        await asyncio.sleep(0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        response = await stream.read_until(b"\r\n")
        stream.close()
        assert int(response.split()[1]) in statuses, response
        assert peak < 6 * MIB, "of these, some are the client's"


@pytest.mark.gen_test
async def test_a_connection_goes_on_after_a_body_that_was_too_large(chat):
    stream = await chat.connect()
    await stream.write(chat.encode("POST", "/stream", a_body(2 * MIB), {}))
    await stream.write(chat.encode("GET", "/healthz", None, {"Connection": "close"}))
    answers = await stream.read_until_close()
    assert answers.startswith(b"HTTP/1.1 413 ") and answers.endswith(b'{"status":"ok"}')


@pytest.mark.gen_test
async def test_a_large_body_may_take_longer_as_long_as_it_comes(serve, settings):
    chat = serve(replace(settings, body_timeout=0.4))
    body = a_body(6 * MIB)
    stream = await chat.connect()
    await stream.write(
        chat.encode("POST", "/v1/chat/completions", b"", {"Content-Length": str(len(body))})
    )
    began = time.monotonic()
    for start in range(0, len(body), MIB):
        await stream.write(body[start : start + MIB])
        await asyncio.sleep(0.15)
    assert time.monotonic() - began > 0.8
    assert b" 200 " in await stream.read_until(b"\r\n")
    stream.close()


@pytest.mark.gen_test
async def test_all_bodies_together_have_a_limit(serve, settings, upstream):
    chat = serve(replace(settings, max_bodies=4 * MIB))
    bodies = chat.application.held_bodies
    body, streams = a_body(2 * MIB), []
    for _ in range(4):  # one of them fits
        stream = await chat.connect()
        head = {"Content-Length": str(len(body))}
        await stream.write(chat.encode("POST", "/v1/chat/completions", b"", head) + body[:-1])
        streams.append(stream)
    assert (await chat.request("GET", "/healthz")).status == 200
    small = await chat.request("POST", "/v1/chat/completions", a_body(10_000))
    assert small.status == 200, "small bodies have some room of their own"
    statuses = []
    for stream in streams:
        assert bodies.held <= 4 * MIB
        await stream.write(body[-1:])
        head = await stream.read_until(b"\r\n\r\n")
        statuses.append(int(head.split()[1]))
        stream.close()
    assert sorted(statuses) == [200, 503, 503, 503] and len(upstream.requests) == 2
    refused = await chat.request("POST", "/v1/chat/completions", a_body(2 * MIB))
    assert refused.status == 200, "there is room again"
    await until(lambda: not bodies.held)


@pytest.mark.gen_test
async def test_a_request_with_a_refused_body_is_freed(serve, settings):
    chat = serve(replace(settings, max_v1_body=100_000))
    for _ in range(3):
        refused = await chat.request("POST", "/v1/chat/completions", a_body(200_000))
        assert refused.status == 413
    bodies = chat.application.held_bodies
    await until(lambda: gc.collect() >= 0 and not bodies.refused)
    alive = [one for one in gc.get_objects() if isinstance(one, TooLarge)]
    assert alive == []


@pytest.mark.gen_test
async def test_what_anybody_may_send_is_small_where_a_login_is_required(serve, settings):
    chat = serve(replace(settings, password="p" * 9))
    response = await chat.request("POST", "/login", a_body(64 * 1024 + 1))
    assert response.status == 413 and "64 KiB" in response.json()["error"]["message"]
