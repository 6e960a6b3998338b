import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upstream_json import call, chunk, content, fold, half, say, sse

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder

# -- halves of surrogate pairs


@pytest.mark.parametrize("kind", ["content", "reasoning", "refusal"])
def test_halves_of_a_pair_are_joined(kind: str) -> None:
    other = "refusal" if kind == "content" else "content"
    data = sse(half(r"a\ud83d", kind), half("x", other), half("", kind), half(r"\ude00b", kind))
    assert getattr(fold(data)[0], kind) == "a😀b"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([r"a\ud83d", "b"], "a\ufffdb"),
        ([r"a\ud83d"], "a\ufffd"),
        ([r"\ude00a"], "\ufffda"),
        ([r"\ud83d", r"\ud83d", r"\ude00"], "\ufffd😀"),
        ([r"\ud83da\ude00"], "\ufffda\ufffd"),
        ([r"\ud83d\ude00"], "😀"),
    ],
)
def test_a_half_alone_is_replaced(pieces: list[str], expected: str) -> None:
    assert content(*map(half, pieces), "[DONE]") == expected


def test_a_half_at_the_end_of_an_answer_that_was_cut_off_is_dropped() -> None:
    assert content(half(r"a\ud83d")) == "a"


def test_a_half_waits_until_the_answer_is_closed() -> None:
    decoder = AnswerDecoder()
    assert decoder.feed(sse(half(r"\ud83d"))) is None
    assert decoder.feed(sse("[DONE]")) is None
    delta = decoder.close()
    assert delta is not None and delta.content == "\ufffd"
    assert decoder.close() is None


def test_halves_outside_of_text_are_replaced() -> None:
    fragment = r'{"index":0,"id":"\ud800","function":{"name":"\ud801","arguments":"\ud802"}}'
    text = f'{{"choices":[{{"delta":{{"tool_calls":[{fragment}]}},"finish_reason":"\\ud803"}}]}}'
    answer, decoder = fold(sse(text, r'{"error":{"message":"a\ud800b"}}'))
    assert answer.tool_calls == [
        {"index": 0, "id": "\ufffd", "name": "\ufffd", "arguments": "\ufffd"}
    ]
    assert decoder.finish_reason == "\ufffd"
    assert decoder.error is not None and decoder.error.message == "a\ufffdb"


# -- the end


def test_the_last_finish_reason_that_is_not_empty_counts() -> None:
    reasons = (None, "", "length", "stop", None, "", 7)
    _, decoder = fold(sse(*[chunk({}, reason) for reason in reasons]))
    assert decoder.finish_reason == "stop"


@pytest.mark.parametrize("word", ["null", "None", " ", "FINISH_REASON_UNSPECIFIED", "running"])
def test_a_finish_reason_that_means_not_yet_finishes_nothing(word: str) -> None:
    data = sse(chunk({"content": "a"}, word), chunk({"content": "b"}, word))
    answer, decoder = fold(data)
    assert (answer.content, decoder.finish_reason, decoder.complete) == ("ab", None, False)
    _, decoder = fold(data + sse(chunk({}, "stop")))
    assert (decoder.finish_reason, decoder.complete) == ("stop", True)


@pytest.mark.parametrize("late", [say("b"), chunk({"reasoning": "b"}), call(index=0, name="f")])
def test_text_after_a_finish_reason_shows_that_it_was_not_the_end(late: dict[str, Any]) -> None:
    data = sse(chunk({"content": "a"}, "tool_calls"), late)
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        _, decoder = fold(pieces)
        assert not decoder.complete and decoder.error is None
    for end in ("[DONE]", chunk({}, "stop"), chunk({"content": "c"}, "stop")):
        assert fold(data + sse(end))[1].complete


def test_what_is_no_text_may_follow_a_finish_reason() -> None:
    whole = {"choices": [{"message": {"content": "a"}}]}
    for late in (say(""), chunk({}), {"choices": [], "usage": {"n": 1}}, whole):
        answer, decoder = fold(sse(say("a"), chunk({}, "stop"), late))
        assert (answer.content, decoder.complete) == ("a", True)


