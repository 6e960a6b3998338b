"""Models that answer in the Responses API, through the whole server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tornado_stream.values.messages import ChatRequest, SignedMembers

ALL = 'dialect = "responses"'


@pytest.fixture
def responses(serve, settings, upstream, tmp_path):
    """Starts a server with a file whose upstream has these lines."""

    def start(lines: str = ALL) -> Any:
        path = Path(tmp_path / "tornado-stream.toml")
        path.write_text(f'[upstream.up]\nbase_url = "{upstream.url}"\n{lines}\n')
        return serve(replace(settings, config=path))

    return start


def raw(*events: dict[str, Any]) -> str:
    """A script that sends these events."""
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return f"raw={quote(text, safe='')}"


def refusing(message: str, param: str | None = None, times: int = 1) -> str:
    body = json.dumps({"error": {"message": message, "param": param, "code": None}})
    return f"status=400;times={times};body={quote(body, safe='')};say=yes"


@pytest.mark.gen_test
async def test_text_reasoning_and_usage(responses, upstream):
    chat = responses()
    answer = await chat.ask("hi", model="think=hm ;think=so;say=Hel;say=lo;usage=3")
    assert (answer.text, answer.end["state"], answer.end["finish_reason"]) == (
        "Hello",
        "done",
        "stop",
    )
    deltas = [event.data for event in answer.events if event.name == "delta"]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == "hm so"
    assert answer.end["usage"] == {"prompt_tokens": 1, "completion_tokens": 3}
    (asked,) = upstream.requests
    assert asked == {
        "model": "think=hm ;think=so;say=Hel;say=lo;usage=3",
        "input": [{"role": "user", "content": "hi"}],
        "stream": True,
        "store": False,
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }


@pytest.mark.gen_test
async def test_encrypted_reasoning_goes_back_with_the_next_question(responses, upstream):
    chat = responses()
    first = await chat.ask("hi", model="think=hm;say=a")
    await chat.ask(
        "more",
        model="think=hm;say=a",
        conversation_id=first.start["conversation_id"],
        parent_id=first.start["message_id"],
    )
    question, reasoning, said, more = upstream.requests[1]["input"]
    assert question == {"role": "user", "content": "hi"}
    assert (reasoning["type"], reasoning["id"]) == ("reasoning", "item_0")
    assert reasoning["encrypted_content"] == "sealed"
    assert reasoning["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert said == {"role": "assistant", "content": "a"}
    assert more == {"role": "user", "content": "more"}


@pytest.mark.gen_test
async def test_reasoning_that_the_upstream_refuses_is_left_out(responses, upstream):
    provider = responses().application.provider.members[0]
    model = refusing("The encrypted content for item rs_1 could not be verified.", "input")
    talk = [("user", "a"), ("assistant", "b"), ("user", "c")]
    messages = [{"role": role, "content": text} for role, text in talk]
    members = {"reasoning_items": [{"type": "reasoning", "encrypted_content": "x"}]}
    signed = (SignedMembers(1, "up", model, members),)
    await provider.generate(ChatRequest(messages, model, signed=signed), lambda event: None)
    first, second = (body["input"] for body in upstream.requests)
    assert (len(first), second) == (4, messages)


@pytest.mark.gen_test
async def test_one_model_of_an_upstream_may_have_another_dialect(responses, upstream):
    chat = responses('dialect = { "say=a" = "responses" }')
    for model, member in (("say=a", "input"), ("say=b", "messages")):
        answer = await chat.ask("hi", model=model)
        assert answer.end["state"] == "done" and answer.text == model[-1]
        assert member in upstream.requests[-1]
    chat = responses('dialect = { "say=a" = "responses", "say=b" = "chat" }')
    await chat.ask("hi", model="say=b")
    assert "messages" in upstream.requests[-1]


@pytest.mark.parametrize("param", ["reasoning.summary", "include"])
@pytest.mark.gen_test
async def test_what_nobody_asked_for_is_left_out_in_silence(responses, upstream, param):
    """OpenAI's models that do not reason refuse both."""
    chat = responses()
    message = "Unsupported parameter: 'reasoning.summary' is not supported with this model."
    if param == "include":
        message = "Encrypted content is not supported with this model."
    model = refusing(message, param)
    for _ in range(2):
        answer = await chat.ask(model=model, options={"reasoning_effort": "low"})
        assert answer.text == "yes"
        assert not [event for event in answer.events if event.name == "notice"]
    assert len(upstream.requests) == 3
    for request in upstream.requests[1:]:
        assert ("include" in request) == (param != "include")
        effort = {"effort": "low"}
        summary = {} if param == "reasoning.summary" else {"summary": "auto"}
        assert request["reasoning"] == {**effort, **summary}


