"""The relay: chunks pass unchanged but for the id, and whole answers lose nothing of them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from fuzz.decoders import CORPUS
from hypothesis import given, settings
from hypothesis import strategies as st
from upstream_json import sse

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.relay import CompletionRelay
from tornado_stream.generations.relay import Relay
from tornado_stream.providers.base import TextEmit
from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
from tornado_stream.providers.openai.usual_chunks import UsualChunks
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, End, Notice, RelayedChunks
from tornado_stream.values.pictures import SentPicture

NAMED = {"id": "gen-77", "object": "chat.completion.chunk", "created": 5, "model": "real-9"}


def chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more.pop("choice", {})}
    return {**NAMED, "choices": [choice], **more}


def asked(**fields: Any) -> CompletionRequest:
    messages = [{"role": "user", "content": "hello you"}]
    return CompletionRequest(id="g1", messages=messages, **fields)


def ended(state: str = "done", error: ProviderError | None = None, **fields: Any) -> End:
    more = {"finish_reason": None, "usage": None, "stop": None, "saved": True, "timings": {}}
    return End(state=state, error=error, **(more | fields))


def relayed(data: bytes | list[bytes], **fields: Any) -> Relay:
    """The relay of an answer whose bytes came in these pieces."""
    relay = CompletionRelay(asked(**fields))
    emitter = AnswerEmitter(lambda event: feed(relay, event), relay=True)
    failure = None
    for piece in [data] if isinstance(data, bytes) else data:
        emitter.feed(piece)
    try:
        emitter.close()
    except ProviderError as error:
        failure = error
    relay.end(ended(failure.state if failure else "done", failure))
    return relay


class ByTheLane(TextEmit):
    """Feeds a relay as the producer does, usual chunks without events."""

    def __init__(self, relay: Relay) -> None:
        self.relay, self.texts = relay, 0

    def __call__(self, event: Any) -> None:
        feed(self.relay, event)

    def text(self, text: str, data: bytes) -> None:
        self.texts += 1
        self.relay.take_text(text, data)
        self.relay.begin()


def check_lane(pieces: list[bytes], **fields: Any) -> int:
    """Compare what a relay publishes on both ways; returns how many texts took the lane."""
    relay, careful = CompletionRelay(asked(**fields)), CompletionRelay(asked(**fields))
    emit = ByTheLane(relay)
    ways = (
        UsualChunks(AnswerEmitter(emit, relay=True), emit, relay=True),
        AnswerEmitter(lambda event: feed(careful, event), relay=True),
    )
    ends: list[End] = []
    for way in ways:
        for piece in pieces:
            way.feed(piece)
        try:
            way.close()
            ends.append(ended())
        except ProviderError as error:
            ends.append(ended(error.state, error))
    assert ends[0].to_json() == ends[1].to_json()
    times = [one._head["created"] for one in (relay, careful)]
    assert b"".join(relay.frames) == b"".join(careful.frames) or times[0] != times[1]
    assert relay.held == careful.held
    for one, end in zip((relay, careful), ends, strict=True):
        one.end(end)
    assert relay.frames[-1] == careful.frames[-1] or times[0] != times[1]
    return emit.texts


def feed(relay: Relay, event: Any) -> None:
    if isinstance(event, SentPicture):
        return  # the producer keeps pictures, and gives none to a relay
    relay.take(event)
    if isinstance(event, Delta):
        relay.begin()


def chunks(relay: Relay) -> list[dict[str, Any]]:
    text = b"".join(relay.frames)
    lines = text.split(b"\n\n")
    assert lines[-2:] == [b"data: [DONE]", b""]
    return [orjson.loads(line.removeprefix(b"data: ")) for line in lines[:-2]]


def whole(*payloads: Any, **fields: Any) -> dict[str, Any]:
    (frame,) = relayed(sse(*payloads, "[DONE]"), **fields).frames
    return orjson.loads(frame)


RARE = [
    chunk({"role": "assistant", "content": ""}, system_fingerprint="fp_1", service_tier="flex"),
    chunk({"content": "Hé"}, choice={"logprobs": {"content": [{"token": "Hé", "logprob": -0.25}]}}),
    chunk({"content": "llo"}, choice={"logprobs": {"content": [{"token": "llo", "logprob": -1}]}}),
    chunk({"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.b/"}}]}),
    chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "I thi"}]}),
    chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "nk"}]}),
    chunk({"function_call": {"name": "old", "arguments": '{"a"'}}),
    chunk({"function_call": {"arguments": ":1}"}}),
    chunk(
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "get", "arguments": ""},
                    "extra_content": {"google": {"thought_signature": "sig=="}},
                }
            ]
        }
    ),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"b":2}'}}]}),
    chunk({"tool_calls": [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "sh"}}]}),
    chunk({"tool_calls": [{"index": 1, "custom": {"input": "ls"}}]}),
    chunk({}, "tool_calls", x_unknown={"deep": [1, {"er": 2.5}]}),
]


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
async def test_streamed_chunks_are_those_of_the_upstream_but_for_the_id(size):
    data = sse(*RARE, "[DONE]")
    got = chunks(relayed([data[at : at + size] for at in range(0, len(data), size)], stream=True))
    expected = [{**one, "id": "chatcmpl-g1"} for one in RARE]
    for one in expected:  # the one member that is added
        details = one["choices"][0]["delta"].get("reasoning_details")
        if details and "reasoning_content" in got[expected.index(one)]["choices"][0]["delta"]:
            one["choices"][0]["delta"] = {
                **one["choices"][0]["delta"],
                "reasoning_content": details[0]["text"],
            }
    assert got == expected


@pytest.mark.gen_test
async def test_a_whole_answer_has_every_member_of_the_chunks():
    answer = whole(*RARE)
    assert (answer["id"], answer["object"]) == ("chatcmpl-g1", "chat.completion")
    assert (answer["model"], answer["created"]) == ("real-9", 5)
    assert (answer["system_fingerprint"], answer["service_tier"]) == ("fp_1", "flex")
    assert answer["x_unknown"] == {"deep": [1, {"er": 2.5}]}
    (choice,) = answer["choices"]
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == ["Hé", "llo"]
    assert choice["finish_reason"] == "tool_calls"
    message = choice["message"]
    assert (message["role"], message["content"]) == ("assistant", "Héllo")
    assert message["annotations"] == [
        {"type": "url_citation", "url_citation": {"url": "https://a.b/"}}
    ]
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "I think"}
    ]
    assert message["function_call"] == {"name": "old", "arguments": '{"a":1}'}
    assert message["tool_calls"] == [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "get", "arguments": '{"b":2}'},
            "extra_content": {"google": {"thought_signature": "sig=="}},
        },
        {"id": "c2", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
    ]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"gen-77",MORE,"choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"a"}}],"id": "gen-77", MORE}',
        b'{MORE,"choices":[{"index":0,"delta":{"content":"\\"id\\":\\"gen-77\\""}}],"id":"gen-77"}',
        b'{"choices":[{"index":0,"delta":{"content":"a"},"t":[{"id":"gen-77"}]}],"id":"gen-77",MORE}',
        b'{MORE,"choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"id":null,MORE,"choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"id":"g\\u00e9n",MORE,"choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"id":7,MORE,"choices":[{"index":0,"delta":{"content":"a"}}],"n":{"id":"x"}}',
    ],
)
async def test_only_the_id_of_a_plain_chunk_changes_wherever_it_stands(raw):
    raw = raw.replace(b"MORE", b'"object":"chat.completion.chunk","created":5,"model":"m"')
    first = orjson.dumps(chunk({"role": "assistant", "content": ""}))
    stream = [b"data: %b\n\n" % block for block in (first, raw, raw)]
    got = chunks(relayed([*stream, b"data: [DONE]\n\n"], stream=True))
    expected = {**orjson.loads(raw), "id": "chatcmpl-g1"}
    assert got[1:3] == [expected, expected]
    together = chunks(relayed([stream[0], stream[1] * 3, b"data: [DONE]\n\n"], stream=True))
    assert together[1:4] == [expected] * 3


@pytest.mark.gen_test
async def test_numbers_and_spaces_of_an_unchanged_chunk_stay_as_they_came():
    raw = (
        b'{ "id":"u" , "n":123456789012345678901, "model":"m","object":"o" , "created":1e9,'
        b' "choices":[{"index":0 ,"delta":{"role":"assistant","content":"a"},"x":1.0e2}]}'
    )
    relay = relayed(b"data: " + raw + b"\n\ndata: [DONE]\n\n", stream=True)
    assert relay.frames[0] == b"data: " + raw.replace(b'"u"', b'"chatcmpl-g1"') + b"\n\n"


@pytest.mark.gen_test
async def test_members_that_clients_need_are_added_where_the_upstream_leaves_them_out():
    bare: list[Any] = [
        {"choices": [{"delta": {"content": "a"}}, {"delta": {"content": "b"}}]},
        {"created": None, "model": "named", "choices": [{"index": 1, "delta": {"content": "c"}}]},
        {"choices": [{"index": 2, "delta": {"role": None}}, {"index": 0, "delta": {}}]},
        {"choices": []},
    ]
    got = chunks(relayed(sse(*bare, "[DONE]"), stream=True, model="asked"))
    heads = {(type(one["created"]), one["object"]) for one in got}
    assert heads == {(int, "chat.completion.chunk")}
    assert [one["model"] for one in got[:4]] == ["asked", "named", "named", "named"]
    texts = [[(c["index"], c["delta"]) for c in one["choices"]] for one in got[:4]]
    assistant = {"role": "assistant"}
    assert texts == [
        [(0, {"content": "a"} | assistant), (1, {"content": "b"} | assistant)],
        [(1, {"content": "c"})],
        [(2, assistant), (0, {})],
        [],
    ]


@pytest.mark.gen_test
async def test_reasoning_gets_its_usual_name_where_the_chunk_has_none():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    usual, other = {"reasoning": "r", "content": "c"}, {"content": parts}
    got = chunks(relayed(sse(chunk(usual), chunk(other), "[DONE]"), stream=True))
    deltas = [one["choices"][0]["delta"] for one in got]
    assert deltas[0] == usual | {"role": "assistant"}
    assert deltas[1] == {"content": parts, "reasoning_content": "hm"}


@pytest.mark.gen_test
async def test_think_tags_stay_in_the_content():
    answer = whole(chunk({"content": "<think>hm</think>"}), chunk({"content": "yes"}))
    assert answer["choices"][0]["message"]["content"] == "<think>hm</think>yes"


@pytest.mark.gen_test
@pytest.mark.parametrize("wanted", [True, False])
async def test_a_chunk_of_usage_comes_only_if_the_program_asked(wanted):
    used = {**NAMED, "choices": [], "usage": {"total_tokens": 9}}
    data = sse(chunk({"content": "a"}), chunk({}, "stop"), used, "[DONE]")
    got = chunks(relayed(data, stream=True, include_usage=wanted))
    assert [one["usage"] for one in got if "usage" in one] == [{"total_tokens": 9}] * wanted
    data = sse(chunk({"content": "abcd"}), chunk({}, "stop"), "[DONE]")
    got = chunks(relayed(data, stream=True, include_usage=wanted))
    usage = [one["usage"] for one in got if "usage" in one]
    assert len(usage) == wanted and all(one["estimated"] for one in usage)


@pytest.mark.gen_test
async def test_without_a_finish_reason_the_relay_adds_a_last_chunk():
    got = chunks(relayed(sse(chunk({"content": "a"}), "[DONE]"), stream=True))
    last = got[-1]
    assert (last["model"], last["created"], last["id"]) == ("real-9", 5, "chatcmpl-g1")
    assert last["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }


@pytest.mark.gen_test
async def test_a_completion_in_one_piece_passes_whole_or_as_a_chunk():
    message = {"role": "assistant", "content": "Hi", "tool_calls": [{"id": "c", "x": 1}]}
    one = {
        "id": "u",
        "object": "chat.completion",
        "created": 3,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "more": [1]}],
        "usage": {"total_tokens": 4},
        "unknown": True,
    }
    body = orjson.dumps(one)
    answer = orjson.loads(relayed([body[:9], body[9:]]).frames[0])
    assert answer.pop("choices")[0].pop("message") == message
    assert answer["unknown"] is True and answer["usage"] == {"total_tokens": 4}
    got = chunks(relayed(body, stream=True))
    assert got[0]["object"] == "chat.completion.chunk" and got[0]["unknown"] is True
    choice = got[0]["choices"][0]
    assert choice["more"] == [1] and "message" not in choice
    assert choice["delta"] == {**message, "tool_calls": [{"index": 0, "id": "c", "x": 1}]}


@pytest.mark.gen_test
async def test_an_error_in_the_stream_is_told_once_and_no_part_of_it_passes():
    broken = {"error": {"message": "boom", "code": "engine_dead", "type": "server"}}
    data = sse(chunk({"content": "a"}), broken, "[DONE]")
    relay = relayed(data, stream=True)
    got = chunks(relay)
    assert [list(one) for one in got[1:]] == [["error"]] and relay.failure is None
    error = got[1]["error"]
    assert (error["code"], error["type"], error["param"]) == ("engine_dead", "server", None)
    alone = relayed(sse(broken), stream=True)
    assert alone.failure and not alone.begun
    assert relayed(data).failure  # the whole answer failed


@pytest.mark.gen_test
async def test_text_beside_a_failure_passes_without_the_failure():
    relay = CompletionRelay(asked(stream=True))
    block = orjson.dumps(chunk({"content": "last"}, "abort", error={"code": 1}))
    relay.take(RelayedChunks([block], [("", True)]))
    relay.end(ended("cut_off", ProviderError("connection_closed", "Cut.", state="cut_off")))
    first, error = chunks(relay)
    assert "error" not in first and first["choices"][0]["finish_reason"] is None
    assert first["choices"][0]["delta"] == {"content": "last", "role": "assistant"}
    assert error["error"]["message"] == "Cut."


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_provider_without_chunks_is_translated(streamed):
    relay = CompletionRelay(asked(stream=streamed, model="m"))
    feed(relay, Delta("Hel", reasoning="hm"))
    call = {"index": 0, "id": "c", "name": "get", "arguments": "{"}
    feed(relay, Delta("lo", "", "no", ({**call},)))
    feed(relay, Delta(tool_calls=({"index": 0, "id": None, "name": "", "arguments": "}"},)))
    relay.end(ended())
    if streamed:
        first, second, third, last = chunks(relay)
        assert first["choices"][0]["delta"] == {
            "role": "assistant",
            "content": "Hel",
            "reasoning_content": "hm",
        }
        fragment = second["choices"][0]["delta"]["tool_calls"][0]
        assert (fragment["id"], fragment["type"]) == ("c", "function")
        assert third["choices"][0]["delta"]["tool_calls"] == [
            {"index": 0, "function": {"arguments": "}"}}
        ]
        assert last["choices"][0]["finish_reason"] == "tool_calls"
        return
    (choice,) = orjson.loads(relay.frames[0])["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Hello",
        "refusal": "no",
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "get", "arguments": "{}"}}
        ],
    }


@pytest.mark.gen_test
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_refused_option_is_a_warning_in_the_last_chunk_or_the_whole(streamed):
    relay = CompletionRelay(asked(stream=streamed))
    relay.take(Notice("option_refused", {"option": "seed"}))
    relay.take(Notice("option_refused", {"option": "seed"}))
    relay.take(Notice("waiting", {"seconds": 1}))
    feed(relay, Delta("a"))
    relay.end(ended())
    last = chunks(relay)[-1] if streamed else orjson.loads(relay.frames[0])
    assert last["warnings"] == ["The model does not accept seed; it was left out."]


@pytest.mark.gen_test
async def test_a_surrogate_pair_in_two_chunks_is_one_character_of_the_whole():
    halves = [
        f'{{"choices":[{{"delta":{{"content":"{half}"}}}}]}}' for half in (r"\ud83d", r"\ude00")
    ]
    assert whole(*halves)["choices"][0]["message"]["content"] == "\U0001f600"


def nested(depth: int) -> Any:
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


#: What no server should send in any place: among it deep nesting, half characters and no numbers.
ODD = st.one_of(
    st.sampled_from(
        [None, True, 0, -1, 1.5, 10**30, float("nan"), float("inf"), "", "a", "\ud800"]
    ),
    st.sampled_from([[], {}, [1], [[]], {"a": 1}, [None], {"index": [1]}, [{"index": {}}]]),
    st.sampled_from([99, 250, 300, 480]).map(nested),
)


def parts(names: str, **usual: Any) -> Any:
    """Objects with some of the members, of the usual form or of any."""
    members = {name: usual[name] | ODD if name in usual else ODD for name in names.split()}
    return st.fixed_dictionaries({}, optional=members)


def some(entries: Any) -> Any:
    return st.lists(entries | ODD, max_size=3)


INDEX = st.integers(0, 2)
FUNCTION = parts("name arguments x")
CALL = parts("index id type function arguments", index=INDEX, function=FUNCTION)
MESSAGE = parts(
    "role content reasoning reasoning_content refusal tool_calls function_call x",
    content=st.sampled_from(["a", "b "]),
    tool_calls=some(CALL),
)
CHOICE = parts(
    "index delta message finish_reason logprobs error", index=INDEX, delta=MESSAGE, message=MESSAGE
)
CHUNK = parts(
    "id object created model choices usage error x", id=st.just("u"), choices=some(CHOICE)
)


def strict(text: bytes) -> Any:
    """JSON as clients in every language read it: without NaN and the infinities."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.gen_test(timeout=60)