@pytest.mark.parametrize("mark", ["[DONE]", " [DONE] ", "[DONE]\n", "[DONE] bye"])
def test_done_ends_the_answer(mark: str) -> None:
    answer, decoder = fold(f"data: {mark}\n\n".encode() + sse(say("no"), {"error": "no"}))
    assert decoder.done and decoder.complete
    assert (answer.content, decoder.error) == ("", None)


def test_after_done_even_the_limits_do_not_count() -> None:
    data = sse(say("a"), "[DONE]") + b"x" * 1000
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        _, decoder = fold(pieces, max_line=100)
        assert decoder.complete and not decoder.failed


def test_a_finish_reason_or_done_makes_an_answer_complete() -> None:
    assert fold(sse(say("a"), chunk({}, "stop")))[1].complete
    assert fold(sse(say("a"), "[DONE]"))[1].complete


def test_without_both_an_answer_is_not_complete() -> None:
    _, decoder = fold(sse(say("a")))
    assert not decoder.complete
    assert decoder.error is None


def test_done_needs_no_blank_line_after_it() -> None:
    answer, decoder = fold(sse(say("a"), "[DONE]").rstrip())
    assert answer.content == "a"
    assert decoder.done


def test_a_chunk_that_the_end_cuts_is_skipped() -> None:
    answer, decoder = fold(sse(say("a"), say("b"))[:-8])
    assert answer.content == "a"
    assert (decoder.chunks, decoder.skipped, decoder.complete) == (2, 1, False)


@pytest.mark.parametrize("damaged", ['{"choices":[{"delta":{"content":"lost"', "{'error': 'no'}"])
@pytest.mark.parametrize("end", [chunk({}, "stop"), "[DONE]"])
def test_an_answer_with_a_damaged_chunk_is_not_complete(damaged: str, end: Any) -> None:
    data = sse(say("a"), damaged, say("b"), end)
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        answer, decoder = fold(pieces)
        assert (answer.content, decoder.complete) == ("ab", False)
        assert decoder.error is not None and decoder.error.code == "malformed_response"


def test_a_connection_that_ends_within_the_numbers_ends_no_answer() -> None:
    usage = chunk({}) | {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    answer, decoder = fold(sse(say("a"), chunk({}, "stop"), usage)[:-9])
    assert (answer.content, decoder.skipped, decoder.complete) == ("a", 1, True)
    assert decoder.error is None


@pytest.mark.parametrize("data", ["Internal Server Error", "Error: out of memory"])
def test_text_before_done_is_no_finish(data: str) -> None:
    _, decoder = fold(sse(say("a"), data, "[DONE]"))
    assert not decoder.complete and decoder.error is not None
    assert decoder.error.code == "malformed_response"
    assert fold(sse(say("a"), data, chunk({}, "stop"), "[DONE]"))[1].complete


def test_a_chunk_with_control_characters_in_its_text_is_read() -> None:
    line = json.dumps(say("b")).replace('"b"', '"b\tc"')
    assert content(say("a"), line, chunk({}, "stop")) == "ab\tc"


def test_keep_alives_are_not_chunks() -> None:
    _, decoder = fold(b": ping\n\ndata:\n\ndata: \n\ndata: null\n\n" + sse(say("a")))
    assert (decoder.chunks, decoder.skipped) == (1, 0)


def test_an_empty_body_is_not_complete() -> None:
    answer, decoder = fold(b"")
    assert not decoder.complete
    assert (decoder.error, answer.content) == (None, "")


def test_nothing_counts_after_done() -> None:
    answer, decoder = fold([sse(say("a")), sse("[DONE]", say("late")), sse(say("later"))])
    assert (answer.content, decoder.done, decoder.chunks) == ("a", True, 1)


# -- bodies that are almost an event stream, or none


def test_chunks_without_a_blank_line_between_them() -> None:
    lines = [
        json.dumps(say("a")),
        "",
        "null",
        json.dumps(chunk({"content": "b"}, "stop")),
        "[DONE]",
    ]
    answer, decoder = fold("\n".join(f"data: {line}" for line in lines).encode())
    assert answer.content == "ab"
    assert decoder.done and decoder.skipped == 0


def test_json_over_several_data_lines() -> None:
    text = json.dumps(say("a"), indent=2)
    data = "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
    assert fold(data.encode())[0].content == "a"


def test_crlf_and_no_space() -> None:
    data = sse(say("a"), say("b"), "[DONE]").replace(b"\n", b"\r\n").replace(b": {", b":{")
    assert fold(data)[0].content == "ab"


def test_error_object_instead_of_a_stream() -> None:
    for body in (
        {"error": {"message": "no"}},
        {"error": "x", "message": "no no"},
        [{"error": "no"}],
    ):
        for text in (json.dumps(body), "\n " + json.dumps(body, indent=1)):
            _, decoder = fold(text.encode())
            assert decoder.error is not None and "no" in decoder.error.message


def test_completion_in_one_piece() -> None:
    tool = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "a\nb", "reasoning": "r", "tool_calls": [tool, tool]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"object": "chat.completion", "choices": [choice], "usage": {"n": 1}}
    answer, decoder = fold(json.dumps(body, indent=2).encode())
    assert (answer.content, answer.reasoning) == ("a\nb", "r")
    assert answer.tool_calls[0]["name"] == "f"
    assert (decoder.usage, decoder.finish_reason, decoder.complete) == ({"n": 1}, "stop", True)


