"""Streams in the form of OpenAI's Responses API.

The events are those of "Streaming events" in OpenAI's API reference
(https://platform.openai.com/docs/api-reference/responses-streaming); `openai.types.responses` of
its Python library has their members. The shapes that leave some of them out are those of other
servers: llama.cpp, vLLM, GitHub Copilot, gateways.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import orjson
import pytest
import upstream_json

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.responses_decoder import ResponsesDecoder, chat_usage
from tornado_stream.values.events import AnswerText

PAGE = {"type": "url_citation", "url": "https://a.example/1", "title": "A", "start_index": 0}
USAGE = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 87,
    "output_tokens_details": {"reasoning_tokens": 80},
    "total_tokens": 123,
}


def sse(*events: dict[str, Any], named: bool = True) -> bytes:
    """A stream of these events, each with its type as name."""
    lines = [
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"
        for event in events
    ]
    return "".join(lines).encode()


def event(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **members}


def text(delta: str, item: int = 0, part: int = 0) -> dict[str, Any]:
    place = {"output_index": item, "item_id": f"msg_{item}", "content_index": part}
    return event("output_text.delta", **place, delta=delta)


def thought(delta: str, item: int = 0, part: int = 0) -> dict[str, Any]:
    place = {"output_index": item, "item_id": f"rs_{item}", "summary_index": part}
    return event("reasoning_summary_text.delta", **place, delta=delta)


def arguments(delta: str, item: int = 0) -> dict[str, Any]:
    place = {"output_index": item, "item_id": f"fc_{item}"}
    return event("function_call_arguments.delta", **place, delta=delta)


def message(*texts: str, id: str | None = "msg_0", **more: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "annotations": [], "text": text} for text in texts]
    return {"id": id, "type": "message", "role": "assistant", "content": content, **more}


def reasoning(*texts: str, id: str = "rs_0", **more: Any) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": text} for text in texts]
    return {"id": id, "type": "reasoning", "summary": summary, **more}


def call(name: str, arguments: str = "", number: int = 0, **more: Any) -> dict[str, Any]:
    ids = {"id": f"fc_{number}", "call_id": f"call_{number}"}
    return {"type": "function_call", **ids, "name": name, "arguments": arguments, **more}


def added(item: Any, index: int = 0) -> dict[str, Any]:
    return event("output_item.added", output_index=index, item=item)


def done(item: Any, index: int = 0) -> dict[str, Any]:
    return event("output_item.done", output_index=index, item=item)


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "output": list(output),
        **more,
    }


def completed(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    return event("completed", response=response(*output, **more))


fold = partial(upstream_json.fold, kind=ResponsesDecoder)


def content(*events: dict[str, Any]) -> str:
    answer, decoder = fold(sse(*events))
    assert decoder.complete
    return answer.content


def calls(*events: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    answer, decoder = fold(sse(*events))
    assert decoder.complete
    return [(one["id"], one["name"], one["arguments"]) for one in answer.tool_calls]


#: An answer of a reasoning model, as the reference describes it, every event of it.
WHOLE_MESSAGE = message("Hi 😀 there")
FIRST_PART = {"type": "summary_text", "text": "**Think**ing"}
STREAM = (
    event("created", response=response(status="in_progress")),
    event("in_progress", response=response(status="in_progress")),
    added({"id": "rs_0", "type": "reasoning", "summary": [], "encrypted_content": "half"}),
    event("reasoning_summary_part.added", output_index=0, item_id="rs_0", summary_index=0),
    thought("**Think**"),
    thought("ing"),
    event("reasoning_summary_text.done", output_index=0, summary_index=0, text="**Think**ing"),
    event("reasoning_summary_part.done", output_index=0, summary_index=0, part=FIRST_PART),
    thought("More", part=1),
    done(reasoning("**Think**ing", "More", encrypted_content="whole")),
    added({**message(), "status": "in_progress"}, 1),
    event("content_part.added", output_index=1, content_index=0, part={"type": "output_text"}),
    text("Hi ", 1),
    text("😀 there", 1),
    event("output_text.annotation.added", output_index=1, annotation=PAGE),
    event("output_text.done", output_index=1, content_index=0, text="Hi 😀 there"),
    event("content_part.done", output_index=1, content_index=0, part=WHOLE_MESSAGE["content"][0]),
    done(WHOLE_MESSAGE, 1),
    completed(
        reasoning("**Think**ing", "More", encrypted_content="whole"), WHOLE_MESSAGE, usage=USAGE
    ),
)


def check_stream(answer: AnswerText, decoder: AnswerDecoder) -> None:
    assert answer.content == "Hi 😀 there"
    assert answer.reasoning == "**Think**ing\n\nMore"
    assert [source["url"] for source in answer.sources] == ["https://a.example/1"]
    assert answer.signed == {
        "reasoning_items": [reasoning("**Think**ing", "More", encrypted_content="whole")]
    }
    assert (decoder.finish_reason, decoder.complete, decoder.error) == ("stop", True, None)
    assert decoder.usage == {
        "prompt_tokens": 36,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens": 87,
        "completion_tokens_details": {"reasoning_tokens": 80},
        "total_tokens": 123,
    }


def test_a_whole_stream() -> None:
    check_stream(*fold(sse(*STREAM)))
    check_stream(*fold(sse(*STREAM, named=False)))


def test_no_way_of_splitting_changes_the_answer() -> None:
    data = sse(*STREAM)
    check_stream(*fold(bytes([byte]) for byte in data))
    for seed in range(200):
        rng = Random(seed)
        cuts = sorted(rng.randrange(len(data)) for _ in range(rng.randrange(1, 30)))
        check_stream(*fold(data[a:b] for a, b in pairwise([0, *cuts, len(data)])))


#: The first deltas of texts that have more of them: a hole in a text cannot be filled.
FIRST_DELTAS = [STREAM.index(thought("**Think**")), STREAM.index(text("Hi ", 1))]


@pytest.mark.parametrize("left_out", [n for n in range(len(STREAM) - 1) if n not in FIRST_DELTAS])
def test_every_event_but_the_last_can_be_missing(left_out: int) -> None:
    answer, decoder = fold(sse(*STREAM[:left_out], *STREAM[left_out + 1 :]))
    assert (answer.content, answer.reasoning) == ("Hi 😀 there", "**Think**ing\n\nMore")
    assert answer.signed and decoder.complete


@pytest.mark.parametrize(
    "events",
    [
        [event("output_text.done", output_index=0, content_index=0, text="all")],
        [event("content_part.done", output_index=0, part={"type": "output_text", "text": "all"})],
        [event("content_part.done", part={"type": "text", "text": "all"})],
        [done(message("all"))],
        [done({"type": "message", "content": "all"})],
        [completed(message("all"))],
        [text("a"), done(message("all"))],
        [text("al"), completed(message("all"))],
        [event("output_text.delta", delta="all")],
        [event("output_text.delta", delta="al"), event("output_text.done", text="all")],
        [event("output_text.delta", item_id="msg_0", delta="all"), completed(message("all"))],
    ],
    ids=str,
)
def test_a_text_comes_once_wherever_it_is(events: list[dict[str, Any]]) -> None:
    assert content(*events, completed(message("all"))) == "all"
    assert content(*events, completed(message("all", id="other"))) == "all"
    assert content(*events, completed(reasoning(), message("all", id=None))) == "all"
    assert content(*events, completed()) == "all"


def test_texts_without_a_place_are_found_in_the_final_response() -> None:
    """Gateways send deltas with nothing but the text; vercel/ai and Codex accept them too."""
    said = [event("output_text.delta", delta=one) for one in ("on", "e", "two")]
    final = completed(reasoning("so"), message("one", id="a"), message("two", id="b"))
    answer, _ = fold(sse(event("reasoning_summary_text.delta", delta="so"), *said, final))
    assert (answer.content, answer.reasoning) == ("onetwo", "so")


def test_messages_of_one_response_are_paragraphs() -> None:
    events = text("I look.", 0), text("It", 2), text(" is 3.", 2), text(" Yes.", 2, 1)
    assert content(*events, completed()) == "I look.\n\nIt is 3. Yes."
    assert content(completed(message("I look."), message("It is 3.", id="b"))) == (
        "I look.\n\nIt is 3."
    )


def test_messages_with_the_same_text_are_two() -> None:
    both = message("So."), message("So.", id="msg_1")
    assert content(completed(*both)) == "So.\n\nSo."
    assert content(text("So."), text("So.", 1), completed(*both)) == "So.\n\nSo."
    events = [done(both[0]), done(both[1], 1)]
    renamed = [{**one, "id": f"other_{number}"} for number, one in enumerate(both)]
    assert content(*events, completed(reasoning(), *renamed)) == "So.\n\nSo."
    assert content(text("So."), text("So.", 1), completed(reasoning(), *renamed)) == "So.\n\nSo."


def test_a_text_that_differs_from_its_deltas_is_not_added_to_them() -> None:
    assert content(text("abc"), done(message("xyz and more")), completed()) == "abc"
    assert content(text("abc"), done(message("ab")), completed(message("ab"))) == "abc"


def test_ids_that_change_do_not_matter() -> None:
    """GitHub Copilot gives an item another id in each event; its place in the output stays."""
    place = {"output_index": 0, "content_index": 0}
    events = [
        added(message(id="A")),
        event("output_text.delta", **place, item_id="B", delta="al"),
        event("output_text.delta", **place, item_id="C", delta="l"),
        event("output_text.done", **place, item_id="D", text="all"),
        done(message("all", id="E")),
    ]
    assert content(*events, completed(message("all", id="F"))) == "all"


def test_raw_reasoning_and_its_summary() -> None:
    def raw(delta: str) -> dict[str, Any]:
        return event("reasoning_text.delta", output_index=0, content_index=0, delta=delta)

    item = reasoning("so", content=[{"type": "reasoning_text", "text": "so"}])
    answer, _ = fold(sse(raw("s"), raw("o"), done(item), completed(item)))
    assert answer.reasoning == "so"
    part = {"type": "reasoning_text", "text": "hm"}
    answer, _ = fold(sse(event("reasoning_part.done", output_index=0, part=part), completed()))
    assert answer.reasoning == "hm"


def test_a_refusal() -> None:
    place = {"output_index": 0, "content_index": 0}
    final = completed(message() | {"content": [{"type": "refusal", "refusal": "No, thanks."}]})
    events = [event("refusal.delta", **place, delta="No,")]
    events += [event("refusal.done", **place, refusal="No, thanks.")]
    answer, decoder = fold(sse(*events, final))
    assert (answer.refusal, answer.content) == ("No, thanks.", "")
    assert decoder.complete and fold(sse(final))[0].refusal == "No, thanks."


def test_halves_of_a_surrogate_pair_in_two_deltas_are_joined() -> None:
    halves = [
        b'data: {"type":"response.output_text.delta","output_index":0,"delta":"%b"}\n\n' % half
        for half in (rb"a\ud83d", rb"\ude00")
    ]
    data = b"".join(halves) + sse(done(message("a😀!")), completed(message("a😀!")))
    assert fold(data)[0].content == "a😀!"
    alone = fold(halves[0] + sse(completed()))[0].content
    assert alone == "a\ufffd"


# -- calls


def test_calls_in_parallel() -> None:
    events = [
        added(call("look_up", number=0), 0),
        arguments('{"a":'),
        added(call("add", number=1), 1),
        arguments("{}", 1),
        arguments("1}"),
        event("function_call_arguments.done", output_index=0, item_id="fc_0", arguments='{"a":1}'),
        done(call("look_up", '{"a":1}'), 0),
        done(call("add", "{}", 1), 1),
    ]
    expected = [("call_0", "look_up", '{"a":1}'), ("call_1", "add", "{}")]
    assert calls(*events, completed(call("look_up", '{"a":1}'), call("add", "{}", 1))) == expected
    answer, decoder = fold(sse(*events, completed()))
    assert decoder.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "events",
    [
        [done(call("f", '{"a":1}'))],
        [added(call("f")), done(call("f", '{"a":1}'))],
        [arguments('{"a":'), arguments("1}"), done(call("f", '{"a":1}'))],
        [arguments('{"a":1}'), event("function_call_arguments.done", output_index=0, name="f")],
        [added(call("f", id="other")), arguments('{"a":1}')],
        [
            event("output_item.added", item=call("f", id=None)),
            event("function_call_arguments.delta", delta='{"a":1}'),
            event("output_item.done", item=call("f", '{"a":1}', id=None)),
        ],
        [],
    ],
    ids=str,
)
def test_a_call_comes_once_wherever_it_is(events: list[dict[str, Any]]) -> None:
    assert calls(*events, completed(call("f", '{"a":1}'))) == [("call_0", "f", '{"a":1}')]


def test_calls_that_all_have_the_same_place_are_told_apart_by_their_ids() -> None:
    both = [call("f", "{}", 0), call("f", "{}", 1)]
    expected = [("call_0", "f", "{}"), ("call_1", "f", "{}")]
    assert calls(done(both[0], 0), done(both[1], 0), completed(*both)) == expected
    events = [added(call("f", number=n), 0) for n in (0, 1)]
    texts = [event("function_call_arguments.delta", item_id=f"fc_{n}", delta="{}") for n in (0, 1)]
    assert calls(*events, *texts, completed(*both)) == expected


def test_a_call_of_a_tool_that_takes_a_text() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "sh"}
    events = [
        added({**item, "input": ""}),
        event("custom_tool_call_input.delta", output_index=0, delta="ls "),
        event("custom_tool_call_input.done", output_index=0, input="ls -l"),
        done({**item, "input": "ls -l"}),
    ]
    assert calls(*events, completed({**item, "input": "ls -l"})) == [("call_1", "sh", "ls -l")]


def test_a_call_without_a_name_or_an_id() -> None:
    assert calls(arguments("{}"), completed()) == [(None, "", "{}")]
    item = call("f", "{}") | {"call_id": None}
    assert calls(done(item), completed(item)) == [("fc_0", "f", "{}")]
    assert calls(done(item | {"id": None}), completed()) == [(None, "f", "{}")]
    lone = b'data: {"type":"response.output_item.done","item":{"type":"function_call","name":"f",'
    lone += rb'"call_id":"c","arguments":"\ud83d"}}' + b"\n\n"
    (one,) = fold(lone + sse(completed()))[0].tool_calls
    assert one["arguments"] == "\ufffd"


# -- the end


@pytest.mark.parametrize(
    ("status", "reason", "finish", "state", "code"),
    [
        ("incomplete", "max_output_tokens", "length", None, None),
        ("incomplete", "max_tokens", "length", None, None),
        ("incomplete", "content_filter", "content_filter", None, None),
        ("incomplete", "pre-empted by the server", None, "cut_off", "upstream_cut_off"),
        ("incomplete", "model_error", None, "error", "upstream_error"),
        ("incomplete", "something new", None, "cut_off", "upstream_cut_off"),
        ("incomplete", None, None, "cut_off", "upstream_cut_off"),
        ("cancelled", None, None, "cut_off", "upstream_cut_off"),
    ],
)
@pytest.mark.parametrize("form", ["event", "completed", "done", "whole"])
def test_a_response_that_is_not_whole(
    status: str, reason: str | None, finish: str | None, state: str, code: str, form: str
) -> None:
    details = {"reason": reason} if reason else None
    value = response(message("so far"), status=status, incomplete_details=details, usage=USAGE)
    data = sse(event(status if form == "event" else form, response=value))
    answer, decoder = fold(json.dumps(value).encode() if form == "whole" else data)
    assert answer.content == "so far" and decoder.usage
    assert decoder.finish_reason == finish and decoder.complete == bool(finish)
    assert decoder.error is None or (decoder.error.state, decoder.error.code) == (state, code)
    assert bool(decoder.error) == (finish is None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "server_error", "message": "The server had an error."}, "upstream_error"),
        ({"code": "rate_limit_exceeded", "message": "Rate limit reached"}, "rate_limit"),
        ({"code": "insufficient_quota", "message": "You exceeded your quota"}, "quota"),
        ({"code": "context_length_exceeded", "message": "Too long"}, "context_length"),
        (None, "upstream_error"),
    ],
)
def test_a_response_that_failed(error: Any, code: str) -> None:
    value = response(status="failed", error=error, usage=USAGE)
    for data in (
        sse(text("so"), event("failed", response=value)),
        json.dumps(value).encode(),
        sse(text("so"), completed(status="failed", error=error, usage=USAGE)),
    ):
        _, decoder = fold(data)
        assert not decoder.complete and decoder.usage
        assert decoder.error
        assert (decoder.error.code, decoder.error.state) == (code, "error")
        assert error is None or error["message"] in decoder.error.message


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None},
        {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}},
        {"type": "response.error", "code": "rate_limit_exceeded", "message": "Slow down"},
        {"type": "", "error": {"code": "rate_limit_exceeded", "message": "Slow down"}},
    ],
)
def test_an_error_in_the_stream(error: dict[str, Any]) -> None:
    answer, decoder = fold(sse(text("so far"), error))
    assert answer.content == "so far" and not decoder.done and decoder.ending
    assert decoder.error and (decoder.error.code, decoder.error.state) == ("rate_limit", "error")
    assert decoder.error.message == "Slow down"
    told = decoder.error.upstream or {}
    assert told.get("type") != "error"
    # The first error counts, and the usage follows it.
    failed = event("failed", response=response(status="failed", usage=USAGE))
    _, decoder = fold(sse(text("so far"), error, failed))
    assert decoder.error and decoder.error.code == "rate_limit" and decoder.usage


def test_errors_that_are_no_events() -> None:
    _, decoder = fold(b"event: error\ndata: it broke\n\n")
    assert decoder.error and decoder.error.message == "it broke"
    _, decoder = fold(b'{"error":{"message":"no such model","code":"model_not_found"}}')
    assert decoder.error and decoder.error.code == "model_not_found"


def test_a_stream_without_its_last_event_is_not_complete() -> None:
    for end in (b"", b"data: [DONE]\n\n"):
        answer, decoder = fold(sse(text("so far"), done(message("so far"))) + end)
        assert answer.content == "so far"
        assert not decoder.complete and decoder.error is None
        assert answer.signed is None


def test_nothing_counts_after_the_end() -> None:
    assert content(completed(message("a")), text("b"), event("failed")) == "a"
    assert content(text("a"), event("completed")) == "a"  # without a response
    answer, decoder = fold([sse(text("a"), completed()), sse(text("b"))])
    assert answer.content == "a"


def test_a_response_in_one_piece() -> None:
    value = response(reasoning("so"), message("Hi"), call("f", "{}"), usage=USAGE)
    for data in (json.dumps(value).encode(), json.dumps(value, indent=1).encode()):
        answer, decoder = fold(bytes([byte]) for byte in data)
        assert (answer.content, answer.reasoning) == ("Hi", "so")
        assert answer.tool_calls[0]["name"] == "f"
        assert (decoder.finish_reason, decoder.complete) == ("tool_calls", True)
    assert fold(b'{"output":[]}')[1].complete
    _, decoder = fold(json.dumps(response(status="queued")).encode())
    assert decoder.error and decoder.error.state == "cut_off"


def test_lines_of_json_and_events_without_a_blank_line_between() -> None:
    events = text("a"), completed(message("a"))
    lines = "\n".join(map(json.dumps, events)).encode()
    assert fold(lines)[0].content == "a"
    assert fold(sse(*events, named=False).replace(b"\n\n", b"\n"))[0].content == "a"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<!doctype html><title>Hi</title>", "web page"),
        (b"[1]", "web page"),
        (b'{"hello":1}', "web page"),
        (b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', "chat completions"),
        (b'{"choices":[{"message":{"content":"a"}}]}', "chat completions"),
        (b'data: {"type":"message_start","message":{}}\n\n', "Anthropic"),
        (b'data: {"hello":1}\n\n', "another API"),
    ],
)
def test_an_answer_in_another_form_is_an_error_that_names_it(data: bytes, name: str) -> None:
    answer, decoder = fold(data)
    assert decoder.error and decoder.error.code == "not_an_api"
    assert name in decoder.error.message and "Responses API" in decoder.error.message
    assert not answer.content


def test_events_that_nobody_knows_are_ignored() -> None:
    noise = [
        {"type": "keepalive"},
        {"type": "codex.rate_limits", "limits": 1},
        event("web_search_call.searching", output_index=0),
        event("image_generation_call.partial_image", partial_image_b64="x"),
        event("output_text.delta", delta=7),
        event("output_text.delta", delta=""),
        event("output_text.done", text=None),
        event("output_text.done", text=""),
        event("output_item.added", item=3),
        event("output_item.done", item=None),
        event("output_item.done", item={"type": "web_search_call", "id": "ws_1"}),
        event("content_part.done", part="x"),
        event("content_part.done", part={"type": "output_image"}),
        event("reasoning_summary_part.done", part=None),
        event("output_text.annotation.added", annotation={"type": "file_citation"}),
        event("something.new", delta="x"),
        added({"type": "function_call"}),
    ]
    _, decoder = fold(sse(*noise) + b"data: 7\n\ndata: x\n\n" + sse(completed(output="x")))
    assert decoder.complete and decoder.skipped == 3
    answer, decoder = fold(sse(text("a")) + b"data: {\n\n" + sse(text("b"), completed(output="x")))
    assert (answer.content, decoder.complete) == ("ab", False)
    assert decoder.error is not None and decoder.error.code == "malformed_response"
    answer, decoder = fold(sse(*noise, text("a", 5)) + b": ping\n\ndata: null\n\n")
    assert (answer.content, decoder.error) == ("a", None)


def test_limits() -> None:
    _, decoder = fold(sse(text("a" * 100)), max_line=50)
    assert decoder.error and decoder.failed and decoder.error.code == "line_too_long"
    assert ResponsesDecoder().feed(b"") is None


def test_the_key_is_in_no_message() -> None:
    failed = event("failed", response=response(status="failed", error={"message": "key K-123"}))
    _, decoder = fold(sse(failed), key="K-123")
    assert decoder.error and "K-123" not in decoder.error.message


def test_a_usage_that_is_none() -> None:
    assert chat_usage(None) is None and chat_usage([]) is None and chat_usage({}) is None
    assert chat_usage({"input_tokens": 2**70}) is None
    assert chat_usage({"cost": 0.5, "prompt_tokens": 1}) == {"cost": 0.5, "prompt_tokens": 1}


def test_what_is_nested_too_deeply_is_cut() -> None:
    deep: Any = 1
    for _ in range(240):
        deep = [deep]
    item = reasoning("so", encrypted_content="x", more=deep)
    answer, decoder = fold(sse(done(item), completed(usage={"input_tokens": 1, "more": deep})))
    assert decoder.usage and answer.signed
    for value in (decoder.usage, answer.signed):
        orjson.dumps([[[[value]]]])


def test_pages_in_the_parts_of_a_message() -> None:
    item = message("a") | {"content": [{"type": "output_text", "text": "a", "annotations": [PAGE]}]}
    answer, _ = fold(sse(done(item), completed(item)))
    assert answer.sources == [{"url": "https://a.example/1", "title": "A"}]
    part = {"type": "output_text", "text": "a", "annotations": [{"type": "file_citation"}]}
    assert fold(sse(event("content_part.done", part=part), completed()))[0].sources == []
