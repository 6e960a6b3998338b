"""The short way in reads plain requests only, and reads them as Tornado does."""

from __future__ import annotations

import time

import pytest
from tornado.httputil import HTTPHeaders

from tornado_stream.net.request_head import read_plain

LINE = b"POST /stream HTTP/1.1\r\n"
HEAD = b"Host: localhost:8888\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"


def read(lines: bytes = HEAD, body: bytes = b"{}", line: bytes = LINE):
    return read_plain(line + lines + b"\r\n" + body, LINE)


def test_a_plain_request_is_read():
    plain = read(HEAD + b"X-Odd:\t a b \t\r\nEmpty:\r\nCookie: a=b; c=d\r\n")
    assert plain.body == b"{}" and not plain.closing
    assert plain.headers["x-odd"] == "a b" and plain.headers["Empty"] == ""
    lines = HEAD + b"X-Odd:\t a b \t\r\nEmpty:\r\nCookie: a=b; c=d\r\n"
    assert plain.headers == HTTPHeaders.parse(lines.decode())
    assert read(HEAD + b"Connection: keep-alive\r\n") and not read(HEAD).closing
    assert read(HEAD + b"connection: Close\r\n").closing
    assert read(HEAD.replace(b"localhost:8888", b"[::1]:80"))


UNUSUAL = {
    "another method": (HEAD, b"{}", b"PUT /stream HTTP/1.1\r\n"),
    "another path": (HEAD, b"{}", b"POST /stream/ HTTP/1.1\r\n"),
    "a query": (HEAD, b"{}", b"POST /stream?a=b HTTP/1.1\r\n"),
    "an absolute target": (HEAD, b"{}", b"POST http://localhost/stream HTTP/1.1\r\n"),
    "HTTP/1.0": (HEAD, b"{}", b"POST /stream HTTP/1.0\r\n"),
    "an empty line before it": (HEAD, b"{}", b"\r\n" + LINE),
    "a line end without CR": (HEAD, b"{}", b"POST /stream HTTP/1.1\n"),
    "no header": (b"", b"", LINE),
    "a header without CR": (HEAD.replace(b"\r\nContent-L", b"\nContent-L"), b"{}", LINE),
    "a folded header": (HEAD + b"A: b\r\n c\r\n", b"{}", LINE),
    "a space before the colon": (HEAD.replace(b"Length:", b"Length :"), b"{}", LINE),
    "a name with _": (HEAD + b"X_User: a\r\n", b"{}", LINE),
    "no colon": (HEAD + b"abc\r\n", b"{}", LINE),
    "no name": (HEAD + b": a\r\n", b"{}", LINE),
    "NUL": (HEAD + b"A: b\0c\r\n", b"{}", LINE),
    "CR": (HEAD + b"A: b\rc\r\n", b"{}", LINE),
    "not ASCII": (HEAD + b"A: \xe4\r\n", b"{}", LINE),
    "a header twice": (HEAD + b"A: b\r\na: b\r\n", b"{}", LINE),
    "two hosts": (HEAD + b"host: localhost\r\n", b"{}", LINE),
    "two hosts in one": (HEAD.replace(b":8888", b",localhost"), b"{}", LINE),
    "no host": (HEAD.partition(b"\r\n")[2], b"{}", LINE),
    "an odd host": (HEAD.replace(b"localhost", b"a@localhost"), b"{}", LINE),
    "two lengths": (HEAD + b"Content-Length: 2\r\n", b"{}", LINE),
    "two lengths in one": (HEAD.replace(b": 2", b": 2, 2"), b"{}", LINE),
    "a length with a zero": (HEAD.replace(b": 2", b": 02"), b"{}", LINE),
    "a length with a sign": (HEAD.replace(b": 2", b": +2"), b"{}", LINE),
    "no length": (HEAD.partition(b"Content-L")[0], b"{}", LINE),
    "a shorter body": (HEAD, b"{", LINE),
    "a second request": (HEAD, b"{}" + LINE, LINE),
    "no body": (HEAD.replace(b": 2", b": 0"), b"", LINE),
    "chunked": (HEAD + b"Transfer-Encoding: chunked\r\n", b"{}", LINE),
    "an expectation": (HEAD + b"Expect: 100-continue\r\n", b"{}", LINE),
    "an upgrade": (HEAD + b"Upgrade: websocket\r\n", b"{}", LINE),
    "another connection": (HEAD + b"Connection: close, x\r\n", b"{}", LINE),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_whatever_is_unusual_is_left_alone(what):
    assert read() is not None
    assert read(*UNUSUAL[what]) is None


def test_every_beginning_of_a_request_is_left_alone():
    whole = LINE + HEAD + b"\r\n{}"
    assert read_plain(whole, LINE)
    assert not any(read_plain(whole[:size], LINE) for size in range(len(whole)))


def test_no_head_takes_long():
    for lines in (
        b"A:" + b" " * 16_000 + b"\r",
        b"A: b\r\n" * 2500 + b"\r",
        b"A" * 16_000,
        b"A:" + b"\t \r\n" * 4000,
    ):
        began = time.process_time()
        read_plain(LINE + lines + b"\r\n\r\n", LINE)
        read_plain(LINE + lines, LINE)
        assert time.process_time() - began < 0.1  # a hundred times what it takes