def test_chunks_as_lines_of_json() -> None:
    body = "\n".join(json.dumps(c) for c in (say("a"), say("b"), chunk({}, "stop")))
    answer, decoder = fold(body.encode())
    assert answer.content == "ab"
    assert decoder.complete


def test_an_error_object_before_a_stream() -> None:
    _, decoder = fold(b'{"error":{"message":"no"}}\n\n' + sse("[DONE]"))
    assert decoder.error is not None and decoder.error.message == "no"


def test_json_that_was_cut_is_not_complete() -> None:
    _, decoder = fold(b'{"choices":[{"message":{"content":"abc')
    assert not decoder.complete
    assert decoder.error is None


@pytest.mark.parametrize(
    "body",
    [b"<!doctype html><p>hi", b" \r\n<html>", b"\xef\xbb\xbf<a>", b'{"status":"ok"}', b"[1]"],
)
def test_a_body_that_no_api_sends_is_an_error(body: bytes) -> None:
    for pieces in ([body], [body[i : i + 1] for i in range(len(body))]):
        _, decoder = fold(pieces)
        assert decoder.failed
        assert decoder.error is not None
        assert (decoder.error.code, decoder.error.upstream_status) == ("not_an_api", 200)
        assert "/v1" in decoder.error.message and "<" not in decoder.error.message


@pytest.mark.parametrize(
    "body",
    [
        b"Ollama is running",
        b"OK\n",
        b'0:"Hi"\n0:" you"\nd:{"finishReason":"stop"}\n',
        b"event: output\nid: 1\ndata: Hi\n\nevent: done\ndata: {}\n\n",
        b'event: data\ndata: "Hi"\n\nevent: end\n\n',
        b"data: Hi\n\ndata: [DONE]\n\n",
    ],
)
def test_text_that_is_no_stream_of_chunks_is_an_error(body: bytes) -> None:
    for pieces in ([body], [body[i : i + 1] for i in range(len(body))]):
        _, decoder = fold(pieces)
        assert decoder.error is not None
        assert (decoder.error.code, decoder.error.state) == ("not_an_api", "error")


@pytest.mark.parametrize(
    "body", [b"", b"d", b"dat", b": ping\n\n", b"event: x\n", b'data: {"cho', b"data: {x}\n\n"]
)
def test_a_stream_that_was_cut_before_its_first_chunk_is_cut_off(body: bytes) -> None:
    _, decoder = fold(body)
    assert decoder.error is None and not decoder.complete


def test_lines_and_texts_beside_chunks_are_ignored() -> None:
    answer, decoder = fold(b"hello\n\n" + sse("text", say("Hi"), "text", chunk({}, "stop")))
    assert (answer.content, decoder.complete) == ("Hi", True)


def test_events_in_the_data_of_events() -> None:
    body = b"data: " + sse(say("H")) + b"data:" + sse(say("i")) + b"data: data: [DONE]\n\n"
    answer, decoder = fold(body)
    assert (answer.content, decoder.done) == ("Hi", True)


