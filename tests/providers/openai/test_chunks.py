import json
from typing import Any

import orjson
import pytest
from upstream_json import chunk, content, fold, say, sse

from tornado_stream.providers.openai import images, reasoning, signed_members, sources
from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.chunks import decode_chunk, decode_text
from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_json
from tornado_stream.values.json_values import MAX_VALUES

# -- chunks


@pytest.mark.parametrize(
    ("choice", "more"),
    [
        ({"finish_reason": "stop"}, {}),
        ({"native_finish_reason": "aborted"}, {}),
        ({"index": 1}, {}),
        ({"error": {}}, {}),
        ({"usage": {}}, {}),
        ({"delta": {"content": "a", "role": "assistant"}}, {}),
        ({"delta": {"content": "a", "signature": "S"}}, {}),
        ({"delta": {"content": 7}}, {}),
        ({}, {"usage": {}}),
        ({}, {"error": "no"}),
        ({}, {"x_groq": {}}),
        ({}, {"citations": []}),
        ({}, {"search_results": []}),
    ],
)
def test_only_chunks_with_content_alone_take_the_short_way(
    choice: dict[str, Any], more: dict[str, Any]
) -> None:
    plain = {"index": 0, "delta": {"content": "a"}, "finish_reason": None}
    block = json.dumps({"choices": [plain]}).encode()
    other = json.dumps({"choices": [{**plain, **choice}], **more}).encode()
    assert decode_text([block]) == "a" and decode_text([block, block]) == "aa"
    assert decode_text([other]) is None and decode_text([block, other]) is None


def test_a_usual_chunk() -> None:
    data = json.dumps(chunk({"role": "assistant", "content": "a"}, "stop", usage={"n": 1})).encode()
    decoded = decode_chunk(data)
    assert decoded is not None
    assert (decoded.content, decoded.finish_reason, decoded.usage) == ("a", "stop", {"n": 1})
    assert decoded.error is None


@pytest.mark.parametrize(
    "data", [b"", b"1", b"null", b"true", b'"text"', b"[]", b"[1]", b"{", b"x"]
)
def test_data_that_is_no_chunk(data: bytes) -> None:
    assert decode_chunk(data) is None


JSON_VALUES = [None, True, 0, -1, 1.5, "", "x", [], [[]], [None], {}, {"x": {}}, 10**30]


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
def test_any_type_in_any_place(value: Any) -> None:
    places = [
        {"choices": value},
        {"choices": [value]},
        chunk(value),
        {"choices": [{"index": value, "delta": {"content": "a"}}]},
        chunk({}, value),
        {"choices": [], "usage": value},
        {"choices": [{"usage": value}]},
        {"choices": [], "x_groq": value},
        {"error": value},
        {"error": {"message": value, "code": value, "type": value, "metadata": value}},
        {"message": value, "code": value, "type": value, "detail": value},
        {"choices": [{"message": value}]},
        {"choices": [{"error": value}]},
    ]
    members = ("content", "reasoning_content", "refusal", "tool_calls")
    for name in (
        *members,
        *reasoning.MEMBERS,
        *signed_members.MEMBERS,
        *sources.MEMBERS,
        *images.MEMBERS,
    ):
        places.append(chunk({name: value}))
        places.append(chunk({name: [value]}))
        places.append(chunk({name: [{"type": value, "text": value, "url": value, "data": value}]}))
    for name in (*sources.MEMBERS, "x_other", "type", "candidates", "output", "done"):
        places.append({"choices": [], name: value})
        places.append({name: value})
        places.append({"choices": [{"native_finish_reason": value}], name: [{"url": value}]})
    for part in ({"type": value, "text": "a"}, {"type": "text", "text": value}):
        places.append(chunk({"content": [part]}))
    for name in ("image_url", "url", "b64_json", "data"):
        places.append(chunk({"images": [{"type": value, name: value}]}))
        places.append(chunk({"content": [{"type": "image_url", name: {"url": value}}]}))
    places.append(chunk({"content": [{"type": "thinking", "thinking": value}]}))
    places.append(chunk({"content": [{"type": "thinking", "thinking": [value]}]}))
    places.append(chunk({"tool_calls": [{"function": value}]}))
    for name in ("index", "id", "name", "arguments"):
        places.append(chunk({"tool_calls": [{name: value}]}))
        places.append(chunk({"tool_calls": [{"function": {name: value}}]}))
    for place in places:
        answer, decoder = fold(sse(place))
        assert isinstance(answer.content, str)
        assert isinstance(decoder.finish_reason, str | None)
        orjson.dumps([answer.content, answer.reasoning, answer.sources, answer.signed])
        orjson.dumps([answer.tool_calls, decoder.usage])
        assert all(isinstance(picture.head, str) for picture in decoder.take_pictures())


