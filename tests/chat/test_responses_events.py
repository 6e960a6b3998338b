"""The events of the Responses API: their order, their sums, and how they end."""

from __future__ import annotations

import random
from time import process_time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.responses import ResponseRelay
from tornado_stream.chat.responses_events import ResponseEvents
from tornado_stream.chat.responses_items import Call, response_usage
from tornado_stream.chat.responses_request import response_head
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, End, Finish, Notice

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
ERROR = {"code": "connection_reset", "message": "It was reset.", "type": "x", "param": None}
PAGE = {"url": "https://a.example/", "title": "A"}
OTHER = {"url": "https://b.example/", "title": "B"}


def call(index: int, id: str | None = None, name: str = "", arguments: str = "") -> Delta:
    fragment = {"index": index, "id": id, "name": name, "arguments": arguments}
    return Delta(tool_calls=(fragment,))


def begin() -> ResponseEvents:
    return ResponseEvents(response_head({"input": "x"}, "g", 5, "m"))


def play(*deltas: Delta, reason: str | None = "stop") -> list[dict[str, Any]]:
    events = begin()
    made = [event for delta in deltas for event in events.add(delta)]
    return made + events.finish(reason, USAGE)


def fail(*deltas: Delta) -> list[dict[str, Any]]:
    events = begin()
    made = [event for delta in deltas for event in events.add(delta)]
    return made + events.fail(ERROR, None)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def response(events: list[dict[str, Any]]) -> dict[str, Any]:
    return events[-1]["response"]


