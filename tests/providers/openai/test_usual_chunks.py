"""The short way of usual chunks: whatever comes, it emits what the emitter alone would emit."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from both_ways import by_event, check_both_ways
from corpus import CORPUS
from fuzz.decoders import SAMPLES
from hypothesis import given
from hypothesis import strategies as st
from upstream_json import chunk, half, say, sse

from tornado_stream.providers.openai import answer_decoder
from tornado_stream.values.events import Delta

STREAMS = sorted((CORPUS / "streams").glob("*.sse"))
#: What surrounds the text of a chunk, as some servers write it.
FORMS = {
    "openai": '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    '[{"index":0,"delta":{"content":TEXT},"logprobs":null,"finish_reason":null}]}',
    "spaces": '{"choices": [{"index": 0, "delta": {"content": TEXT}}], "usage": null}',
    "role": '{"choices":[{"index":0,"delta":{"role":"assistant","content":TEXT},'
    '"finish_reason":null,"native_finish_reason":null}]}',
    "null": '{"choices":[{"index":0,"delta":{"content":TEXT,"reasoning_content":null}}]}',
    "twice": '{"content":"x","choices":[{"index":0,"delta":{"content":"y","content":TEXT}}]}',
}
#: Forms whose chunks say more than a text, or say it elsewhere: they are not usual.
OTHER_FORMS = (
    '{"choices":[{"index":1,"delta":{"content":TEXT}}]}',
    '{"choices":[{"index":0,"delta":{"content":TEXT,"reasoning_content":"hm"}}]}',
    '{"choices":[{"index":0,"delta":{"content":TEXT}}],"usage":{"total_tokens":5}}',
    '{"choices":[{"index":0,"delta":{"content":TEXT}}],"citations":["https://a.example"]}',
    '{"choices":[{"index":0,"message":{"content":TEXT}}]}',
    '{"choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":"stop"}]}',
    '{"choices":[{"index":0,"delta":{"content":TEXT}}],"error":{"message":"it broke"}}',
    '{"choices":[{"index":0,"delta":{"content":"a","content":TEXT,"content":"b"}}]}',
    '{"choices":[{"index":0,"delta":{"x":{"content":TEXT}}}]}',
    '{"error":{"content":TEXT}}',
    '{"content":TEXT}',
    "[TEXT]",
)
TEXTS = ["a", " b", "é😀", 'q"q', "back\\slash", "two\n\nlines", "\t\x7f\u2028", "data: ", "{}"]
MORE_TEXTS = ["", "<", "a [1]", "◁", "</think>", "<think>", "so\n</think>\n", "[/THINK]"]


def stream(form: str, texts: list[str], *, ascii: bool = False) -> bytes:
    """The events of these texts, in that form."""
    quoted = (json.dumps(text, ensure_ascii=ascii) for text in texts)
    return sse(*(form.replace("TEXT", text) for text in quoted))


@pytest.mark.parametrize("relay", [False, True])
@pytest.mark.parametrize("data", SAMPLES)
def test_samples_split_at_every_byte(data: bytes, relay: bool) -> None:
    check_both_ways([data], relay=relay)
    check_both_ways(by_event(data), relay=relay)
    check_both_ways([data[i : i + 1] for i in range(len(data))], relay=relay)
    for at in range(1, len(data)):
        check_both_ways([data[:at], data[at:]], cut=at % 2 == 0, relay=relay)
        check_both_ways([*by_event(data[:at]), *by_event(data[at:])], relay=relay)


@pytest.mark.parametrize("path", STREAMS or [None], ids=lambda path: path and path.stem)
def test_recorded_streams(path: Path | None) -> None:
    if path is None:
        pytest.skip(f"no corpus in {CORPUS}")
    data, rng = path.read_bytes(), Random(1)
    for relay in (False, True):
        check_both_ways(by_event(data), relay=relay)
        for most in (3, 200, 4000) if len(data) < 30_000 else (200, 4000):
            rest, pieces = data, []
            while rest:
                size = rng.randint(1, most)
                pieces.append(rest[:size])
                rest = rest[size:]
            check_both_ways(pieces, cut=most == 200, relay=relay)
        for _ in range(5):
            at = rng.randrange(len(data) or 1)
            check_both_ways([*by_event(data[:at]), *by_event(data[at:])], cut=True, relay=relay)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("ascii", [False, True])
def test_a_usual_chunk_takes_the_short_way(form: str, ascii: bool) -> None:
    data = stream(form, TEXTS * 3, ascii=ascii)
    passed, events = check_both_ways(by_event(data))
    assert passed == 3 * len(TEXTS) - 1  # the first one is the template
    assert "".join(e.content for e in events if isinstance(e, Delta)) == "".join(TEXTS * 3)


@pytest.mark.parametrize("count", [2, 20])
def test_events_that_come_in_one_read_take_it_together(count: int) -> None:
    data = stream(FORMS["openai"], TEXTS)
    passed, events = check_both_ways([data[: data.index(b"\n\n") + 2], data * count])
    assert passed == 1 and len(events) == 2
    check_both_ways([data * count] * 3)


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_any_other_chunk_takes_the_careful_way(form: str) -> None:
    for relay in (False, True):
        data = stream(form, TEXTS)
        assert check_both_ways(by_event(data), relay=relay)[0] == 0
        usual = stream(FORMS["openai"], TEXTS)
        check_both_ways(by_event(usual + data + usual), relay=relay)


def test_a_chunk_that_only_looks_like_the_template() -> None:
    template = stream(FORMS["openai"], ["a"])
    start, end = template.split(b'"a"')
    others = [
        start + b'"' + end[1:],  # start and end share their quote
        start + b'"a" ,"x":"b"' + end,
        start + b'"a","content":"b"' + end,
        start + b'"a\\"' + end,
        start + b'"\\ud83d"' + end,
        start + b'"\\ude00"' + end,
        start + b'"\xff"' + end,
        start + b'"a\nb"' + end,
        start + b'"a\x00b"' + end,
        start + b"null" + end,
        start + b'"a\\"' + end + start + b'"n\\"' + end,
        start + b'"a\\"' + end + start + b'",\\"z"' + end,
        start + b'"a\n\ndata: b"' + end,
        start + b'"a"' + end[:-1],
        b"\n" + template,
        template + template[:-1],
    ]
    for other in others:
        check_both_ways([template, template, other, template, template])
        check_both_ways([template, other * 2, template * 2])
        check_both_ways([template, template, other[:30], other[30:], template])


def test_a_template_that_changes_is_made_anew() -> None:
    events = [
        stream(FORMS["openai"].replace('"created":1', f'"created":{second}'), [text])
        for second in range(5)
        for text in TEXTS
    ]
    assert check_both_ways(events)[0] == 5 * (len(TEXTS) - 1)


def test_chunks_that_are_all_different_are_tried_ever_more_rarely(monkeypatch: Any) -> None:
    tries = []
    monkeypatch.setattr(
        "tornado_stream.providers.openai.usual_chunks.UsualChunks._is_usual",
        lambda self, block: tries.append(block),
    )
    form = '{"n":"%d","choices":[{"index":0,"delta":{"content":TEXT}}]}'
    check_both_ways([stream(form % n, ["a"]) for n in range(1000)])
    assert 10 < len(tries) < 100


def test_after_reasoning_the_short_way_is_found_again() -> None:
    thoughts = [sse(chunk({"reasoning_content": "hm"}))] * 500
    texts = by_event(stream(FORMS["openai"], ["a"] * 100))
    assert check_both_ways([*thoughts, *texts])[0] > 80


def test_tags_and_surrogates_take_the_careful_way() -> None:
    for text in MORE_TEXTS:
        check_both_ways(by_event(stream(FORMS["openai"], [*TEXTS, text, *TEXTS, text, "z"])))
        check_both_ways(by_event(stream(FORMS["openai"], [text, *TEXTS])))
    halves = sse(half("a"), half("b"), half(r"\ud83d"), half(r"\ude00"), half("b"), half(r"\ud83d"))
    check_both_ways(by_event(halves))


@pytest.mark.parametrize("options", [{}, {"text_so_far": "so a"}, {"text_so_far": "so a"}])
def test_an_answer_that_is_continued(options: dict[str, Any]) -> None:
    for repeats in (False, True):
        data = stream(FORMS["openai"], ["so", " a", *TEXTS])
        check_both_ways(by_event(data), repeats=repeats, **options)


@pytest.mark.parametrize("limit", [0, 1, 5, 17, 40])
def test_limits_are_reached_at_the_same_byte(limit: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(answer_decoder, "MAX_TEXT", limit)
    check_both_ways(by_event(stream(FORMS["openai"], TEXTS * 3)))
    data = stream(FORMS["openai"], TEXTS * 3)
    monkeypatch.setattr(answer_decoder, "MAX_TEXT", 10**6)
    for room in (1, 150 * limit, len(data) - 1, len(data)):
        decoder = answer_decoder.AnswerDecoder
        monkeypatch.setattr(decoder.__init__, "__kwdefaults__", defaults(max_total=room))
        check_both_ways(by_event(data))
        monkeypatch.setattr(decoder.__init__, "__kwdefaults__", defaults(max_line=room))
        check_both_ways(by_event(data))
        check_both_ways([data])


def defaults(**changed: int) -> dict[str, Any]:
    given = {"key": None, "relay": False, "max_line": 2**20, "max_total": 2**24}
    return {**given, **changed}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*FORMS.values()] * 4 + [*OTHER_FORMS]),
            st.lists(st.sampled_from(TEXTS * 3 + MORE_TEXTS) | st.text(max_size=5), max_size=6),
            st.booleans(),
        ),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_any_mixture_in_any_pieces(parts: Any, rng: Random, relay: bool) -> None:
    data = b"".join(
        stream(form, [t.encode("utf-8", "replace").decode() for t in texts], ascii=ascii)
        for form, texts, ascii in parts
    )
    pieces: list[bytes] = []
    for event in by_event(data):
        if rng.random() < 0.2:
            at = rng.randrange(len(event))
            pieces += [event[:at], event[at:]]
        elif pieces and rng.random() < 0.3:
            pieces[-1] += event
        else:
            pieces.append(event)
    check_both_ways([piece for piece in pieces if piece], relay=relay, cut=rng.random() < 0.5)


def test_a_usual_chunk_is_said_as_the_careful_way_says_it() -> None:
    passed, events = check_both_ways([sse(say("a")), sse(say("b")), sse(say("c"))], relay=True)
    assert passed == 2
    assert [e.content for e in events if isinstance(e, Delta)] == ["a", "b", "c"]