@pytest.mark.parametrize(
    "text",
    [
        '{"choices":[{"delta":{"content":"a"}}],"n":NaN,"i":[Infinity,-Infinity]}',
        '{"choices":[{"delta":{"content":"a"}}],"n":' + "9" * 5000 + "}",
        '{"choices":[{"delta":{"content":"a"}}],"n":-' + "9" * 100 + "}",
        '\ufeff{"choices":[{"delta":{"content":"a"}}]}',
    ],
)
def test_json_that_orjson_refuses(text: str) -> None:
    assert content(text) == "a"


def test_bytes_that_are_not_utf8() -> None:
    data = b'data: {"choices":[{"delta":{"content":"a\xff"}}]}\n\n'
    assert fold(data)[0].content == "a\ufffd"


def test_deep_nesting_does_not_raise() -> None:
    for deep in ("[" * 100_000, '{"a":' * 100_000, '{"error":' * 900 + "1" + "}" * 900):
        fold(sse(deep))


def test_two_chunks_in_one_event_are_skipped() -> None:
    """`decode_text` joins events to a list, in which their comma must not separate two items."""
    two = f"{json.dumps(say('b'))},{json.dumps(say('c'))}"
    answer, decoder = fold([sse(say("a")), f"data: {two}\n\n".encode() + sse(say("d"))])
    assert answer.content == "ad"
    assert (decoder.chunks, decoder.skipped) == (3, 1)


# -- content, reasoning, refusal


def test_content_is_joined() -> None:
    data = sse(chunk({"role": "assistant", "content": ""}), say("a"), say(" "), say("\n"), say("b"))
    assert fold(data)[0].content == "a \nb"


def test_one_delta_for_one_feed() -> None:
    decoder = AnswerDecoder()
    delta = decoder.feed(sse(say("a"), say("b"), chunk({"reasoning": "r"}), say("c")))
    assert delta is not None
    assert (delta.content, delta.reasoning) == ("abc", "r")
    assert decoder.feed(b": ping\n\n") is None


@pytest.mark.parametrize("missing", [{}, {"delta": None}, {"delta": {"content": None}}])
def test_delta_may_be_missing(missing: dict[str, Any]) -> None:
    last = {"choices": [{"index": 0, "finish_reason": "stop", **missing}]}
    answer, decoder = fold(sse(say("a"), last))
    assert answer.content == "a"
    assert decoder.complete


@pytest.mark.parametrize("choices", [[], None, "", 7])
def test_choices_may_be_missing(choices: Any) -> None:
    assert content(say("a"), {"choices": choices}, {"id": "x"}, say("b")) == "ab"