async def test_whatever_the_upstream_sends_the_answer_ends_well():
    @settings(max_examples=400)
    @given(st.lists(CHUNK | ODD, max_size=5), st.booleans())
    def check(sent: list[Any], done: bool) -> None:
        lines = [f"data: {json.dumps(one)}\n\n" for one in sent]
        data = "".join([*lines, "data: [DONE]\n\n" * done]).encode()
        for text in b"".join(relayed(data, stream=True).frames).split(b"\n\n")[:-2]:
            value = strict(text.removeprefix(b"data: "))
            assert "error" in value or value["id"] == "chatcmpl-g1"
        whole = relayed(data)
        (frame,) = whole.frames
        if not whole.failure:
            assert strict(frame)["choices"][0]["message"]["role"]

    check()


@pytest.mark.gen_test
@pytest.mark.parametrize("depth", [300, 900, 985])
async def test_what_is_nested_too_deeply_is_left_out_of_a_whole_answer(depth):
    odd = json.dumps({**chunk({"content": "b"}), "x": 1}).replace("1}", "DEEP}")
    odd = odd.replace("DEEP", "[" * depth + "]" * depth)
    for pieces in ([chunk({"content": "a"}), odd], [odd, chunk({"content": "a"})]):
        answer = whole(*pieces)
        assert sorted(answer["choices"][0]["message"]["content"]) == ["a", "b"]


