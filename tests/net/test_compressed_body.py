"""Compressed bodies: what is read, what is refused by name, and how long the loop is held."""

from __future__ import annotations

import asyncio
import functools
import gzip
import random
import time
import zlib

import pytest
from client import until
from deadlines import DEADLINE, at_most
from providers.test_upstream import Script

from tornado_stream.net import compressed_body
from tornado_stream.net.compressed_body import PIECE, Inflater, compression
from tornado_stream.net.http_client import OnChunk
from tornado_stream.providers.upstream import Upstream, UpstreamRequest
from tornado_stream.values.errors import ProviderError

from .test_http_client import Server, answer

TEXT = "".join(f'data: {{"n": {n}, "x": "é{n * 7919}"}}\n\n' for n in range(400)).encode()


def raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def members(data: bytes, size: int) -> bytes:
    """Gzip of many members, one for each `size` bytes."""
    return b"".join(gzip.compress(data[at : at + size]) for at in range(0, len(data), size))


def inflate(kind: str, parts: list[bytes], most: int = PIECE) -> bytes:
    inflater, whole = Inflater(kind), b""
    for part in parts:
        inflater.feed(part)
        while piece := inflater.read(most):
            assert len(piece) <= most
            whole += piece
    return whole


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("", ""),
        ("identity", ""),
        ("Identity, identity", ""),
        ("none", ""),
        ("UTF-8", ""),
        ("iso-8859-1", ""),
        ("chunked", ""),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, identity", "gzip"),
        (" utf-8 ,gzip", "gzip"),
        ("Deflate", "deflate"),
    ],
)
def test_names_of_encodings(header, kind):
    assert compression(header) == kind


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("br", "br"),
        ("ZSTD", "zstd"),
        ("x-compress", "compress"),
        ("gzip, br", "br"),
        ("gzip, gzip", "gzip, gzip"),
    ],
)
def test_encodings_that_cannot_be_read_are_named(header, names):
    with pytest.raises(ValueError, match=f"^{names}$"):
        compression(header)


FORMS = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "members": ("gzip", members(TEXT, 997)),
    "a member for each byte": ("gzip", members(TEXT[:50], 1)),
    "an empty member in between": (
        "gzip",
        gzip.compress(TEXT[:9]) + gzip.compress(b"") + gzip.compress(TEXT[9:]),
    ),
    "padding": ("gzip", gzip.compress(TEXT) + b"\0" * 300),
    "zlib": ("deflate", zlib.compress(TEXT)),
    "zlib called gzip": ("gzip", zlib.compress(TEXT)),
    "raw": ("deflate", raw_deflate(TEXT)),
    "gzip called deflate": ("deflate", gzip.compress(TEXT)),
}


@pytest.mark.parametrize(("kind", "data"), FORMS.values(), ids=FORMS)
def test_every_form_at_every_splitting(kind, data):
    whole = TEXT[:50] if len(data) > 1000 and data.count(b"\x1f\x8b") == 50 else TEXT
    rng = random.Random(len(data))
    assert inflate(kind, [data]) == whole
    assert inflate(kind, [bytes([byte]) for byte in data]) == whole
    for _ in range(20):
        cuts = sorted(rng.randint(0, len(data)) for _ in range(rng.randint(1, 30)))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert inflate(kind, parts, rng.choice([1, 7, 100, PIECE])) == whole


@pytest.mark.parametrize(
    ("kind", "data", "before"),
    [
        ("gzip", b"data: plain text", b""),
        ("deflate", b"\xff\xff nonsense", b""),
        ("gzip", gzip.compress(b"abc") + b"data: plain", b"abc"),
        ("gzip", gzip.compress(b"abc" * 1000)[:-8] + b"\0" * 8, b"abc" * 1000),
    ],
    ids=["a text as gzip", "a text as deflate", "a text after gzip", "a wrong sum"],
)
def test_damaged_data(kind, data, before):
    inflater, whole = Inflater(kind), b""
    inflater.feed(data)
    with pytest.raises(zlib.error):
        while piece := inflater.read(100):
            whole += piece
    assert before.startswith(whole)


