"""The provider with a real upstream: what it sends, and what it does after a refusal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tornado_stream.providers.openai.provider import encode_request
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta
from tornado_stream.values.messages import ChatRequest, SignedMembers


@pytest.mark.gen_test
async def test_without_a_key_no_authorization_is_sent(chat, upstream):
    await chat.ask()
    assert "Authorization" not in upstream.headers[0]
    assert upstream.headers[0]["Content-Type"] == "application/json"
    assert upstream.headers[0]["Accept"] == "text/event-stream"


@pytest.mark.gen_test
async def test_only_the_upstream_gets_the_key(serve, settings, upstream):
    chat = serve(replace(settings, api_key="sk-secret"))
    answer = await chat.ask()
    assert upstream.headers[0]["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in str(answer)


@pytest.mark.gen_test
async def test_usage_is_not_requested_after_the_upstream_refused_that(chat, upstream):
    refusal = '{"error":{"message":"Unrecognized request argument: stream_options"}}'
    answer = await chat.ask(model=f"status=400;body={refusal}")
    assert answer.end["error"]["code"] == "bad_request"
    assert ["stream_options" in r for r in upstream.requests] == [True, False]
    await chat.ask(model="say=a")
    assert "stream_options" not in upstream.requests[2]


@pytest.mark.gen_test
async def test_the_limit_gets_the_name_that_the_upstream_asks_for(chat, upstream):
    refusal = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    model = f'status=400;body={{"error":{{"message":"{refusal}"}}}}'
    await chat.ask(model=model, options={"max_tokens": 7, "top_p": 0.5})
    first, second = upstream.requests
    assert (first["max_tokens"], second["max_completion_tokens"], second["top_p"]) == (7, 7, 0.5)
    assert "max_tokens" not in second
    await chat.ask(model=model, options={"temperature": 1})
    assert len(upstream.requests) == 3


def refusing(message: str, param: str | None = None, times: int = 1) -> str:
    """A model that refuses its first `times` requests with this message."""
    body = json.dumps({"error": {"message": message, "param": param}})
    return f"status=400;times={times};body={body};say=yes"


@pytest.mark.gen_test
async def test_the_other_name_of_the_limit_is_remembered(chat, upstream):
    model = refusing("Use 'max_completion_tokens' instead of 'max_tokens'.")
    for _ in range(2):
        assert (await chat.ask(model=model, options={"max_tokens": 7})).text == "yes"
    assert len(upstream.requests) == 3
    assert upstream.requests[2]["max_completion_tokens"] == 7


@pytest.mark.gen_test
async def test_a_refused_limit_is_left_out_under_both_names(chat, upstream):
    model = refusing("Unsupported parameter: 'max_tokens'")
    for _ in range(2):
        assert (await chat.ask(model=model, options={"max_tokens": 7})).text == "yes"
    assert len(upstream.requests) == 3
    for request in upstream.requests[1:]:
        assert not {"max_tokens", "max_completion_tokens"} & request.keys()


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported parameter: 'temperature' is not supported with this model.",
        "Unrecognized request argument supplied: temperature",
        "temperature: Extra inputs are not permitted",
        "This model does not support temperature.",
    ],
)
@pytest.mark.gen_test
async def test_a_refused_option_is_left_out_and_the_answer_says_so(chat, upstream, message):
    model, options = refusing(message), {"temperature": 0.7, "top_p": 0.5}
    answer = await chat.ask(model=model, options=options)
    assert (answer.text, answer.end["state"]) == ("yes", "done")
    (notice,) = [event.data for event in answer.events if event.name == "notice"]
    assert (notice["code"], notice["option"]) == ("option_refused", "temperature")
    first, second = upstream.requests
    assert first["temperature"] == 0.7
    assert "temperature" not in second and second["top_p"] == 0.5
    again = await chat.ask(model=model, options=options)  # the provider remembers the refusal
    assert again.text == "yes" and len(upstream.requests) == 3
    assert "temperature" not in upstream.requests[2]
    await chat.ask(model="say=other", options=options)
    assert upstream.requests[3]["temperature"] == 0.7


@pytest.mark.parametrize(
    "message", ["temperature must be below 2", "Unsupported parameter: 'seed'", "Unsupported value"]
)
@pytest.mark.gen_test
async def test_a_refused_value_is_an_error(chat, upstream, message):
    answer = await chat.ask(model=refusing(message), options={"temperature": 7})
    assert answer.end["error"]["code"] == "bad_request"
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_a_request_has_three_forms_at_most(chat, upstream):
    model = refusing("Unsupported: temperature, top_p, seed", times=9)
    answer = await chat.ask(model=model, options={"temperature": 1, "top_p": 1, "seed": 1})
    assert answer.end["error"]["code"] == "bad_request" and len(upstream.requests) == 3


@pytest.mark.gen_test
async def test_after_any_other_refusal_nothing_is_repeated(chat, upstream):
    for status in (400, 401, 404, 408, 409, 500, 502, 504):
        before = len(upstream.requests)
        answer = await chat.ask(model=f"status={status}")
        assert answer.end["error"]["upstream_status"] == status
        assert len(upstream.requests) == before + 1


@pytest.mark.gen_test
async def test_an_answer_that_is_not_a_stream(chat):
    whole = '{"choices":[{"message":{"content":"all at once"},"finish_reason":"stop"}]}'
    answer = await chat.ask(model=f"raw={whole};end")
    assert (answer.end["state"], answer.text) == ("done", "all at once")
    page = await chat.ask(model="raw=<html><body>hello</body></html>;end")
    assert (page.end["state"], page.end["error"]["code"]) == ("error", "not_an_api")
    assert "<" not in page.end["error"]["message"]


@pytest.mark.gen_test
async def test_usage_and_finish_reason_are_in_the_end_event_of_an_error_too(chat):
    answer = await chat.ask(model="say=a;usage=3;finish=length;error=Token limit reached")
    assert (answer.end["state"], answer.end["finish_reason"]) == ("error", "length")
    assert answer.end["usage"]["completion_tokens"] == 3
    assert "Token limit reached" in answer.end["error"]["message"]


@pytest.mark.parametrize(
    ("models", "code"),
    [
        ({"data": []}, "model_not_found"),
        ({"data": [{"id": ""}, {"id": 5}, {}, 7]}, "model_not_found"),
        ({"data": {}}, "not_an_api"),
        ("nonsense", "not_an_api"),
        (401, "auth"),
        (404, "not_an_api"),
    ],
)
@pytest.mark.gen_test
async def test_a_list_without_models_is_an_error(serve, settings, upstream, models, code):
    upstream.models = models
    chat = serve(replace(settings, model=None))
    answer = await chat.ask("hi")
    assert (answer.end["state"], answer.end["error"]["code"]) == ("error", code)
    assert not upstream.requests
    listed = (await chat.request("GET", "/api/models")).json()
    assert listed["default"] is None


@pytest.mark.gen_test
async def test_a_continuation_that_looks_like_a_repetition_to_its_end_is_not_lost(chat):
    first = await chat.ask(model="say=one two;close")
    answer = await chat.open(
        "POST", "/stream", {"continue": first.start["message_id"], "model": "say=o"}
    )
    assert (await answer.read()).text == "one twoo"


# -- the body of a request


def request(**options: Any) -> ChatRequest:
    return ChatRequest([{"role": "user", "content": "hi"}], options=options)


def test_a_request_has_only_the_options_that_were_set() -> None:
    assert orjson.loads(encode_request(request(), model="m", include_usage=False)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    }


def test_no_option_replaces_what_the_provider_sets() -> None:
    options = {"temperature": 0.5, "top_p": None, "model": "x", "messages": [], "stream": False}
    body = orjson.loads(encode_request(request(**options), model="m", include_usage=True))
    assert body.pop("messages") == [{"role": "user", "content": "hi"}]
    assert body == {
        "model": "m",
        "stream": True,
        "temperature": 0.5,
        "stream_options": {"include_usage": True},
    }


def test_a_request_keeps_other_stream_options() -> None:
    options = {"stream_options": {"include_obfuscation": False, "include_usage": False}}
    body = orjson.loads(encode_request(request(**options), model="m", include_usage=True))
    assert body["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_values_that_orjson_refuses_are_sent() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    body = encode_request(request(seed=2**70, deep=deep), model="m", include_usage=False)
    assert json.loads(body)["seed"] == 2**70


def test_options_that_are_no_json_are_an_error() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ProviderError) as caught:
        encode_request(request(deep=deep), model="m", include_usage=False)
    assert caught.value.code == "bad_request"


def answered_by(upstream: str, model: str) -> ChatRequest:
    """A request whose second message this upstream signed with this model."""
    talk = [("user", "a"), ("assistant", "b"), ("user", "c")]
    messages = [{"role": role, "content": text} for role, text in talk]
    signed = SignedMembers(1, upstream, model, {"reasoning_details": [{"data": "x"}]})
    return ChatRequest(messages, "say=yes", signed=(signed,))


@pytest.mark.parametrize("prefix", ["", "up/"])
@pytest.mark.gen_test
async def test_signed_members_go_back_to_their_upstream_and_model_alone(chat, upstream, prefix):
    provider = chat.application.provider.members[0]
    mine = answered_by(provider.name, prefix.replace("up", provider.name) + "say=yes")
    await provider.generate(mine, lambda event: None)
    assert upstream.requests[0]["messages"][1] == {
        "role": "assistant",
        "content": "b",
        "reasoning_details": [{"data": "x"}],
    }
    for other in (answered_by("other", "say=yes"), answered_by(provider.name, "say=no")):
        await provider.generate(other, lambda event: None)
        assert upstream.requests[-1]["messages"] == other.messages


@pytest.mark.gen_test
async def test_a_refusal_of_signed_members_does_not_end_the_conversation(chat, upstream):
    provider = chat.application.provider.members[0]
    model = refusing("Invalid signature in reasoning_details")
    request = replace(answered_by(provider.name, model), model=model)
    events: list[Any] = []
    await provider.generate(request, events.append)
    assert [e.content for e in events if isinstance(e, Delta)] == ["yes"]
    first, second = (body["messages"] for body in upstream.requests)
    assert "reasoning_details" in first[1] and second == request.messages


@pytest.mark.parametrize("status", [201, 202, 206])
@pytest.mark.gen_test
async def test_an_answer_may_have_any_status_of_success(chat, status):
    answer = await chat.ask(model=f"success={status};say=yes")
    assert (answer.end["state"], answer.text, answer.end["error"]) == ("done", "yes", None)
    for script in ("say=yes;close", "say=yes;reset", "raw=%3Chtml%3E%3Cbody%3Eno;end"):
        error = (await chat.ask(model=f"success={status};{script}")).end["error"]
        assert error["upstream_status"] == status


@pytest.mark.parametrize("status", [204, 205])
@pytest.mark.gen_test
async def test_a_success_without_a_body_is_no_answer(chat, status):
    end = (await chat.ask(model=f"success={status};end")).end
    assert (end["state"], end["error"]["code"]) == ("error", "not_an_api")
    assert end["error"]["upstream_status"] == status
    assert f"answered {status}" in end["error"]["message"]