@pytest.mark.gen_test
async def test_a_chunk_that_is_no_strict_json_is_sent_as_strict_json():
    raw = (
        '{"id":"u","object":"o","created":5,"model":"m","x":NaN,"choices":[{"index":0,"delta":{}}]}'
    )
    got = relayed(sse(chunk({"content": "a"}), raw, "[DONE]"), stream=True).frames
    assert strict(got[1].removeprefix(b"data: "))["x"] is None
    lines = b'{"choices":\r[{"message":{"content":"a"}}],\r"id":"u"}'
    assert b"\r" not in b"".join(relayed(lines, stream=True).frames)


PIECE = st.sampled_from(["a", "Hé", "{", "}", " ", "\U0001f600"])
FRAGMENTS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"content": PIECE}),
        st.fixed_dictionaries({"reasoning_content": PIECE}),
        st.fixed_dictionaries({"refusal": PIECE}),
        st.lists(st.tuples(INDEX, PIECE), min_size=1, max_size=2).map(
            lambda calls: {
                "tool_calls": [{"index": i, "function": {"arguments": text}} for i, text in calls]
            }
        ),
    ),
    max_size=12,
)


def accumulated(sent: list[dict[str, Any]]) -> dict[str, Any]:
    """What a client makes of streamed chunks: texts are joined, and calls by their index."""
    texts: dict[str, str] = {}
    calls: dict[int, dict[str, Any]] = {}
    for one in sent:
        delta = one["choices"][0]["delta"]
        for name in ("content", "reasoning_content", "refusal"):
            if delta.get(name):
                texts[name] = texts.get(name, "") + delta[name]
        for fragment in delta.get("tool_calls", ()):
            known = calls.setdefault(fragment["index"], {"arguments": "", "id": None})
            known["arguments"] += fragment["function"]["arguments"]
            known["id"] = fragment.get("id") or known["id"]
    reason = sent[-1]["choices"][0]["finish_reason"]
    return {**texts, "calls": list(calls.values()), "finish_reason": reason}