def summed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a client builds from the deltas; checks every `done` event on the way."""
    items: list[dict[str, Any]] = []
    texts: dict[tuple[Any, ...], str] = {}
    done: set[int] = set()
    for number, event in enumerate(events):
        assert event["sequence_number"] == number
        kind = event["type"].removeprefix("response.")
        index = event.get("output_index")
        if index is not None:
            assert index not in done
        if kind == "output_item.added":
            assert index == len(items)
            assert event["item"]["status"] == "in_progress"
            items.append(event["item"])
        elif index is not None and "item_id" in event:
            assert event["item_id"] == items[index]["id"]
        part = event.get("content_index", event.get("summary_index"))
        if kind.endswith(".delta"):
            key = (index, part, kind.removesuffix(".delta"))
            texts[key] = texts.get(key, "") + event["delta"]
        elif kind.endswith(".done") and kind != "output_item.done":
            name = kind.removesuffix(".done")
            text = texts.get((index, part, name), "")
            member = {"function_call_arguments": "arguments", "refusal": "refusal"}.get(
                name, "text"
            )
            if "part" not in event:
                assert event[member] == text
        if kind == "output_item.done":
            done.add(index)
            items[index] = event["item"]
    return items


def test_a_text_has_every_event_in_order():
    events = play(Delta("Hel"), Delta("lo"))
    assert types(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    (message,) = response(events)["output"]
    assert message == {
        "id": "msg_g_0",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
    }
    assert response(events)["usage"] == USAGE
    assert events[0]["response"]["status"] == "in_progress" and not events[0]["response"]["output"]


def test_reasoning_is_an_item_with_a_summary_and_is_done_when_the_text_begins():
    events = play(Delta(reasoning="so "), Delta(reasoning="then"), Delta("Yes"))
    assert types(events)[2:9] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    reasoning, message = response(events)["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "so then"}]
    assert (reasoning["id"], message["id"]) == ("rs_g_0", "msg_g_1")


def test_reasoning_in_the_midst_of_a_text_leaves_one_message():
    output = response(play(Delta("a"), Delta(reasoning="hm"), Delta("b")))["output"]
    assert [item["type"] for item in output] == ["message", "reasoning"]
    assert output[0]["content"][0]["text"] == "ab"


def test_a_refusal_is_a_part_of_its_own():
    events = play(Delta("I "), Delta(refusal="will "), Delta(refusal="not"))
    (message,) = response(events)["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert message["content"][1] == {"type": "refusal", "refusal": "will not"}
    assert summed(events) == [message]


def test_calls_follow_each_other():
    events = play(
        Delta("I look."),
        call(0, "c0", "first", '{"a"'),
        call(0, arguments=":1}"),
        call(1, "c1", "second", "{"),
        call(1, arguments="}"),
        reason="tool_calls",
    )
    assert types(events)[-9:] == [
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    message, first, second = response(events)["output"]
    assert message["status"] == "completed"
    assert (first["call_id"], first["name"], first["arguments"]) == ("c0", "first", '{"a":1}')
    assert (second["call_id"], second["name"], second["arguments"]) == ("c1", "second", "{}")


def test_calls_that_come_in_turns_are_sent_one_after_the_other():
    events = play(
        call(0, "c0", "first", '{"a":'),
        call(1, "c1", "second", '{"b":'),
        call(0, arguments="1}"),
        call(1, arguments="2}"),
    )
    first, second = response(events)["output"]
    assert (first["arguments"], second["arguments"]) == ('{"a":1}', '{"b":2}')
    added = [event["item"]["call_id"] for event in events if event["type"].endswith("item.added")]
    assert added == ["c0", "c1"]
    assert summed(events) == [first, second]


def test_a_call_that_gets_its_id_late_or_never():
    late = play(call(0, None, "f", "{"), call(0, "c9", arguments="}"))
    assert response(late)["output"][0]["call_id"] == "c9"
    never = play(call(0, None, "f", "{}"))
    assert response(never)["output"][0]["call_id"] == "call_g_0"
    assert summed(late) == response(late)["output"]
    assert response(play(call(0, "c", "f")))["output"][0]["arguments"] == ""


def test_what_follows_a_whole_call_does_not_change_it():
    events = play(call(0, "c0", "f", "{}"), call(1, "c1", "g", "{}"), call(0, arguments=" "))
    assert [item["arguments"] for item in response(events)["output"]] == ["{}", "{}"]


def test_text_after_a_call_is_another_message():
    events = play(call(0, "c0", "f", "{}"), Delta("and"), Delta(refusal="no"))
    assert [item["type"] for item in response(events)["output"]] == ["function_call", "message"]
    summed(events)


def test_sources_are_citations_where_they_came():
    sources = Delta(sources=(PAGE, PAGE))
    events = play(sources, Delta("Two"), Delta(sources=(OTHER, PAGE)))
    (message,) = response(events)["output"]
    first, second = message["content"][0]["annotations"]
    assert first == {"type": "url_citation", **PAGE, "start_index": 0, "end_index": 0}
    assert (second["url"], second["end_index"]) == (OTHER["url"], 3)
    added = [event for event in events if event["type"].endswith("annotation.added")]
    assert [event["annotation_index"] for event in added] == [0, 1]
    (alone,) = response(play(sources))["output"]
    assert alone["content"][0]["annotations"] == [first]


def test_sources_that_come_with_text_and_a_call_belong_to_the_text():
    call = {"index": 0, "id": "call_1", "name": "measure", "arguments": "{}"}
    events = play(Delta("Two", tool_calls=(call,), sources=(PAGE,)))
    message, function = response(events)["output"]
    assert [a["url"] for a in message["content"][0]["annotations"]] == [PAGE["url"]]
    assert function["type"] == "function_call"


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("length", "max_output_tokens"),
        ("MAX_TOKENS", "max_output_tokens"),
        ("model_length", "max_output_tokens"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("SAFETY", "content_filter"),
    ],
)
def test_an_answer_that_was_cut_by_its_limit_is_incomplete(reason, why):
    events = play(Delta("half"), reason=reason)
    assert types(events)[-1] == "incomplete"
    assert response(events)["incomplete_details"] == {"reason": why}
    assert response(events)["status"] == response(events)["output"][0]["status"] == "incomplete"


def test_a_failure_declares_nothing_done():
    events = fail(
        Delta(reasoning="so"), Delta("half"), call(0, "c0", "f", '{"a'), call(1, "c1", "g", "{")
    )
    failed = types(events)
    assert failed[-2:] == ["error", "failed"]
    assert "function_call_arguments.done" not in failed and "completed" not in failed
    assert events[-2]["message"] == events[-2]["error"]["message"] == ERROR["message"]
    assert events[-2]["code"] == "connection_reset"
    assert response(events)["error"] == {"code": "server_error", "message": "It was reset."}
    assert response(events)["status"] == "failed"
    calls = response(events)["output"][2:]
    assert [(item["arguments"], item["status"]) for item in calls] == [
        ('{"a', "incomplete"),
        ("{", "incomplete"),
    ]
    for open_delta, member in ((Delta(reasoning="so"), "summary"), (Delta("half"), "content")):
        (item,) = response(fail(open_delta))["output"]
        assert item["status"] == "incomplete" and item[member][0]["text"] in ("so", "half")
    limited = begin().fail({**ERROR, "code": "rate_limit"}, None)
    assert response(limited)["error"]["code"] == "rate_limit_exceeded"
    assert types(fail()) == ["created", "in_progress", "error", "failed"]


def test_an_answer_without_text_is_a_response_without_output():
    events = play()
    assert types(events) == ["created", "in_progress", "completed"]
    assert response(events)["output"] == []


PIECES = [
    ("reasoning", "First the 🌍 and then"),
    ("content", "Grüße,\nworld 🎉 of text"),
    ("sources", (PAGE,)),
    ("content", "and more"),
    ("reasoning", "wait"),
    ("content", "at last"),
    ("refusal", "but not this"),
    ("call", (0, "c0", "first", '{"of": "it", "n": [1, 2]}')),
    ("call", (1, "c1", "second", '{"deep": {"x": null}}')),
    ("call", (2, "c2", "third", "")),
    ("content", "after all"),
    ("sources", (OTHER,)),
    ("call", (3, "c3", "fourth", '{"open')),
    ("call", (4, "c4", "fifth", "{}")),
    ("call", (3, None, "", '": 3}')),
]


def split(text: str, chance: random.Random) -> list[str]:
    cuts = sorted(chance.sample(range(len(text) + 1), chance.randint(0, min(6, len(text)))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def deltas(chance: random.Random) -> list[Delta]:
    """The pieces in any splitting; those of one delta come in the order in which it is read."""
    made: list[Delta] = []
    for kind, value in PIECES:
        if kind == "sources":
            made.append(Delta(sources=value))
        elif kind == "call":
            index, id, name, arguments = value
            begun = False
            for text in split(arguments, chance):
                made.append(call(index, None if begun else id, "" if begun else name, text))
                begun = True
        else:
            made += [Delta(**{kind: text}) for text in split(value, chance)]
    return [delta for delta in made if delta]


@pytest.mark.parametrize("seed", range(60))
def test_any_splitting_gives_the_same_response(seed):
    whole = [Delta(**{kind: value}) if kind != "call" else call(*value) for kind, value in PIECES]
    expected = response(play(*whole))
    events = play(*deltas(random.Random(seed)))
    assert response(events) == expected
    assert summed(events) == expected["output"]


TEXT = st.sampled_from(["", "a", "Hé ", "\U0001f600", "{", "}", '{"a":1}', "\n\n", "\u2028"])
CALL = st.builds(
    lambda index, id, name, arguments: {
        "index": index,
        "id": id,
        "name": name,
        "arguments": arguments,
    },
    st.integers(0, 3),
    st.sampled_from([None, "", "c0", "c1"]),
    st.sampled_from(["", "f", "g"]),
    TEXT,
)
SOME_DELTA = st.builds(
    Delta,
    content=TEXT,
    reasoning=TEXT,
    refusal=TEXT,
    tool_calls=st.lists(CALL, max_size=2).map(tuple),
    sources=st.lists(st.sampled_from([PAGE, OTHER]), max_size=2).map(tuple),
    signed=st.sampled_from([None, {"x": 1}]),
    was_reasoning=st.booleans(),
)
EVENT = st.one_of(
    SOME_DELTA,
    st.sampled_from([Delta(c) for c in "ab"] + [Delta(reasoning="r"), Delta(refusal="no")]),
    CALL.map(lambda fragment: Delta(tool_calls=(fragment,))),
    st.just(Finish("stop")),
    st.builds(Notice, st.just("option_refused"), st.just({"option": "seed"})),
)
USAGES = st.sampled_from([None, {}, {"prompt_tokens": 2, "completion_tokens": "x"}])
STATES = st.sampled_from(["done", "done", "error", "cut_off", "interrupted", "stopped"])
REASONS = st.sampled_from([None, "stop", "length", "content_filter", "tool_calls", "odd"])
FAILURE = ProviderError("connection_reset", "It was reset.")


def relayed(given: list[Any], end: End, *, stream: bool) -> ResponseRelay:
    request = CompletionRequest("g", [{"role": "user", "content": "x"}], stream=stream)
    relay = ResponseRelay(request, response_head({"input": "x"}, "g", 5, "m"))
    for event in given:
        relay.take(event)
    relay.end(end)
    return relay


def well_formed(events: list[dict[str, Any]]) -> None:
    """Check what a client may rely on, whatever the answer was."""
    assert types(events)[:2] == ["created", "in_progress"]
    assert not {"created", "in_progress"} & set(types(events)[2:])
    final = response(events)
    last = {"completed", "incomplete", "failed"}
    assert [kind for kind in types(events) if kind in last] == [final["status"]]
    assert types(events)[-1] == final["status"]
    failed = final["status"] == "failed"
    assert types(events).count("error") == (types(events)[-2] == "error") == failed
    items = summed(events)
    added = [e["output_index"] for e in events if e["type"] == "response.output_item.added"]
    done = [e["output_index"] for e in events if e["type"] == "response.output_item.done"]
    assert len(set(done)) == len(done)
    assert failed or sorted(done) == added
    for index in done:
        assert items[index] == final["output"][index]
    ids = [item["id"] for item in final["output"]]
    assert len(set(ids)) == len(ids) and ids[: len(items)] == [item["id"] for item in items]
    check_parts(events, final["output"])


def check_parts(events: list[dict[str, Any]], output: list[dict[str, Any]]) -> None:
    """Check that each part is added once before its deltas, and that these are its text."""
    texts: dict[tuple[int, Any], str] = {}
    closed: set[tuple[int, Any]] = set()
    for event in events:
        kind = event["type"]
        place = (
            event.get("output_index", -1),
            event.get("content_index", event.get("summary_index")),
        )
        assert place not in closed or kind.endswith("item.done")
        if kind.endswith("part.added"):
            assert place not in texts
            texts[place] = ""
        elif kind.endswith("arguments.delta"):
            texts[place] = texts.get(place, "") + event["delta"]
        elif kind.endswith(".delta"):
            texts[place] += event["delta"]
        elif kind.endswith("part.done"):
            closed.add(place)
    for (index, part), text in texts.items():
        item = output[index]
        if item["type"] == "function_call":
            assert item["arguments"] == text
        else:
            found = item["content" if item["type"] == "message" else "summary"][part]
            assert found.get("text", found.get("refusal")) == text


@pytest.mark.gen_test(timeout=60)
async def test_any_answer_is_a_sequence_of_events_that_clients_can_read():
    @settings(max_examples=600)
    @given(st.lists(EVENT, max_size=12), STATES, REASONS, USAGES)
    def check(given: list[Any], state: str, reason: str | None, usage: Any) -> None:
        error = FAILURE if state in ("error", "cut_off") else None
        more: dict[str, Any] = {"stop": None, "saved": True, "timings": {}}
        end = End(state=state, finish_reason=reason, usage=usage, error=error, **more)
        streamed = relayed(given, end, stream=True)
        assert streamed.ended
        frames = b"".join(streamed.frames).decode().removesuffix("\n\n").split("\n\n")
        well_formed([orjson.loads(frame.partition("\ndata: ")[2]) for frame in frames])
        whole = relayed(given, end, stream=False)
        assert bool(whole.failure) == (state != "done")
        events = [orjson.loads(frame.partition("\ndata: ")[2]) for frame in frames]
        assert orjson.loads(whole.frames[-1]) == response(events)

    check()


def test_usage_gets_the_names_of_the_responses_api():
    assert response_usage(
        {
            "prompt_tokens": 10,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }
    ) == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 17,
    }
    odd = {"prompt_tokens": -1, "completion_tokens": "7", "prompt_tokens_details": [], "x": 1}
    assert response_usage({**odd, "estimated": True}) == response_usage({}) | {"estimated": True}


def test_a_call_that_stays_open_is_not_parsed_anew_for_each_further_call():
    def seconds(count: int) -> float:
        return min(once(count) for _ in range(3))

    def once(count: int) -> float:
        events = begin()
        began = process_time()
        events.add(call(0, "c0", "f", '{"a": ['))
        for n in range(1, count):
            events.add(call(0, arguments='"}", {}, ' * 30))
            events.add(call(n, f"c{n}", "f", "{}"))
        events.finish("stop", USAGE)
        return process_time() - began

    assert seconds(1600) < 24 * seconds(200)


ARGUMENTS = ["{}", ' {"a": 1}', '{"a\\"}": ["\\\\", "{", "\\"}"], "b": {"c": [{}, "\\u007b"]}}']


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_arguments_are_complete_at_their_end_and_not_before(arguments, size):
    made = Call(0)
    for place in range(0, len(arguments), size):
        assert not made.is_complete
        piece = arguments[place : place + size]
        made.add({"index": 0, "id": "c", "name": "", "arguments": piece})
    assert made.is_complete
    assert orjson.loads("".join(made.arguments)) == orjson.loads(arguments)


@pytest.mark.parametrize("arguments", ["", "[]", "7", '"{}"', "{", "{]", "}{", '{"a": }', "{}{}"])
def test_what_is_no_object_is_never_complete(arguments):
    made = Call(0)
    made.add({"index": 0, "id": "c", "name": "", "arguments": arguments})
    assert not made.is_complete
