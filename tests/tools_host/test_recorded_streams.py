"""Streams with tool calls, as real servers sent them, drive the loop to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.corpus import CORPUS
from tests.tools_host.conftest import script
from tornado_stream.tools_host.config import ToolServer
from tornado_stream.tools_host.toolbox import Tool

SERVER = ToolServer("any", ("none",), allow=("*",))


def recorded() -> list[str]:
    """The names of the streams that ended with calls."""
    found = []
    for file in sorted(CORPUS.glob("streams/*.json")):
        expected = json.loads(file.read_text())["expected"]
        if expected.get("tool_calls") and expected["ending"] == "complete":
            found.append(file.stem)
    return found


class Named(Tool):
    """A tool that models know by its own name."""

    @property
    def called(self) -> str:
        return self.name


@dataclass
class AnyTools:
    """Has the tools that a stream calls, and notes what they are called with."""

    names: set[str]
    ran: list[tuple[str, dict[str, Any]]]

    def servers(self, owner: str, names: Any) -> list[ToolServer]:
        return [SERVER]

    async def tools(self, server: ToolServer) -> list[Tool]:
        return [Named(server, name, "", {}) for name in sorted(self.names)]

    async def call(self, server: ToolServer, tool: str, arguments: dict[str, Any]) -> Any:
        self.ran.append((tool, arguments))
        members = {"structured": None, "pictures": [], "sources": [], "shortened": False}
        return {"text": f"result {len(self.ran)}", "is_error": False, **members}

    async def close(self, grace: float) -> None:
        """Nothing was started."""


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.gen_test
async def test_names_ids_and_arguments_are_what_the_provider_sent(chat, upstream, subtests):
    names = recorded()
    print(f"{len(names)} streams of {len({name.partition('-')[0] for name in names})} providers")
    assert len(names) >= 12
    for name in names:
        with subtests.test(name):
            await drive(chat, upstream, name)


async def drive(chat: Any, upstream: Any, name: str) -> None:
    expected = json.loads((CORPUS / f"streams/{name}.json").read_text())["expected"]
    sent = [call["function"] | {"id": call["id"]} for call in map(_in_full, expected["tool_calls"])]
    box = AnyTools({call["name"] for call in sent}, [])
    chat.application.tools.toolbox = box
    stream = (CORPUS / f"streams/{name}.sse").read_bytes()
    upstream.requests.clear()
    model = script("raw=" + quote(stream, safe="") + ";end", "say=All done.")
    answer = await chat.ask(name, model=model, tools=["any"])
    assert answer.end["state"] == "done", answer.end
    assert answer.text.endswith("All done.")
    runnable = [call for call in sent if _is_object(call["arguments"])]
    assert [tool for tool, _ in box.ran] == [call["name"] for call in runnable]
    request = upstream.requests[-1]
    check_messages(request["messages"])
    told = request["messages"][1]["tool_calls"]
    assert [call["function"] for call in told] == [
        {"name": call["name"], "arguments": call["arguments"]} for call in sent
    ]
    for call, original in zip(told, sent, strict=True):
        assert call["id"] == original["id"] or (not original["id"] and call["id"])


def check_messages(messages: list[dict[str, Any]]) -> None:
    """What OpenAI's schema of a request says of messages."""
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message.keys() == {"role", "tool_call_id", "content"}
            assert isinstance(message["content"], str) and message["content"]
            assert message["tool_call_id"] == open_calls.pop(0)
            continue
        assert open_calls == [], "every call has a result before the next message"
        if message["role"] == "user":
            assert isinstance(message["content"], str)
            continue
        assert message["content"] is None or isinstance(message["content"], str)
        for call in message["tool_calls"]:
            assert call.keys() >= {"id", "type", "function"} and call["type"] == "function"
            assert call["function"].keys() == {"name", "arguments"}
            assert all(isinstance(text, str) for text in (call["id"], *call["function"].values()))
            open_calls.append(call["id"])
    assert open_calls == []
    assert len({*open_calls}) == len(open_calls)


def _in_full(call: dict[str, Any]) -> dict[str, Any]:
    if "function" in call:
        return {"id": call.get("id"), "function": dict(call["function"])}
    function = {"name": call["name"], "arguments": call["arguments"]}
    return {"id": call.get("id"), "function": function}


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments or "{}"), dict | None)
    except ValueError:
        return False