def test_only_choice_0_is_the_answer() -> None:
    other = {"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}
    both = {"choices": [{"index": 1, "delta": {"content": "no"}}, *say("b")["choices"]]}
    answer, decoder = fold(sse(say("a"), {"choices": [other]}, both))
    assert answer.content == "ab"
    assert decoder.finish_reason is None


def test_choice_0_in_several_pieces() -> None:
    pieces = [{"index": 0, "delta": {"content": text, "reasoning": text}} for text in "ab"]
    answer, _ = fold(sse({"choices": [pieces[0], {"index": 1}, pieces[1]]}))
    assert (answer.content, answer.reasoning) == ("ab", "ab")


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": "0"}])
def test_choice_without_index_is_the_answer(index: dict[str, Any]) -> None:
    assert content({"choices": [{**index, "delta": {"content": "a"}}]}) == "a"


def test_content_as_a_list_of_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, {"type": "x"}]}
    parts = [thinking, {"type": "thinking", "thinking": "!"}, {"type": "text", "text": "a"}, "b"]
    answer, _ = fold(sse(say(parts), say([{"type": "image_url", "text": "no"}])))
    assert (answer.content, answer.reasoning) == ("ab", "hm!")


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning_content": "a"}, "a"),
        ({"reasoning": "a"}, "a"),
        ({"reasoning_content": "a", "reasoning": "a"}, "a"),
        ({"reasoning_content": "", "reasoning": "a"}, "a"),
        ({"reasoning_content": None, "reasoning": "a"}, "a"),
        ({"reasoning_content": ["x"], "reasoning": "a"}, "x"),
        ({"reasoning": {"text": "x"}}, "x"),
        ({"reasoning": "a", "content": [{"type": "thinking", "thinking": "a"}]}, "a"),
    ],
)
def test_reasoning_comes_once(delta: dict[str, Any], expected: str) -> None:
    assert fold(sse(chunk(delta)))[0].reasoning == expected


def test_a_refusal_is_joined() -> None:
    answer, _ = fold(sse(chunk({"refusal": "I "}), chunk({"content": None, "refusal": "won't"})))
    assert (answer.content, answer.refusal) == ("", "I won't")


def test_message_instead_of_delta() -> None:
    pieces = [{"choices": [{"index": 0, "message": {"content": text}}]} for text in "ab"]
    assert content(*pieces) == "ab"


def test_whole_message_after_its_deltas_is_not_added() -> None:
    last = {"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}]}
    answer, decoder = fold(sse(say("a"), say("b"), last))
    assert answer.content == "ab"
    assert decoder.finish_reason == "stop"


def test_message_beside_a_delta_is_ignored() -> None:
    both = {"choices": [{"delta": {"content": "b"}, "message": {"content": "ab"}}]}
    assert content(say("a"), both) == "ab"


# -- usage


def test_the_last_usage_that_is_not_null_stays_unchanged() -> None:
    usage = {"prompt_tokens": 3, "cost": 0.5, "nested": {"x": [None]}}
    last = {"choices": [], "usage": usage}
    _, decoder = fold(sse(chunk({}, usage={"n": 1}), last, chunk({}, "stop", usage=None)))
    assert decoder.usage == usage


@pytest.mark.parametrize(
    "place",
    [
        {"usage": {"n": 1}},
        {"choices": None, "usage": {"n": 1}},
        {"choices": [{"index": 0, "delta": {}, "usage": {"n": 1}}]},
        {"choices": [], "x_groq": {"id": "x", "usage": {"n": 1}}},
        {"choices": [], "usage": {"n": 1}, "x_groq": {"usage": {"n": 2}}},
    ],
)
def test_usage_stands_in_many_places(place: dict[str, Any]) -> None:
    assert fold(sse(place))[1].usage == {"n": 1}


def test_usage_that_cannot_be_encoded_is_left_out() -> None:
    _, decoder = fold(sse({"usage": {"n": 1}}, '{"usage":{"n":"\\ud800"}}'))
    assert decoder.usage == {"n": 1}


# -- finish reasons


def test_a_finish_reason_may_be_an_object() -> None:
    _, decoder = fold(sse(say("a"), chunk({}, {"type": "stop", "matched": 2})))
    assert (decoder.finish_reason, decoder.complete) == ("stop", True)
    _, decoder = fold(sse(say("a"), chunk({}, {"type": "abort", "message": "gone"}), "[DONE]"))
    assert decoder.error is not None and decoder.error.state == "cut_off"


def test_a_chunk_of_too_many_values_is_no_chunk():
    many = b'{"choices":[],"a":[' + b"0," * MAX_VALUES + b"0]}"
    assert decode_chunk(many) is None and parse_json(many) is NOT_JSON
