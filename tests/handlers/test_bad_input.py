"""Malformed and unusual requests: each gets a clear answer, and none delays other clients."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
import urllib.parse
from types import NoneType
from typing import Any

import pytest
from client import Client, read_body, read_head, until
from deadlines import DEADLINE
from tornado.iostream import StreamClosedError

from tornado_stream.handlers.request_body import MAX_VALUES, check_values
from tornado_stream.observe.log import TextFormatter

ID = "00000000-0000-4000-8000-000000000000"
LARGE = 1_000_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}

BODIES = {
    "a body above a megabyte": (b"x" * (LARGE + 48_577), {}, 413, "too_large"),
    "a form above a megabyte": (b"=%41" * 2_000_000, FORM, 413, "too_large"),
    "a form": (b"=%41" * 250_000, FORM, 415, "not_json"),
    "a form in parts": (b"\r\n--x" * 200_000, PARTS, 415, "not_json"),
    "plain text": (b"hi", {"Content-Type": "text/plain"}, 415, "not_json"),
    "no content type": (b"{}", {"Content-Type": None}, 415, "not_json"),
    "a compressed body": (
        b"\x1f\x8b\x08\x00",
        {"Content-Encoding": "gzip"},
        415,
        "unsupported_encoding",
    ),
    "no body": (b"", {}, 400, "invalid_json"),
    "broken JSON": (b'{"message": "hi"', {}, 400, "invalid_json"),
    "two objects": (b'{"message": "hi"}{}', {}, 400, "invalid_json"),
    "no object": (b'["hi"]', {}, 400, "invalid_request"),
    "a byte order mark": (b'\xef\xbb\xbf{"message": "hi"}', {}, 400, "invalid_json"),
    "UTF-16": ('{"message": "hi"}'.encode("utf-16"), {}, 400, "invalid_json"),
    "bytes that are no UTF-8": (b'{"message": "\xff"}', {}, 400, "invalid_json"),
    "an overlong NUL": (b'{"message": "\xc0\x80"}', {}, 400, "invalid_json"),
    "half an emoji in bytes": (b'{"message": "\xed\xa0\x80"}', {}, 400, "invalid_json"),
    "half an emoji escaped": (b'{"message": "\\ud83d"}', {}, 400, "invalid_json"),
    "a control character in a string": (b'{"message": "a\0b"}', {}, 400, "invalid_json"),
    "NaN": (b'{"message": "hi", "options": {"top_p": NaN}}', {}, 400, "invalid_json"),
    "a number above all floats": (
        b'{"message": "hi", "options": {"a": 1e999}}',
        {},
        400,
        "invalid_json",
    ),
    "Infinity": (b'{"message": "hi", "options": {"top_p": Infinity}}', {}, 400, "invalid_json"),
    "a thousand brackets": (b"[" * 1500, {}, 400, "invalid_json"),
    "a megabyte of brackets": (b"[" * LARGE, {}, 400, "invalid_request"),
    "a million messages": (
        b'{"message": [' + b"0," * 490_000 + b"0]}",
        {},
        400,
        "invalid_request",
    ),
    "a third of a million lists": (
        b'{"message": "hi", "options": {"a": [' + b"[]," * 330_000 + b"[]]}}",
        {},
        400,
        "invalid_request",
    ),
    "a quarter of a million strings": (
        b'{"message": "hi", "options": {"a": [' + b'"a",' * 240_000 + b"1]}}",
        {},
        400,
        "invalid_request",
    ),
    "deep options": (
        b'{"message": "hi", "options": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
        {},
        400,
        "invalid_request",
    ),
    "options that are no object": (
        b'{"message": "hi", "options": false}',
        {},
        400,
        "invalid_request",
    ),
    "a number beyond 64 bits": (
        b'{"message": "hi", "leave_out": 99999999999999999999}',
        {},
        400,
        "invalid_request",
    ),
}


@pytest.mark.both_ways
@pytest.mark.parametrize(("body", "headers", "status", "code"), BODIES.values(), ids=BODIES)
@pytest.mark.gen_test
async def test_a_body_is_refused_in_words(chat, upstream, body, headers, status, code):
    response = await chat.request("POST", "/stream", body, headers)
    assert (response.status, response.json()["error"]["code"]) == (status, code)
    assert len(response.json()["error"]["message"]) < 200
    assert not upstream.requests


@pytest.mark.both_ways
@pytest.mark.parametrize(
    "body",
    [
        '{"message": "first", "message": "last"}',
        '{"message": "last", "unknown": [{"a": null}], "options": null}',
        '{"message": "last", "options": {"top_p": 1e308, "seed": 18446744073709551615}}',
    ],
    ids=["a member twice", "unknown members", "very large numbers"],
)
@pytest.mark.gen_test
async def test_odd_bodies_that_are_in_order(chat, upstream, body):
    answer = await (await chat.open("POST", "/stream", body.encode())).read()
    assert (answer.text, answer.end["state"]) == ("last", "done")
    assert len(upstream.requests) == 1


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_any_character_is_kept(chat):
    text = "a\0b \u2028\u202e\ufeff\x1b[31m \U0010ffff 😀 \ue000 {{ 1 }} <script>"
    answer = await chat.ask(text, model="say=" + urllib.parse.quote(text))
    assert answer.text == text
    path = f"/api/conversations/{answer.start['conversation_id']}"
    messages = (await chat.request("GET", path)).json()["messages"]
    assert [message["content"] for message in messages] == [text, text]
    for query in ("%00b", "a%00b", "%E2%80%AE", "%F0%9F%98%80"):
        found = await chat.request("GET", f"/api/conversations?q={query}")
        assert found.status == 200, query


def test_the_values_of_a_large_body_are_counted_outside_of_its_strings() -> None:
    brackets = b"[]{}," * 30_000
    for text in (brackets, b'\\"' + brackets, b"\\\\" * 9 + brackets, b'\\\\\\"' + brackets):
        check_values(b'{"message": "' + text + b'"}')
    few = b"[" + b"0," * (MAX_VALUES - 2) + b"0]"
    check_values(b'{"a":' + few + b" " * 70_000 + b"}")


@pytest.mark.parametrize("name", ["a form above a megabyte", "a third of a million lists"])
@pytest.mark.gen_test
async def test_nobody_waits_for_a_large_body(chat, name):
    body, headers, _, _ = BODIES[name]
    began = time.thread_time()
    await chat.request("POST", "/stream", body, headers)
    assert time.thread_time() - began < 0.2  # with sending and reading; parsing takes longer


FLOODS = [
    *(" " * 15_000 + "x", "gzip" + " " * 15_000 + "x", "," * 15_000, ";" * 15_000),
    *("a;q=" * 3700, "a-" * 7500, '"' * 15_000, "\\" * 15_000, '"\\' * 7500, "W/" * 7500),
    *("127.0.0.1," * 1500, "[" * 15_000, "1:" * 7500, "a=b;" * 3700, "%41" * 5000),
]


@pytest.mark.parametrize(
    "name",
    [
        *("Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Cookie", "Host"),
        *("If-None-Match", "Last-Event-ID", "Origin", "Range", "X-Forwarded-For", "Connection"),
    ],
)
@pytest.mark.gen_test
async def test_nobody_waits_for_a_long_header(chat, name):
    for value in FLOODS:
        for method, path in (("GET", chat.application.assets.url("js/app.js")), ("PATCH", "/")):
            times = []
            for _ in range(3):  # in one of them, Python may have cleaned up after other tests
                began = time.thread_time()
                await chat.request(method, path, {}, {name: value})
                times.append(time.thread_time() - began)
                if times[-1] < 0.2:
                    break
            assert min(times) < 0.2, value[:20]


@pytest.mark.parametrize(
    "path",
    [
        *("/api/conversations?q=%ff", "/api/conversations?q=%ed%a0%80", "/c/%ff", "/%ff"),
        *("/api/conversations?limit=1e3", "/api/conversations?limit=-1", "/static/%ff"),
        *("/api/conversations?before=x", "/api/conversations?before=" + "9" * 400),
        *("/api/conversations?limit=" + "9" * 400, f"/stream/{ID}?after=%D9%A3", "/%00", "/%"),
        *("/c/" + ID + "%0a", f"/c/{ID}.exe", "//", "/;"),
        *("/api/conversations?limit=%D9%A3", "/static/..%2fapp.py", "/../app.py", "/a" * 4000),
    ],
    ids=lambda path: path[:40],
)
@pytest.mark.gen_test
async def test_an_odd_address_is_refused_in_words(chat, path):
    response = await chat.request("GET", path)
    assert response.status in (400, 404)
    assert set(response.json()["error"]) == {"code", "message"}


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_what_is_no_http_is_closed_without_a_word_too_many(chat, caplog):
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    for data in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET / healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",  # no Host
        head + b"Host: localhost\r\n\r\n",
        head + b"no colon\r\n\r\n",
        head + b"A: b\0c\r\n\r\n",
        head + b"A: b\rB: c\r\n\r\n",
        head + b" folded: line\r\n\r\n",
        head + b"Content-Length: -1\r\n\r\n",
        head + b"Content-Length: 5, 6\r\n\r\n12345",
        head + b"Content-Length: 99999999999\r\n\r\n",
        head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ]:
        answer = await raw(chat, data)
        assert answer in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"), (data[:80], answer)
    assert "Traceback" not in caplog.text
    assert (await chat.request("GET", "/healthz")).status == 200


@pytest.mark.both_ways
@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
@pytest.mark.parametrize("size", [17_000, 300_000])
@pytest.mark.gen_test
async def test_a_head_that_is_too_large_is_refused_in_words(chat, before, size):
    for status, head in [
        (414, b"GET /c/x?q=" + b"a" * size + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (414, b"A" * size),
        (431, b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: a=" + b"b" * size + b"\r\n\r\n"),
        (431, b"GET / HTTP/1.1\nHost: localhost\n" + b"a: b\n" * (size // 5)),
    ]:
        answer = await raw(chat, before + head)
        if before:
            first, answer = answer.split(b'{"status":"ok"}')
            assert first.startswith(b"HTTP/1.1 200 ")
        lines, _, body = answer.partition(b"\r\n\r\n")
        assert lines.startswith(b"HTTP/1.1 %d " % status), lines[:80]
        assert b"Connection: close" in lines and b"Content-Type: application/json" in lines
        error = json.loads(body)["error"]
        assert error["code"] == "too_large" and "16 KiB" in error["message"]
    connections = chat.application.keep_alive.__self__.connections
    await until(lambda: not connections.open)


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_smuggled_request_is_not_answered(chat):
    """A proxy and this server must not see different requests in the same bytes."""
    smuggled = b"GET /api/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for lines in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 47\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    ):
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        assert b"fake-model" not in await raw(chat, head + lines + smuggled), lines


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_an_origin_that_is_no_url_is_another_site(chat, upstream):
    for origin in ("http://[", "http://]", "\xff", "http://localhost:x", "//", ""):
        response = await chat.request("POST", "/stream", {"message": "hi"}, {"Origin": origin})
        assert (response.status, response.json()["error"]["code"]) == (403, "forbidden"), origin
    assert not upstream.requests


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "DELETE", "MERGE", "get"])
@pytest.mark.gen_test
async def test_other_methods_are_refused(chat, method):
    response = await chat.request(method, "/api/models", {}, {"Content-Type": "application/json"})
    assert (response.status, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.gen_test
async def test_head_has_no_body(chat):
    id = (await chat.ask(model="say=a")).start["generation_id"]
    for path in ("/", "/healthz", "/api/conversations", f"/stream/{id}", "/static/js/app.js"):
        head, get = (chat.encode(m, path, None, {"Connection": "close"}) for m in ("HEAD", "GET"))
        answer = await raw(chat, head)
        assert answer.startswith(b"HTTP/1.1 200 "), path
        assert answer.endswith(b"\r\n\r\n") and answer.count(b"\r\n\r\n") == 1, answer
        assert (await raw(chat, get)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_ranges_and_conditions_do_not_cut_a_stream(chat):
    start = (await chat.ask(model="say=ab")).start
    headers = {"Range": "bytes=0-3", "If-None-Match": "*", "If-Modified-Since": "x"}
    stream = await chat.open("GET", f"/stream/{start['generation_id']}", headers=headers)
    assert (stream.response.status, (await stream.read()).text) == (200, "ab")
    ranged = await chat.request("GET", "/static/js/app.js", headers={"Range": "bytes=0-3"})
    assert ranged.status == 200 and len(ranged.body) > 4


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_pipelined_requests_are_answered_in_order(chat):
    id = (await chat.ask(model="say=one")).start["generation_id"]
    stream = await chat.connect()
    paths = ["/healthz", f"/stream/{id}", "/nothing", "/api/models", "/healthz"]
    await stream.write(b"".join(chat.encode("GET", path, None, {}) for path in paths))
    bodies = []
    for _ in paths:
        bodies.append(await read_body(stream, await read_head(stream)))
    for body, words in zip(
        bodies, (b"ok", b"one", b"not_found", b"fake-model", b"ok"), strict=True
    ):
        assert words in body
    stream.close()


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_http_1_0_is_answered_and_closed(chat):
    answer = await raw(chat, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b'{"status":"ok"}')


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_no_text_of_a_user_gets_into_a_header(chat):
    title = "a\r\nX-Evil: 1\r\n\r\n<script>\u2028"
    made = await chat.request("POST", "/api/conversations", {"title": title})
    assert made.json()["title"] == title
    for ending in ("md", "txt", "json"):
        export = await chat.request("GET", f"/c/{made.json()['id']}.{ending}")
        assert export.status == 200 and "x-evil" not in export.headers
        name = f"a X-Evil- 1 script .{ending}".replace(" .", ".")
        encoded = f"filename*=UTF-8''{name.replace(' ', '%20')}"
        assert export.headers["content-disposition"] == f'inline; filename="{name}"; {encoded}'
    for path in ("/static/a%0d%0aX-Evil:%201", "/%0d%0aX-Evil:%201", "/c/%0d%0aX-Evil:1"):
        assert "x-evil" not in (await chat.request("GET", path)).headers


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_no_request_writes_a_line_of_its_own_into_the_log(chat, caplog):
    caplog.set_level("DEBUG")
    await chat.request("GET", "/%0aERROR%20forged")
    await chat.request("GET", "/\x85\u00a0forged\xff")
    await chat.request("GET", "/healthz", headers={"X-Forwarded-For": "1\tforged"})
    await raw(chat, b"GET /\x1b[31mforged HTTP/1.1\r\nHost: localhost\r\n\r\n")
    lines = [TextFormatter().format(record) for record in caplog.records]
    assert any("forged" in line for line in lines)
    assert [line for line in lines if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)] == []


QUESTION = {"role": "user", "content": "hi"}
#: For each route of `/v1`: a request that is in order.
PROGRAMS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [QUESTION]},
    "/v1/responses": {"input": "hi", "tools": [{"type": "function", "name": "f"}]},
}
NESTED: Any = "x"
for _ in range(900):
    NESTED = [NESTED]
#: A value of each type, and two that are hard to repeat in an error.
TYPES = [None, True, False, 0, 7, 1.5, "", "x", [], [7], {}, {"a": 1}, "x" * 100_000, NESTED]
TEXT, LIST, OBJECT, FLAG = (str,), (list,), (dict,), (bool,)
#: The members that the server itself reads, by the name that an error has for them: how a request
#: with a value there begins and ends, and the types that are in order.
READ: dict[str, dict[str, tuple[Any, tuple[type, ...]]]] = {
    "/v1/chat/completions": {
        "messages": (lambda v: {"messages": v}, ()),
        "messages[1]": (lambda v: {"messages": [QUESTION, v]}, ()),
        "messages[0].role": (lambda v: {"messages": [{"role": v}]}, ()),
        "messages[0].content": (
            lambda v: {"messages": [{**QUESTION, "content": v}]},
            (str, list, NoneType),
        ),
        "messages[0].content[1]": (
            lambda v: {"messages": [{**QUESTION, "content": [{}, v]}]},
            OBJECT,
        ),
        "model": (lambda v: {"model": v}, (str, NoneType)),
        "n": (lambda v: {"n": v}, (NoneType,)),
        "stream": (lambda v: {"stream": v}, (bool, NoneType)),
        "stream_options": (lambda v: {"stream_options": v}, (dict, NoneType)),
    },
    "/v1/responses": {
        "input": (lambda v: {"input": v}, TEXT),
        "input[1]": (lambda v: {"input": [QUESTION, v]}, ()),
        "input[0]": (lambda v: {"input": [{"type": v}]}, ()),
        "input[0].role": (lambda v: {"input": [{"type": "message", "role": v}]}, ()),
        "input[0].content": (lambda v: {"input": [{**QUESTION, "content": v}]}, TEXT),
        "input[0].content[0]": (lambda v: {"input": [{**QUESTION, "content": [v]}]}, ()),
        "input[0].content[0].text": (
            lambda v: {"input": [{**QUESTION, "content": [{"type": "input_text", "text": v}]}]},
            TEXT,
        ),
        "input[0].arguments": (
            lambda v: {
                "input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": v}]
            },
            TEXT,
        ),
        "input[0].output": (
            lambda v: {"input": [{"type": "function_call_output", "call_id": "c", "output": v}]},
            TEXT,
        ),
        "instructions": (lambda v: {"instructions": v}, (str, NoneType)),
        "max_output_tokens": (lambda v: {"max_output_tokens": v}, (NoneType,)),
        "reasoning": (lambda v: {"reasoning": v}, (dict, NoneType)),
        "reasoning.effort": (lambda v: {"reasoning": {"effort": v}}, (str, NoneType)),
        "text": (lambda v: {"text": v}, (dict, NoneType)),
        "text.verbosity": (lambda v: {"text": {"verbosity": v}}, (str, NoneType)),
        "text.format": (lambda v: {"text": {"format": v}}, (dict, NoneType)),
        "tools": (lambda v: {"tools": v}, (NoneType,)),
        "tools[0]": (lambda v: {"tools": [v]}, ()),
        "tools[0].name": (lambda v: {"tools": [{"type": "function", "name": v}]}, TEXT),
        "tool_choice": (lambda v: {"tool_choice": v}, (str, NoneType)),
        "parallel_tool_calls": (lambda v: {"parallel_tool_calls": v}, (bool, NoneType)),
        "model": (lambda v: {"model": v}, (str, NoneType)),
        "n": (lambda v: {"n": v}, (NoneType,)),
        "stream": (lambda v: {"stream": v}, (bool, NoneType)),
    },
}
#: Values that are in order where others of their type are not.
ALLOWED = {
    *(("tools", "[]"), ("max_output_tokens", "7")),
    *((f"input[0].{name}", "[]") for name in ("content", "output")),
}


@pytest.mark.parametrize(
    ("path", "param"), [(path, param) for path, members in READ.items() for param in members]
)
@pytest.mark.gen_test
async def test_a_member_of_a_wrong_type_is_named(chat, upstream, path, param):
    change, good = READ[path][param]
    for value in TYPES:
        if type(value) in good or (param, repr(value)[:20]) in ALLOWED:
            continue
        response = await chat.request("POST", path, PROGRAMS[path] | change(value))
        error = response.json()["error"]
        shown = repr(value)[:60]
        assert (response.status, error["type"]) == (400, "invalid_request_error"), shown
        # A list or an object of wrong entries is refused for these.
        assert error["param"].startswith(param) or param.startswith(error["param"]), shown
        assert error["param"] in error["message"] and len(error["message"]) < 300, shown
    assert not upstream.requests


@pytest.mark.parametrize("path", PROGRAMS)
@pytest.mark.parametrize("each", [False, pytest.param(True, marks=pytest.mark.wide)])
@pytest.mark.gen_test
async def test_an_attack_on_a_route_of_programs_gets_an_answer_in_words(chat, path, each):
    """Any depth, and as many values as are allowed, in members that are passed on or repeated.

    Every member gets every value, and every value is kept and not kept; `each` tries both ways.
    """
    tools = '{"type": "allowed_tools", "tools": ['
    hard = [
        *("[" * depth + "]" * depth for depth in (240, 300, 900, 1020)),
        *(tools * depth + "]}" * depth for depth in (120, 500)),
        *("[" + ", ".join([entry] * 49_000) + "]" for entry in ("0", '"a"', "[]", "{}")),
        json.dumps({str(number): number for number in range(49_000)}),
    ]
    names = ("tool_choice", "tools", "metadata", "mine", "text", "input", "messages")
    kinds: list[dict[str, str]] = [{}, {"Tornado-Stream-Keep": "true"}]
    for number, (name, value) in enumerate(itertools.product(names, hard)):
        for headers in kinds if each else [kinds[number % 2]]:
            members = PROGRAMS[path] | {name: "VALUE"}
            body = json.dumps(members).replace('"VALUE"', value).encode()
            response = await chat.request("POST", path, body, headers)
            assert response.status in (200, 400), (name, value[:60], response.body[:300])
            assert response.status == 200 or response.json()["error"]["message"]
    too_many = {**PROGRAMS[path], "mine": [0] * 100_001}
    response = await chat.request("POST", path, too_many)
    assert response.status == 400 and "100000 values" in response.json()["error"]["message"]


async def raw(chat: Client, data: bytes) -> bytes:
    """Send these bytes and return the answer, up to the close, or to 0.3 s of silence where these
    bytes do not ask for it."""
    stream = await chat.connect()
    closes = data.endswith(b"\r\n\r\n") and b"\r\nConnection: close\r\n" in data
    parts = []
    try:
        await stream.write(data)
        async with asyncio.timeout(DEADLINE if closes else 0.3):
            while True:
                parts.append(await stream.read_bytes(65536, partial=True))
    except (TimeoutError, StreamClosedError):
        pass
    finally:
        stream.close()
    return b"".join(parts)