@pytest.mark.gen_test(timeout=60)
async def test_a_client_that_joins_the_chunks_has_the_whole_answer():
    @settings(max_examples=300)
    @given(FRAGMENTS, st.sampled_from(["stop", None]))
    def check(deltas: list[dict[str, Any]], reason: str | None) -> None:
        named: set[int] = set()
        for delta in deltas:
            for fragment in delta.get("tool_calls", ()):
                if fragment["index"] not in named:
                    named.add(fragment["index"])
                    fragment["id"] = f"c{fragment['index']}"
        data = sse(*map(chunk, deltas), chunk({}, reason), "[DONE]")
        joined = accumulated(chunks(relayed(data, stream=True)))
        (choice,) = orjson.loads(relayed(data).frames[0])["choices"]
        message = choice["message"]
        names = ("content", "reasoning_content", "refusal")
        whole: dict[str, Any] = {name: message[name] for name in names if message.get(name)}
        calls = message.get("tool_calls") or []
        whole["calls"] = [{"arguments": c["function"]["arguments"], "id": c["id"]} for c in calls]
        assert {**whole, "finish_reason": choice["finish_reason"]} == joined

    check()


STREAMS = sorted(CORPUS.glob("streams/*.sse")) + sorted(CORPUS.glob("reports/*.sse"))


