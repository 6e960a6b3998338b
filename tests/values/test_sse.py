import base64
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_stream.values.sse import ServerSentEvent, SSEDecoder

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "sse" / "vectors.json").read_bytes())


def decode(pieces: Iterable[bytes], **options: Any) -> tuple[list[ServerSentEvent], SSEDecoder]:
    decoder = SSEDecoder(**options)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.close(), decoder


def data_of(events: list[ServerSentEvent]) -> list[bytes]:
    return [event.data for event in events]


def pieces_of(vector: dict[str, Any]) -> list[bytes]:
    if "base64" in vector:
        return [base64.b64decode(vector["base64"])]
    return [piece.encode() for piece in vector.get("chunks") or [vector["input"]]]


def in_bytes(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


# -- the shared vectors


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any]) -> None:
    pieces = pieces_of(vector)
    whole = b"".join(pieces)
    halves = [[whole[:i], whole[i:]] for i in range(len(whole))]
    for split in (pieces, [whole], in_bytes(whole), *halves):
        events, decoder = decode(split, error_field=vector.get("error_field", False))
        found = [
            {"event": event.event, "data": event.data.decode("utf-8", "replace"), "id": event.id}
            for event in events
        ]
        assert found == vector["events"]
        assert decoder.comments == vector.get("comments", decoder.comments)
        assert decoder.retry == vector.get("retry")
        assert decoder.error is None


def test_vectors_have_names_of_their_own() -> None:
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)


# -- when the decoder returns an event


def test_a_blank_line_completes_an_event() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [ServerSentEvent("message", b"a", "")]
    assert decoder.close() == []


def test_a_cr_completes_an_event_and_a_lf_after_it_is_no_blank_line() -> None:
    decoder = SSEDecoder()
    assert data_of(decoder.feed(b"data: a\r\n\r")) == [b"a"]
    assert decoder.feed(b"\n") == []
    assert data_of(decoder.feed(b"data: b\n\n")) == [b"b"]


def test_the_fast_path_keeps_the_id() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"id: 3\n\n")
    assert decoder.feed(b"data: a\n\n") == [ServerSentEvent("message", b"a", "3")]
    assert decoder.feed(b"data: b\n\ndata: c\n\n") == [
        ServerSentEvent("message", b"b", "3"),
        ServerSentEvent("message", b"c", "3"),
    ]


@pytest.mark.parametrize("begun", [b"event: x\n", b"data: 0\n", b"foo", b"\n\r"])
def test_the_fast_path_is_not_taken_within_an_event(begun: bytes) -> None:
    rest = b"data: a\n\ndata: b\n\n"
    decoder = SSEDecoder()
    split = decoder.feed(begun) + decoder.feed(rest)
    assert split == SSEDecoder().feed(begun + rest)


def test_after_close_the_decoder_returns_nothing() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: a\n\n")
    assert decoder.close() == []
    assert decoder.feed(b"data: b\n\n") == []
    assert decoder.close() == []


# -- limits


def test_a_line_may_be_as_long_as_the_limit_and_no_longer() -> None:
    line = b"data: " + b"x" * 94
    events, decoder = decode([line + b"\n\n"], max_line=100)
    assert data_of(events) == [b"x" * 94]
    assert decoder.error is None
    events, decoder = decode([line + b"x\n\n"], max_line=100)
    assert events == []
    assert decoder.error == "line_too_long"


def test_line_too_long_keeps_the_events_before_it_and_ignores_the_rest() -> None:
    data = b"data: a\n\ndata: b\ndata: " + b"x" * 100 + b"\n\ndata: c\n\n"
    for pieces in ([data], in_bytes(data), [data[:50], data[50:]]):
        events, decoder = decode(pieces, max_line=50)
        assert data_of(events) == [b"a", b"b"]
        assert decoder.error == "line_too_long"


def test_line_too_long_is_known_before_the_line_ends() -> None:
    decoder = SSEDecoder(max_line=10)
    decoder.feed(b"data: 12345")
    assert decoder.error == "line_too_long"


@pytest.mark.parametrize("limit", range(9, 40))
def test_answer_too_long_is_the_same_for_every_split(limit: int) -> None:
    data = b"data: a\n\ndata: b\ndata: c\r\n\r\n: comment\ndata: d\n\n"
    expected, _ = decode([data[:limit]])
    if not data[:limit].endswith((b"\n", b"\r")):  # a line that the limit cuts is not delivered
        expected, _ = decode([data[: max(data.rfind(b"\n", 0, limit), 0) + 1]])
    for pieces in ([data], in_bytes(data), [data[:20], data[20:]]):
        events, decoder = decode(pieces, max_total=limit)
        assert decoder.error == "answer_too_long"
        assert data_of(events) == data_of(expected)


