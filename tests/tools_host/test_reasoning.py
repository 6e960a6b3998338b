"""Reasoning that a server wants back with the calls of tools which followed it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

import pytest
from fake_upstream import FakeUpstream

from tests.tools_host.conftest import call, script

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

CALL, END = call("c__get_count"), "think=so;say=End."
REFUSES = json.dumps({"error": {"message": "property 'reasoning_content' is unsupported"}})


def thinks(member: str, *texts: str) -> str:
    """The chunks of a server that has its reasoning in this member."""
    chunks = [{"choices": [{"index": 0, "delta": {member: text}}]} for text in texts]
    return "raw=" + quote("".join(f"data: {json.dumps(one)}\n\n" for one in chunks), safe="")


def with_calls(upstream: FakeUpstream, number: int = -1) -> list[dict[str, Any]]:
    """The messages with calls of tools in a request, without these."""
    messages = upstream.requests[number]["messages"]
    return [
        {name: one[name] for name in one if name not in ("role", "content", "tool_calls")}
        for one in messages
        if "tool_calls" in one
    ]


@pytest.mark.parametrize(
    "thought, echoed",
    [
        (thinks("reasoning_content", "Let me ", "look."), {"reasoning_content": "Let me look."}),
        (thinks("reasoning_content", ""), {"reasoning_content": ""}),
        (thinks("reasoning", "Let me look."), {}),
        ("say=I look.", {}),
    ],
)
@pytest.mark.gen_test
async def test_reasoning_goes_back_with_its_calls_in_the_member_that_it_came_in(
    tools, upstream, thought, echoed
):
    steps = script(f"{thought};{CALL}", f"{CALL}", END)
    answer = await tools.chat.ask("Go on.", model=steps, tools=["c"])
    assert answer.text.endswith("End."), answer.events
    assert with_calls(upstream) == [echoed, {}]
    ids = {"conversation_id": answer.start["conversation_id"]}
    await tools.chat.ask("And then?", model=steps, **ids)
    assert with_calls(upstream) == [echoed, {}], "the next question has it, too"
    await tools.chat.ask("And now?", model="say=No.", **ids)
    assert with_calls(upstream) == [{}, {}], "another model gets no reasoning of this one"


@pytest.mark.gen_test
async def test_a_call_that_a_person_allows_has_its_reasoning(tools, upstream):
    asks = f"think=hm;{call('c__count')}"
    answer = await tools.ask(asks, END)
    await tools.decide(answer, {"call_1": "run"})
    assert with_calls(upstream) == [{"reasoning_content": "hm"}]


@pytest.mark.gen_test
async def test_a_server_that_refuses_it_is_asked_without_it(tools, upstream):
    refuses = f"status=400;times=2;body={quote(REFUSES, safe='')};say=End."
    answer = await tools.ask(f"think=hm;{CALL}", refuses)
    assert (answer.text, answer.end["state"], len(tools.ran)) == ("End.", "done", 1)
    assert with_calls(upstream, -2) == [{"reasoning_content": "hm"}]
    assert with_calls(upstream) == [{}]