@pytest.mark.parametrize(
    ("option", "value", "sent"),
    [
        ("max_tokens", 7, "max_output_tokens"),
        ("temperature", 0.5, "temperature"),
        ("reasoning_effort", "low", "reasoning.effort"),
        ("verbosity", "low", "text.verbosity"),
    ],
)
@pytest.mark.gen_test
async def test_a_refused_option_is_left_out_and_the_answer_says_so(
    responses, upstream, option, value, sent
):
    chat = responses()
    model = refusing(f"Unsupported parameter: '{sent}' is not supported with this model.", sent)
    answer = await chat.ask(model=model, options={option: value})
    (notice,) = [event.data for event in answer.events if event.name == "notice"]
    assert (notice["code"], notice["option"]) == ("option_refused", option)
    assert answer.text == "yes"
    first, second = upstream.requests
    assert first != second
    assert second["reasoning"] == {"summary": "auto"}
    assert not {"max_output_tokens", "temperature", "text"} & second.keys()


@pytest.mark.gen_test
async def test_options_that_the_api_does_not_have_are_told(responses, upstream):
    answer = await responses().ask(model="say=a", options={"seed": 7, "temperature": 1})
    (notice,) = [event.data for event in answer.events if event.name == "notice"]
    assert (notice["code"], notice["option"]) == ("option_refused", "seed")
    assert "seed" not in upstream.requests[0] and upstream.requests[0]["temperature"] == 1


@pytest.mark.gen_test
async def test_an_error_before_the_head(responses):
    answer = await responses().ask(model="status=401")
    assert (answer.end["state"], answer.end["error"]["code"]) == ("error", "auth")


@pytest.mark.gen_test
async def test_an_error_midway(responses):
    chat = responses()
    answer = await chat.ask(model="say=a;error=Rate limit reached;hold")
    assert (answer.text, answer.end["state"]) == ("a", "error")
    assert answer.end["error"]["code"] == "rate_limit"
    failed = {"status": "failed", "error": {"code": "server_error", "message": "It broke."}}
    model = f"say=a;{raw({'type': 'response.failed', 'response': failed})};end"
    answer = await chat.ask(model=model)
    assert (answer.text, answer.end["state"]) == ("a", "error")
    assert "It broke." in answer.end["error"]["message"]


@pytest.mark.parametrize("ending", ["close", "reset", "end", "raw=data%3A [DONE]%0A%0A;end"])
@pytest.mark.gen_test
async def test_a_stream_without_its_last_event_is_cut_off(responses, ending):
    answer = await responses().ask(model=f"say=a;{ending}")
    assert (answer.text, answer.end["state"]) == ("a", "cut_off")


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.gen_test
async def test_an_answer_that_a_limit_or_a_filter_ended(responses, reason):
    answer = await responses().ask(model=f"say=a;finish={reason}")
    assert (answer.end["state"], answer.end["finish_reason"]) == ("done", reason)


@pytest.mark.gen_test
async def test_the_last_event_ends_the_answer_even_if_the_connection_stays_open(responses):
    answer = await responses().ask(model="say=a;finish=stop;stall")
    assert (answer.text, answer.end["state"]) == ("a", "done")


@pytest.mark.gen_test
async def test_a_response_in_one_piece(responses):
    part = {"type": "output_text", "text": "all at once"}
    output = [{"type": "message", "content": [part]}]
    whole = json.dumps({"object": "response", "status": "completed", "output": output})
    answer = await responses().ask(model=f"raw={quote(whole, safe='')};end")
    assert (answer.text, answer.end["state"]) == ("all at once", "done")


