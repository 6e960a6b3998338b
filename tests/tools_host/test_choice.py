"""The servers of tools that a conversation may use, where a request names none."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.tools_host.conftest import call, states

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]
STEPS = ("say=I look.;" + call("c__get_count"), "say=End.")


async def stored(here, id: str):
    return (await here.chat.request("GET", f"/api/conversations/{id}")).json()["tools"]


@pytest.mark.gen_test
async def test_a_conversation_keeps_what_its_first_question_had(tools, upstream):
    first = await tools.ask(*STEPS)
    home = first.start["conversation_id"]
    assert await stored(tools, home) == ["c"]
    again = await tools.ask("", *STEPS, conversation_id=home, tools=None)
    assert states(again) == ["running", "done"]
    without = await tools.ask("say=None.", conversation_id=home, tools=[])
    assert without.end["state"] == "done"
    assert "tools" not in upstream.requests[-1]
    assert await stored(tools, home) == ["c"], "a later question changes nothing"
    path = f"/api/conversations/{home}"
    assert (await tools.chat.request("PATCH", path, {"tools": []})).json()["tools"] == []
    await tools.ask("say=None.", conversation_id=home, tools=None)
    assert "tools" not in upstream.requests[-1]
    wrong = await tools.chat.request("PATCH", path, {"tools": "c"})
    assert (wrong.status, wrong.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.gen_test
async def test_a_conversation_begins_with_the_tools_of_its_preset(tools):
    preset = {"name": "Clock", "tools": ["c", "gone"]}
    assert (await tools.chat.request("POST", "/api/presets", preset)).status == 201
    answer = await tools.ask(*STEPS, preset="Clock", tools=None)
    assert states(answer) == ["running", "done"], "a server that is gone is left out"
    assert await stored(tools, answer.start["conversation_id"]) == ["c", "gone"]
    made = await tools.chat.request("POST", "/api/conversations", {"tools": ["c"]})
    assert made.json()["tools"] == ["c"]


@pytest.mark.gen_test
async def test_the_page_loads_the_choice_with_its_other_modules(tools, chat):
    """Its script waits for this part before it looks at any click."""
    page = (await tools.chat.request("GET", "/")).body.decode()
    loaded = re.findall(
        r'modulepreload" href="[^"]*/((?:js/composer/tool_|lang/later/)[^"]*)"', page
    )
    assert loaded == ["js/composer/tool_choice.js", "lang/later/en.js"]
    without = (await chat.request("GET", "/")).body
    assert b"tool_choice" not in without and b"lang/later" not in without
