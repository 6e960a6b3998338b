"""Programs (`/v1`) that let the model use tools of this server."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from tests.tools_host.conftest import call, script

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]
USES = {"Tornado-Stream-Tools": "c"}


async def complete(here, model: str, headers=None, **more):
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
    path = "/v1/chat/completions"
    return await here.chat.request("POST", path, body, headers or {})


@pytest.mark.gen_test
async def test_a_program_gets_the_answer_alone(tools, upstream):
    model = script("say=I look.;" + call("c__get_count") + ";usage=2", "say=It is ;result;usage=3")
    whole = (await complete(tools, model, USES)).json()
    message = whole["choices"][0]["message"]
    assert message["content"] == "I look.\n\nIt is This is number 1."
    assert (message.get("tool_calls"), whole["choices"][0]["finish_reason"]) == (None, "stop")
    assert (whole["usage"]["completion_tokens"], tools.ran) == (5, ["get_count"])
    named = {tool["function"]["name"] for tool in upstream.requests[0]["tools"]}
    assert named == {"c__get_count"}, "those that ask are not offered"
    streamed = await complete(tools, model, USES, stream=True)
    events = streamed.body.decode().split("\n\n")  # comments are among them
    chunks = [json.loads(one[6:]) for one in events if one.startswith("data: {")]
    texts = [c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]]
    assert "".join(texts) == "I look.\n\nIt is This is number 2."


@pytest.mark.gen_test
async def test_the_last_step_is_asked_for_a_text(tools, upstream):
    calls = [call("c__get_count", {"text": str(n)}) for n in range(7)]
    whole = (await complete(tools, script(*calls, "say=Enough."), USES)).json()
    assert whole["choices"][0]["message"]["content"] == "Enough."
    chosen = [request.get("tool_choice") for request in upstream.requests]
    assert chosen == [None] * 7 + ["none"]


@pytest.mark.gen_test
async def test_without_the_header_a_program_calls_its_own_tools(tools, upstream):
    mine = [{"type": "function", "function": {"name": "c__count", "parameters": {}}}]
    whole = (await complete(tools, script(call("c__count"), "say=x"), tools=mine)).json()
    (called,) = whole["choices"][0]["message"]["tool_calls"]
    assert (called["function"]["name"], tools.ran) == ("c__count", [])
    assert upstream.requests[0]["tools"] == mine


@pytest.mark.parametrize(
    "headers, more, status",
    [
        ({"Tornado-Stream-Tools": "nope"}, {}, 404),
        (USES | {"Tornado-Stream-Keep": "true"}, {}, 400),
        (USES, {"tools": [{"type": "function", "function": {"name": "a"}}]}, 400),
    ],
)
@pytest.mark.gen_test
async def test_what_cannot_be_is_refused_in_words(tools, headers, more, status):
    refused = await complete(tools, "say=a", headers, **more)
    assert refused.status == status
    assert refused.json()["error"]["message"]