def test_a_body_that_ends_too_early_is_all_that_came():
    data = gzip.compress(TEXT)
    half = inflate("gzip", [data[: len(data) // 2]])
    assert TEXT.startswith(half) and half


HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"


@functools.cache
def bomb() -> bytes:
    """50 MiB in 50 KB: one read of the socket brings all of it."""
    return gzip.compress(b"x" * (50 << 20))


async def fetch(server: Script, take: OnChunk) -> None:
    upstream = Upstream()
    try:
        await upstream.fetch_stream(server.request(), lambda status, headers: take)
    finally:
        await upstream.close()


def response(data: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(data) + data


@pytest.mark.timed
@pytest.mark.gen_test
async def test_very_much_in_a_little_data_does_not_hold_the_loop():
    assert len(bomb()) < 64 * 1024
    taken: list[int] = []
    longest, last, done = 0.0, time.monotonic(), False

    def tick() -> None:
        nonlocal longest, last
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        if not done:
            asyncio.get_running_loop().call_soon(tick)

    server = Script(response(bomb()), hold=True)
    tick()
    await fetch(server, lambda piece: taken.append(len(piece)))
    done = True
    server.close()
    assert sum(taken) == 50 << 20 and max(taken) <= PIECE
    assert longest < at_most(0.05)


@pytest.mark.gen_test
async def test_a_connection_is_used_again_after_a_response_that_was_read_late():
    upstream, taken = Upstream(), 0

    def count(piece: bytes) -> None:
        nonlocal taken
        taken += len(piece)

    async with Server(answer(response(bomb()), times=3)) as server:
        for _ in range(3):
            request = UpstreamRequest(server.url(), {}, b"{}")
            await asyncio.wait_for(upstream.fetch_stream(request, lambda s, h: count), DEADLINE)
        assert taken == 150 << 20 and len(server.peers) == 1
        await upstream.close()


@pytest.mark.gen_test
async def test_a_total_has_a_limit():
    server = Script(response(gzip.compress(b"x" * (65 << 20))))
    with pytest.raises(ProviderError) as caught:
        await fetch(server, lambda piece: None)
    assert (caught.value.code, caught.value.state) == ("malformed_response", "cut_off")
    server.close()


@pytest.mark.gen_test
async def test_it_ends_where_its_taker_wants_no_more():
    taken: list[bytes] = []

    def take(piece: bytes) -> float | None:
        taken.append(piece)
        return 0.0 if len(taken) == 300 else None

    server = Script(response(bomb()), hold=True)
    await fetch(server, take)
    await asyncio.wait_for(server.left.wait(), DEADLINE)
    assert len(taken) == 300
    server.close()


@pytest.mark.gen_test
async def test_it_waits_for_more_as_long_as_its_taker_says():
    taken: list[bytes] = []

    def take(piece: bytes) -> float | None:
        taken.append(piece)
        return 0.05 if sum(map(len, taken)) == 50 << 20 else None

    server = Script(HEAD + b"\r\n" + bomb(), hold=True)
    await fetch(server, take)
    assert sum(map(len, taken)) == 50 << 20
    server.close()


@pytest.mark.gen_test
async def test_it_waits_no_longer_where_the_loop_had_its_turn_after_the_last_piece(monkeypatch):
    monkeypatch.setattr(compressed_body, "STEP", 0.0)  # a turn after every piece
    server = Script(HEAD + b"\r\n" + gzip.compress(TEXT), hold=True)
    await asyncio.wait_for(fetch(server, lambda piece: 0.05), DEADLINE)
    server.close()


@pytest.mark.gen_test
async def test_it_waits_no_longer_where_the_sum_of_the_data_comes_by_itself():
    data = gzip.compress(TEXT)
    server = Script(HEAD + b"\r\n" + data[:-8], 0.1, data[-8:], hold=True)
    await asyncio.wait_for(fetch(server, lambda piece: 0.5), DEADLINE)
    server.close()


@pytest.mark.gen_test
async def test_it_can_be_cancelled_in_the_midst():
    taken: list[bytes] = []
    server = Script(response(bomb()), hold=True)
    task = asyncio.create_task(fetch(server, taken.append))
    await until(lambda: len(taken) > 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    count = len(taken)
    await asyncio.wait_for(server.left.wait(), DEADLINE)
    assert len(taken) == count < 800
    server.close()


@pytest.mark.gen_test
async def test_what_its_taker_raises_later_is_raised():
    taken: list[bytes] = []

    def take(piece: bytes) -> None:
        taken.append(piece)
        if len(taken) > 300:
            raise KeyError("mine")

    server = Script(response(bomb()), hold=True)
    with pytest.raises(KeyError, match="mine"):
        await fetch(server, take)
    server.close()