@pytest.mark.wide
@pytest.mark.gen_test
@pytest.mark.skipif(not STREAMS, reason="the corpus is not here")
async def test_recorded_streams_are_relayed_alike_however_they_are_split():
    for path in STREAMS:
        data = path.read_bytes()
        pieces = [data[at : at + 1] for at in range(len(data))]
        one, other = (lines(relayed(source, stream=True)) for source in (data, pieces))
        assert one == other, path.name
        whole, split = (relayed(source) for source in (data, pieces))
        assert bool(whole.failure) == bool(split.failure), path.name


HEADS = [
    {},
    {"id": "gen-77"},
    NAMED,
    {"model": "m", **NAMED},
    {**NAMED, "id": 5},
    {**NAMED, "id": None},
    {**NAMED, "system_fingerprint": "gen-77", "x": {"id": "gen-77"}},
]
SAID = ["a", " b", 'data: {"id":"gen-77"', '"id":"gen-77"', "\n\ndata: {", "é😀", "<", ""]


@pytest.mark.gen_test
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("fields", [{"stream": True}, {"stream": False}])
@pytest.mark.parametrize("separators", [None, (",", ":")])
async def test_the_lane_relays_what_the_careful_way_relays(head, fields, separators):
    def said(text: str, **more: Any) -> bytes:
        choice = {"index": 0, "delta": {"content": text}}
        value = {**head, **more, "choices": [choice]}
        return sse(json.dumps(value, separators=separators))

    events = [said(text) for text in SAID * 2]
    assert check_lane(events, **fields) > len(SAID)
    together = [said("a"), b"".join(events[:3]), b"".join(events)]
    check_lane(together, **fields)
    check_lane([*events, *(said(text, id="gen-78") for text in SAID), *events], **fields)
    check_lane([*events, sse(chunk({}, "stop"), "[DONE]")], **fields)