def test_an_answer_may_be_as_long_as_the_limit() -> None:
    data = b"data: a\n\n" * 10
    events, decoder = decode([data], max_total=len(data))
    assert len(events) == 10
    assert decoder.error is None
    assert decoder.feed(b"") == []


def test_the_fast_path_counts_bytes_too() -> None:
    decoder = SSEDecoder(max_total=20)
    assert len(decoder.feed(b"data: a\n\n")) == 1
    assert len(decoder.feed(b"data: b\n\n")) == 1
    assert decoder.feed(b"data: c\n\n") == []
    assert decoder.error == "answer_too_long"


def test_the_fast_path_limits_lines_too() -> None:
    decoder = SSEDecoder(max_line=20)
    assert decoder.feed(b": x\n\n") == []
    assert data_of(decoder.feed(b"data: a\n\ndata: b\n\ndata: c\n\n")) == [b"a", b"b", b"c"]
    assert data_of(decoder.feed(b"data: a\n\ndata: " + b"b" * 20 + b"\n\n")) == [b"a"]
    assert decoder.error == "line_too_long"


def test_large_feed_stops_at_the_limit() -> None:
    events, decoder = decode([b"data: a\n\n" + b"x" * 2000 + b"\n\ndata: b" * 20_000], max_line=99)
    assert data_of(events) == [b"a"]
    assert decoder.error == "line_too_long"


def test_after_an_error_the_decoder_returns_nothing() -> None:
    decoder = SSEDecoder(max_line=10, max_total=1000)
    decoder.feed(b"x" * 11)
    assert decoder.feed(b"\n\ndata: a\n\n" * 200) == []
    assert decoder.close() == []
    assert decoder.error == "line_too_long"


@pytest.mark.parametrize("max_line", range(1, 5))
@pytest.mark.parametrize("max_total", range(0, 5))
def test_limits_within_a_byte_order_mark(max_line: int, max_total: int) -> None:
    for data in (b"\xef\xbb", b"\xef\xbbdata"):
        outcomes = set()
        for pieces in ([data], in_bytes(data), [data[:1], data[1:]], [data[:2], data[2:]]):
            _, decoder = decode(pieces, max_line=max_line, max_total=max_total)
            outcomes.add(decoder.error)
        assert len(outcomes) == 1


def test_large_feed_is_the_same_as_many() -> None:
    data = b"data: " + b"x" * 100_000 + b"\r\n\r\n" + b"data: y\n\n" * 30_000
    events, _ = decode([data])
    assert len(events) == 30_001
    assert events == decode(data[i : i + 999] for i in range(0, len(data), 999))[0]


def seconds_for_bytes(size: int) -> float:
    pieces = [b"data: ", *[b"x"] * size, b"\n\n"]
    start = time.process_time()
    events, _ = decode(pieces)
    assert len(events[0].data) == size
    return time.process_time() - start


def test_line_fed_byte_by_byte_takes_linear_time() -> None:
    # Eight times the bytes take 8 times as long if linear, 64 times if every feed scans or copies
    # the bytes before it.
    small = min(seconds_for_bytes(2**20 // 8 - 8) for _ in range(3))
    assert seconds_for_bytes(2**20 - 8) < 24 * small


# -- any splitting


@st.composite
def streams_with_cuts(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    atoms = [b"data", b"data: a", b"event: x", b"id: 1", b"error: e", b":", b" ", b"\n", b"\r"]
    atoms += [b"\r\n", b"\n\n", b"\xef\xbb\xbf", "\u2028é😀".encode(), b"\xff", b"\0", b"x" * 30]
    data = b"".join(draw(st.lists(st.sampled_from(atoms), max_size=30)))
    return data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=10)))


@given(streams_with_cuts(), st.integers(5, 60), st.integers(0, 300))
def test_the_result_does_not_depend_on_the_splitting(
    stream: tuple[bytes, list[int]], max_line: int, max_total: int
) -> None:
    data, cuts = stream
    options = {"error_field": True, "max_line": max_line, "max_total": max_total}
    edges = [0, *cuts, len(data)]
    pieces = [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    whole, one = decode([data], **options)
    parts, many = decode(pieces, **options)
    assert parts == whole
    assert (many.error, many.comments, many.retry) == (one.error, one.comments, one.retry)
