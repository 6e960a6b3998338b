"""A server of this program that has servers of tools, and an upstream that calls them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from client import Answer, Client

from tornado_stream.settings import Settings
from tornado_stream.tools_host.host import ToolHost

SERVER = Path(__file__).with_name("counting_server.py")


@dataclass
class Tools:
    """A client, and what has run in the server of tools `c`."""

    chat: Client
    folder: Path

    @property
    def ran(self) -> list[str]:
        file = self.folder / "ran"
        return file.read_text().splitlines() if file.exists() else []

    async def ask(self, *steps: str, **fields: Any) -> Answer:
        """Ask an upstream that answers in these steps; see `script`."""
        fields = {"tools": ["c"], **fields}
        return await self.chat.ask("Go on.", model=script(*steps), **fields)

    async def decide(self, answer: Answer, decide: dict[str, str], **fields: Any) -> Answer:
        ids = {"parent_id": answer.start["message_id"], "decide": decide}
        return await self.chat.ask(None, **ids, **fields)

    async def message(self, answer: Answer) -> dict[str, Any]:
        """The answer as the API shows it."""
        response = await self.chat.request(
            "GET", f"/api/conversations/{answer.start['conversation_id']}"
        )
        messages = response.json()["messages"]
        return next(m for m in messages if m["id"] == answer.start["message_id"])


def called(answer: Answer) -> list[dict[str, Any]]:
    """The data of the `tool` events."""
    return [event.data for event in answer.events if event.name == "tool"]


def states(answer: Answer) -> list[str]:
    return [data["state"] for data in called(answer)]


def call(name: str, arguments: Any = None, id: str = "call_1", index: int = 0) -> str:
    """A call as an upstream sends it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    function = {"name": name, "arguments": text}
    delta = {"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}
    chunk = {"choices": [{"index": 0, "delta": delta}]}
    return "raw=" + quote(f"data: {json.dumps(chunk)}\n\n", safe="")


def script(*steps: str) -> str:
    """The name of a model that plays one of these scripts in each step: the n-th after n results
    of tools, as `steps=` of the fake upstream says."""
    return "steps=" + "|".join(quote(step, safe="") for step in steps)


@pytest.fixture
def host(io_loop) -> Iterator[ToolHost]:
    host = ToolHost()
    yield host
    io_loop.run_sync(lambda: host.close(5))


@pytest.fixture
def tools(serve: Callable[[Settings], Client], settings: Settings, tmp_path: Path) -> Tools:
    return start(serve, settings, tmp_path)


def start(
    serve: Callable[[Settings], Client], settings: Settings, folder: Path, more: str = ""
) -> Tools:
    """`more` are further lines of the table of the server of tools."""
    file = folder / "tornado-stream.toml"
    command = json.dumps([sys.executable, str(SERVER), str(folder)])
    file.write_text(f"[tools.c]\ncommand = {command}\nallow = ['get_*']\n{more}")
    return Tools(serve(replace(settings, config=file)), folder)