@pytest.mark.gen_test
async def test_the_lane_holds_no_more_of_a_long_answer(monkeypatch):
    monkeypatch.setattr("tornado_stream.chat.relay.HELD_BYTES", 3000)
    events = [sse(chunk({"content": f"word {n}"})) for n in range(200)]
    assert check_lane(events, stream=True) > 190


@pytest.mark.gen_test
async def test_recorded_streams_take_both_ways_alike():
    for path in sorted((CORPUS / "streams").glob("*.sse")):
        events = [event + b"\n\n" for event in path.read_bytes().split(b"\n\n")]
        for fields in ({"stream": True}, {"stream": False}):
            check_lane(events, **fields)
            check_lane([b"".join(events[i : i + 3]) for i in range(0, len(events), 3)], **fields)


def lines(relay: Relay) -> list[Any]:
    """The chunks without the times of our own ones."""
    texts = b"".join(relay.frames).decode().split("\n\n")[:-2]
    found = [json.loads(text.removeprefix("data: ")) for text in texts]
    return [{name: value for name, value in one.items() if name != "created"} for one in found]


@pytest.mark.parametrize("head", [{"model": "m" * 5000}, {"created": 10**4000}])
@pytest.mark.gen_test
async def test_members_that_are_missing_are_not_filled_in_at_any_length(head):
    """A chunk is sent as it came. What it says is not repeated in a thousand chunks without it."""
    data = sse(chunk({"content": "a"}, **head), "[DONE]")
    assert max(map(len, relayed(data, stream=True).frames)) > 4000
    few = {"choices": [{"index": 0, "delta": {"content": "b"}}]}
    data = sse(chunk({"content": "a"}, **head), *[few] * 1000, "[DONE]")
    assert sum(map(len, relayed(data, stream=True).frames)) < 300_000
    relay = relayed(sse(few, "[DONE]"), stream=True, model="m" * 5000)
    assert sum(map(len, relay.frames)) < 2000