@pytest.mark.gen_test
async def test_an_answer_is_continued_by_a_question(responses, upstream):
    """The API cannot go on with a message that is not finished, so the server asks for the rest."""
    chat = responses()
    first = await chat.ask(model="say=one two three;close")
    more = {"continue": first.start["message_id"], "model": "say=one two three four"}
    answer = await (await chat.open("POST", "/stream", more)).read()
    assert answer.text == "one two three four"
    said, instruction = upstream.requests[1]["input"][-2:]
    assert said == {"role": "assistant", "content": "one two three"}
    assert instruction["role"] == "user" and "one two three" in instruction["content"]


@pytest.mark.gen_test
async def test_tags_of_reasoning_in_the_text(responses):
    answer = await responses().ask(model=f"say={quote('<think>hm</think>')};say=3")
    assert answer.text == "3"


# -- programs


async def ask_as_program(chat: Any, **body: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The chunks of the stream, and the whole completion."""
    body = {"messages": [{"role": "user", "content": "hi"}], **body}
    stream = await chat.request("POST", "/v1/chat/completions", {**body, "stream": True})
    events = [e for e in stream.body.decode().split("\n\n") if e.startswith("data: {")]
    whole = await chat.request("POST", "/v1/chat/completions", body)
    return [json.loads(event.removeprefix("data: ")) for event in events], whole.json()


@pytest.mark.gen_test
async def test_a_program_gets_a_chat_completion(responses):
    model = "think=hm;say=Hel;say=lo;usage=3"
    chunks, whole = await ask_as_program(responses(), model=model)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "Hello"
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "hm"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert whole["choices"][0]["message"]["content"] == "Hello"
    assert whole["usage"]["completion_tokens"] == 3


@pytest.mark.gen_test
async def test_a_round_with_a_tool_keeps_the_encrypted_reasoning(responses, upstream):
    chat, model = responses(), 'think=hm;tool=add:{"a":1};say=The sum is ;result'
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
    chunks, whole = await ask_as_program(chat, model=model, tools=tools)
    choice = whole["choices"][0]
    assert choice["finish_reason"] == chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert (call["id"], call["function"]) == ("call_1", {"name": "add", "arguments": '{"a":1}'})
    (sealed,) = choice["message"]["reasoning_items"]
    assert sealed["encrypted_content"] == "sealed"
    result = {"role": "tool", "tool_call_id": "call_1", "content": "3"}
    messages = [{"role": "user", "content": "1 + 2?"}, choice["message"], result]
    _, whole = await ask_as_program(chat, model=model, tools=tools, messages=messages)
    assert whole["choices"][0]["message"]["content"] == "The sum is 3"
    kinds = [item.get("type", item.get("role")) for item in upstream.requests[-1]["input"]]
    assert kinds == ["user", "reasoning", "function_call", "function_call_output"]


@pytest.mark.gen_test
async def test_a_program_is_told_which_options_are_left_out(responses):
    chunks, whole = await ask_as_program(responses(), model="say=a", stop=["x"], n=1, logprobs=None)
    told = ["The model does not accept stop; it was left out."]
    assert whole["warnings"] == told and chunks[-1]["warnings"] == told


@pytest.mark.gen_test
async def test_a_program_gets_an_error(responses):
    chat = responses()
    chunks, whole = await ask_as_program(chat, model="say=a;error=It broke")
    assert chunks[-1]["error"]["message"] == "It broke" == whole["error"]["message"]
    chunks, whole = await ask_as_program(chat, model="say=a;end")
    assert "before the answer was finished" in chunks[-1]["error"]["message"]


@pytest.mark.gen_test
async def test_the_endpoint_for_responses_over_such_an_upstream(responses, upstream):
    body = {"model": "think=hm;say=a", "input": "hi", "reasoning": {"effort": "low"}}
    answer = (await responses().request("POST", "/v1/responses", body)).json()
    assert [item["type"] for item in answer["output"]] == ["reasoning", "message"]
    assert answer["output"][1]["content"][0]["text"] == "a"
    assert upstream.requests[0]["reasoning"] == {"effort": "low", "summary": "auto"}
