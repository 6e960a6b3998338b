"""The servers of tools and their tools, as users and models see them.

The rule: what a server of tools says of itself is shown and never trusted; only the file decides
who may use a tool, and whether it runs unasked.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from tornado.gen import convert_yielded

from tornado_stream.config_file import ConfigFile, Reread
from tornado_stream.tools_host.config import ToolServer, read_tools
from tornado_stream.tools_host.host import MayHaveRun, NotRun, ToolHost
from tornado_stream.values.calls import called_name
from tornado_stream.values.errors import NotFound

#: Seconds for which a list of all tools waits for the servers that are starting.
LISTING = 5.0
#: Characters of a description that a model gets, and of the names of tools.
MAX_DESCRIPTION, MAX_NAME = 4096, 128


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that an answer may use."""

    server: ToolServer
    name: str
    description: str
    schema: dict[str, Any]

    @property
    def called(self) -> str:
        """The name by which models know it."""
        return called_name(self.server.name, self.name)

    @property
    def definition(self) -> str:
        """The SHA-256 of what the model knows of the tool and of where its server is. An approval
        holds for the tool with this definition alone."""
        where = self.server.url or list(self.server.command)
        text = orjson.dumps([where, self.for_model()], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()

    def for_model(self) -> dict[str, Any]:
        """The tool as a chat request names it."""
        function = {
            "name": self.called,
            "description": self.description,
            "parameters": self.schema,
        }
        return {"type": "function", "function": function}


class Toolbox:
    """All servers of tools of the file. Raises `SettingError` if that has a mistake."""

    def __init__(self, file: ConfigFile, name_of: Callable[[str], str]) -> None:
        """`name_of` is the name of an owner."""
        self._servers = Reread(
            file, lambda sections: read_tools(sections, os.environ), "servers of tools"
        )
        self._name_of = name_of
        self._host = ToolHost()
        #: What was last known of each server: its tools, or why it failed.
        self._known: dict[str, list[dict[str, Any]] | str] = {}
        self._asking: set[asyncio.Future[Any]] = set()

    @property
    def pid(self) -> int | None:
        """The id of the tool host's process; None while there is none."""
        return self._host.pid

    def servers(self, owner: str, names: Iterable[str]) -> list[ToolServer]:
        """The servers with these names. Raises `NotFound` `tools_not_found`."""
        mine = self._of(owner)
        found = []
        for name in dict.fromkeys(names):
            if name not in mine:
                raise NotFound(
                    f"There is no server of tools with the name {name!r}.", code="tools_not_found"
                )
            found.append(mine[name])
        return found

    def names(self, owner: str) -> list[str]:
        """The names of the servers that the owner may use. Nothing is asked."""
        return list(self._of(owner))

    async def listing(self, owner: str, *, live: bool = True) -> list[dict[str, Any]]:
        """What the owner may use, as `GET /api/tools` shows it; without `live`, nobody is asked."""
        mine = self._of(owner)
        if live and mine:
            asking = {convert_yielded(self._ask(server)) for server in mine.values()}
            self._asking |= asking  # the loop keeps weak references
            for one in asking:
                one.add_done_callback(self._asking.discard)
            await asyncio.wait(asking, timeout=LISTING)
        return [self._shown(server, live) for server in mine.values()]

    async def tools(self, server: ToolServer) -> list[Tool]:
        """The tools of a server. Raises `NotRun`."""
        found = await self._ask(server)
        if isinstance(found, str):
            raise NotRun(found)
        return [
            Tool(server, one["name"], one["description"][:MAX_DESCRIPTION], one["schema"])
            for one in found
            if len(one["name"]) <= MAX_NAME
        ]

    async def call(self, server: ToolServer, tool: str, arguments: dict[str, Any]) -> Any:
        """See `ToolHost.call`."""
        return await self._host.call(server, tool, arguments)

    async def close(self, grace: float) -> None:
        """End the tool host."""
        await self._host.close(grace)

    def _of(self, owner: str) -> dict[str, ToolServer]:
        name = self._name_of(owner)
        servers = self._servers().items()
        return {key: one for key, one in servers if one.users is None or name in one.users}

    async def _ask(self, server: ToolServer) -> list[dict[str, Any]] | str:
        try:
            self._known[server.name] = await self._host.tools(server)
        except (NotRun, MayHaveRun) as error:
            self._known[server.name] = str(error)
        return self._known[server.name]

    def _shown(self, server: ToolServer, live: bool) -> dict[str, Any]:
        known = self._known.get(server.name)
        state = "starting" if live else "idle"
        if known is not None:
            state = "failed" if isinstance(known, str) else "ready"
        tools = known if isinstance(known, list) else []
        members = ("name", "title", "description", "read_only")
        return {
            "name": server.name,
            "state": state,
            "detail": known if isinstance(known, str) else "",
            "tools": [
                {name: tool[name] for name in members} | {"asks": server.asks(tool["name"])}
                for tool in tools
            ],
        }
