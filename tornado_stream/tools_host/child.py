"""The tool host: the program that speaks MCP, with the official SDK, in a process of its own.

Importing the SDK takes seconds and 56 MB, and servers of tools are programs of others. So whatever
they do ends at most this process. It imports nothing of this package but its two neighbours.

Input and output are lines of JSON. A request is `{"id", "do": "list" | "call", "server"}`, where
`server` is `{"name", "command" or "url", "env", "key", "timeout"}`; a call also has `tool` and
`arguments`. `{"do": "cancel", "id"}` gives a request up. The response is `{"id", "tools": […]}`,
`{"id", "result": {…}}`, or `{"id", "error": words, "sent": whether the tool may have run}`. The
process ends when its stdin does, and with it what it has started.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from typing import Any

from tornado_stream.tools_host.child_links import (
    GRACE,
    MAX_MESSAGE,
    Failed,
    Link,
    over_http,
    over_pipes,
    words,
)
from tornado_stream.tools_host.child_results import told_result, told_tool

#: The tools of a server, and the bytes of the description of one.
MAX_TOOLS, MAX_TOOL = 128, 64 * 1024


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_MESSAGE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    requests = Requests()
    while line := await reader.readline():
        requests.take(json.loads(line))
    await requests.close()


class Requests:
    """What the server has asked for and has no answer to yet."""

    def __init__(self) -> None:
        self._running: dict[int, asyncio.Task[None]] = {}
        self._sessions: dict[str, Session] = {}

    def take(self, request: dict[str, Any]) -> None:
        id = request["id"]
        if request["do"] == "cancel":
            if task := self._running.get(id):
                task.cancel()
            return
        self._running[id] = asyncio.create_task(self._answer(id, request))

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        for session in self._sessions.values():
            session.close()
        ending = [*self._running.values(), *(s.task for s in self._sessions.values())]
        if ending:
            await asyncio.wait(ending, timeout=2 * GRACE)

    async def _answer(self, id: int, request: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(request["server"]["timeout"]):
                session = await self._session(request["server"])
            answer = await (session.call(request) if request["do"] == "call" else session.list())
        except Failed as error:
            answer = {"error": str(error), "sent": error.sent}
        except TimeoutError:
            answer = {"error": "it did not start in time", "sent": False}
        except ImportError:
            answer = {
                "error": "the package mcp is missing on this server "
                "(pip install 'tornado-stream[tools]')",
                "sent": False,
            }
        except Exception as error:
            answer = {"error": f"the tool host failed: {words(error)}", "sent": True}
        finally:
            del self._running[id]
        say({"id": id, **answer})

    async def _session(self, server: dict[str, Any]) -> Session:
        """The open session of this server; a new one if the old one has ended, or if the server is
        configured in another way."""
        name = server["name"]
        session = self._sessions.get(name)
        if session is None or session.ended or session.server != server:
            if session:
                session.close()
            session = self._sessions[name] = Session(server)
        await asyncio.shield(session.opened)
        return session


class Session:
    """A connection to one server of tools. Its task opens and closes it: the SDK wants both in one
    task."""

    def __init__(self, server: dict[str, Any]) -> None:
        self.server = server
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.link = Link()
        self._closing = asyncio.Event()
        self._client: Any = None
        self.task = asyncio.create_task(self._hold())

    @property
    def ended(self) -> bool:
        return self.task.done() or self.link.lost or self._closing.is_set()

    def close(self) -> None:
        self._closing.set()
        if not self.opened.done():
            self.task.cancel()

    async def list(self) -> dict[str, Any]:
        """The tools. A server that does not even tell these is started again with the next
        request."""
        try:
            return await self._list()
        except Failed as error:
            if error.sent:
                self.close()
            raise

    async def _list(self) -> dict[str, Any]:
        tools: list[dict[str, Any]] = []
        cursor = None
        while len(tools) < MAX_TOOLS:
            page = await self._ask(self._client.session.list_tools(params=paged(cursor)))
            tools += map(told_tool, page.tools)
            cursor = page.next_cursor
            if not cursor or not page.tools:
                break
        return {"tools": [tool for tool in tools if len(json.dumps(tool)) <= MAX_TOOL][:MAX_TOOLS]}

    async def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call a tool once. The SDK may not answer what a tool asks for in between
        (`input_required`): it would send the call again."""
        tool, arguments = request["tool"], request["arguments"]
        done = await self._ask(
            self._client.session.call_tool(tool, arguments, allow_input_required=True)
        )
        return {"result": told_result(done)}

    async def _ask(self, asking: Any) -> Any:
        from mcp import MCPError

        try:
            async with asyncio.timeout(self.server["timeout"]), self.link.watched():
                return await asking
        except TimeoutError:
            raise Failed("it gave no result in time", sent=True) from None
        except MCPError as error:
            why = self.link.why or words(error)
            raise Failed(why, sent=self.link.may_have_run(error.code)) from None
        except RuntimeError as error:  # the SDK compares a result with what the tool promises
            raise Failed(f"it gave a wrong result: {words(error)}") from None
        except ValueError as error:
            raise Failed(f"its answer is no result: {words(error)}") from None
        except Exception as error:
            raise Failed(self.link.why or words(error), sent=self.link.reached) from None

    async def _hold(self) -> None:
        try:
            from mcp import Client

            async with Client(self._transport(), cache=None) as client:
                self._client = client
                self.opened.set_result(None)
                await self._closing.wait()
        except asyncio.CancelledError:
            raise
        except ImportError as error:
            self._fail(error)
        except BaseException as error:
            self._fail(Failed(self.link.why or words(error)))
        finally:
            self.link.lost = True
            self._fail(Failed("it was closed"))

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
            self.opened.exception()  # nobody may wait for it

    def _transport(self) -> Any:
        server, link = self.server, self.link
        return over_http(server, link) if server.get("url") else over_pipes(server, link)


def paged(cursor: str | None) -> Any:
    from mcp.types import PaginatedRequestParams

    return PaginatedRequestParams(cursor=cursor) if cursor else None


def say(message: dict[str, Any]) -> None:
    """Write a line. Lone surrogates, which JSON can name, become question marks."""
    data = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    OUTPUT.write(data)
    OUTPUT.flush()


if __name__ == "__main__":
    # What libraries print must not get between the lines.
    OUTPUT = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
    os._exit(0)