def test_a_web_page_with_lines_like_events_is_still_an_error() -> None:
    answer, decoder = fold(b"<html>\n" + sse(say("a"), "[DONE]"))
    assert decoder.error is not None and decoder.error.code == "not_an_api"
    assert not answer.content


# -- limits


def test_line_too_long() -> None:
    data = sse(say("a")) + b"data: " + b"x" * 200 + b"\n\n" + sse(say("b"))
    answer, decoder = fold(data, max_line=100)
    assert answer.content == "a"
    assert decoder.failed
    assert decoder.error is not None
    assert (decoder.error.code, decoder.error.state) == ("line_too_long", "cut_off")


def test_answer_too_long() -> None:
    for one in (sse(say("a")), b'{"a":1}\n'):
        _, decoder = fold([one] * 30, max_line=200, max_total=500)
        assert decoder.failed
        assert decoder.error is not None
        assert (decoder.error.code, decoder.error.state) == ("answer_too_long", "cut_off")
        assert decoder.feed(one) is None


@pytest.mark.parametrize("body", [b"{}", b"<p>", b"data: {}"])
def test_leading_blanks_count_for_the_limit(body: bytes) -> None:
    for pieces in ([b" " * 200 + body], [b" " * 99, b" " * 101, body]):
        _, decoder = fold(pieces, max_line=100)
        assert decoder.error is not None and decoder.error.code == "line_too_long"


def test_an_error_before_a_limit_stays_the_error() -> None:
    _, decoder = fold(sse({"error": "no"}) + b"x" * 200, max_line=100)
    assert decoder.failed
    assert decoder.error is not None and decoder.error.message == "no"


# -- any splitting


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    payloads = [say("é😀"), half(r"\ud83d"), half(r"\ude00"), chunk({"reasoning": "r"}), "[DONE]"]
    payloads += [call(index=0, id="a", name="f", arguments="{"), call(arguments="}"), "null", "{"]
    payloads += [chunk({}, "stop"), {"usage": {"n": 1}}, {"error": {"message": "no"}}, "x\ndata: 1"]
    lines = draw(st.lists(st.sampled_from(payloads), max_size=8))
    end = draw(st.sampled_from([b"", b"\n", b"{}", b"<p>", b"error: no", b"data: {"]))
    data = (
        draw(st.sampled_from([b"", b"\xef\xbb\xbf", b" ", b"\r", b"{", b"<"])) + sse(*lines) + end
    )
    if draw(st.booleans()):
        data = data.replace(b"\n", b"\r\n")
    return data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))


@given(streams(), st.integers(50, 200), st.integers(0, 1000))
def test_the_answer_does_not_depend_on_the_splitting(
    stream: tuple[bytes, list[int]], max_line: int, max_total: int
) -> None:
    data, cuts = stream
    edges = [0, *cuts, len(data)]
    pieces = [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    results = []
    for split in ([data], pieces):
        answer, decoder = fold(split, max_line=max_line, max_total=max_total)
        error = decoder.error.to_json() if decoder.error else None
        ended = (decoder.finish_reason, decoder.usage, error, decoder.done, decoder.failed)
        counted = (decoder.chunks, decoder.skipped)
        results.append((answer.content, answer.reasoning, answer.tool_calls, ended, counted))
    assert results[0] == results[1]


def test_tool_calls_of_no_length_fill_no_memory() -> None:
    """Each is an object of its own, however little the upstream writes."""
    calls = [call(index=n, id=f"c{n}", name="f", arguments="{}") for n in range(5_000)]
    answer, decoder = fold([sse(one) for one in calls])
    assert decoder.error and decoder.error.code == "answer_too_long"
    assert len(answer.tool_calls) <= 2_100
    fragments = [call(index=0, id="c", name="f", arguments="{")]
    fragments += [call(index=0, arguments="1") for _ in range(5_000)]
    answer, decoder = fold(sse(*fragments, chunk({}, "tool_calls"), "[DONE]"))
    assert not decoder.error and len(answer.tool_calls[0]["arguments"]) == 5_001
