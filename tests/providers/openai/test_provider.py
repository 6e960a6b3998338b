"""The provider with a real upstream: what it sends, and what it does after a refusal."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from client import refusing_port

from tornado_stream.providers import provider_group
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


def always(status: int, message: str, **more: Any) -> str:
    """A script that always answers with this error."""
    body = json.dumps({"error": {"message": message, **more}})
    return f"status={status};body={quote(body, safe='')}"


@pytest.mark.gen_test
async def test_a_server_without_chat_completions_has_a_hint_at_its_dialect(chat):
    error = (await chat.ask(model=always(404, "Unknown path /v1/chat/completions"))).end["error"]
    assert error["code"] == "not_an_api" and 'set dialect = "responses"' in error["message"]
    assert "/v1 is missing" not in error["message"]


@pytest.mark.gen_test
async def test_a_refused_key_names_its_place_and_a_restart(serve, settings, upstream, tmp_path):
    chat = serve(replace(settings, api_key="sk-secret"))
    message = (await chat.ask(model="status=401")).end["error"]["message"]
    assert message.endswith("Check the API key (OPENAI_API_KEY), then start this server again.")
    key, config = tmp_path / "key", tmp_path / "my.toml"
    key.write_text("sk-other")
    config.write_text(f'[upstream.up]\nbase_url = "{upstream.url}"\nkey_file = "key"\n')
    chat = serve(replace(settings, config=config))
    message = (await chat.ask(model="status=403")).end["error"]["message"]
    assert message.endswith("Check the API key (key_file in my.toml).")
    config.write_text(f'[upstream.up]\npreset = "groq"\nbase_url = "{upstream.url}"\n')
    chat = serve(replace(settings, config=config))
    assert "(GROQ_API_KEY)" in (await chat.ask(model="status=401")).end["error"]["message"]


async def listed(chat) -> tuple[str, str]:
    """The state and the detail of the default model."""
    model = (await chat.request("GET", "/api/models")).json()["models"][0]
    return model["state"], model["detail"]


@pytest.mark.gen_test
async def test_a_model_whose_upstream_failed_last_is_listed_as_failed(serve, settings, tmp_path):
    with refusing_port() as port:
        config = tmp_path / "named.toml"
        config.write_text(
            f'[upstream.up]\nbase_url = "http://127.0.0.1:{port}/v1"\nmodels = ["mine"]\n'
        )
        chat = serve(replace(settings, config=config, model=None))
        assert (await listed(chat))[0] == "ready", "nothing was tried"
        stream = await chat.send()
        await stream.until("notice")  # it could not be reached, and is tried again
        state, detail = await listed(chat)
        assert state == "failed" and f"127.0.0.1:{port} could not be reached" in detail
        assert (await chat.request("GET", "/v1/models")).json()["data"][0]["id"] == "mine"
        await chat.stop(stream.answer.start["generation_id"])


@pytest.mark.gen_test
async def test_a_model_is_ready_again_once_its_upstream_answers(chat):
    await chat.ask(model="status=401")
    state, detail = await listed(chat)
    assert state == "failed" and "Check the API key" in detail
    ready = (await chat.request("GET", "/readyz")).json()
    assert ready == {
        "status": "upstream_failing",
        "reason": "The model's server refuses the key.",
    }
    await chat.ask(model="say=a")
    assert (await listed(chat))[0] == "ready"


@pytest.mark.gen_test
async def test_a_question_that_is_refused_for_its_content_does_not_blame_the_key(chat):
    flagged = always(403, 'Your input was flagged for "violence"', code="moderated")
    error = (await chat.ask(model=flagged)).end["error"]
    assert error["code"] == "bad_request" and "key" not in error["message"]
    body = {"messages": [{"role": "user", "content": "hi"}], "model": flagged}
    response = await chat.request("POST", "/v1/chat/completions", body)
    assert (response.status, response.json()["error"]["code"]) == (400, "moderated")
    assert (await chat.request("GET", "/readyz")).status == 200


@pytest.mark.gen_test
@pytest.mark.parametrize("option", ["tools", "response_format", "tool_choice"])
async def test_what_makes_the_answer_another_is_never_left_out(chat, upstream, option):
    refusal = always(400, f"{option} is not supported by this model", param=option)
    body = {"messages": [{"role": "user", "content": "hi"}], "model": refusal, option: [{"a": 1}]}
    for _ in range(2):
        response = await chat.request("POST", "/v1/chat/completions", body)
        error = response.json()["error"]
        assert (response.status, error["param"]) == (400, option)
        assert "tornado-stream-option-refused" not in response.headers
    assert [request[option] for request in upstream.requests] == [[{"a": 1}]] * 2


@pytest.mark.gen_test
async def test_a_base_url_with_the_end_of_an_address_works(serve, settings, upstream, tmp_path):
    config = tmp_path / "long.toml"
    config.write_text(f'[upstream.up]\nbase_url = "{upstream.url}/chat/completions/"\n')
    chat = serve(replace(settings, config=config))
    assert (await chat.ask("so it is")).text == "so it is"


@pytest.mark.gen_test
@pytest.mark.parametrize("status", ["429", "529", "503;after=0"])
async def test_a_program_may_repeat_what_no_upstream_took(chat, upstream, monkeypatch, status):
    monkeypatch.setattr(provider_group, "FIRST_WAIT", 0.0)
    body = {"messages": [{"role": "user", "content": "hi"}], "model": f"status={status}"}
    response = await chat.request("POST", "/v1/chat/completions", body)
    assert response.headers["x-should-retry"] == "true" and len(upstream.requests) == 3


def test_the_other_api_is_imported_only_where_it_is_used() -> None:
    code = (
        "import sys; import tornado_stream.app, tornado_stream.server;"
        "print([name for name in sys.modules if 'openai.responses_' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
