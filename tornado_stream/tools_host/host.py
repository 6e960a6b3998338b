"""The tool host as the server sees it: its start, its requests and its end.

The rule: nothing is started before it is needed, and whatever the host does, a request ends: with a
result, with `NotRun`, or with `MayHaveRun`. Everything runs on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any, cast

import orjson

from tornado_stream.tools_host.config import ToolServer

logger = logging.getLogger(__name__)

#: -P keeps the working directory off the child's import path; `_environment` names the package.
COMMAND = (sys.executable, "-P", "-m", "tornado_stream.tools_host.child")
PACKAGES = Path(__file__).resolve().parents[2]
#: The environment variables that the host inherits. The others may be secrets, under any name.
INHERITED = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TEMP|TMP|TMPDIR|SYSTEMROOT|WINDIR|USERPROFILE|(LOCAL)?APPDATA|"
    r"LD_LIBRARY_PATH|DYLD_\w+|PYTHONPATH|PYTHONHOME|VIRTUAL_ENV",
    re.IGNORECASE,
)
#: Bytes of a line of the host. It keeps what it sends far below.
MAX_LINE = 16 * 1024 * 1024
#: Seconds beyond a server's own timeout after which the host itself counts as hung.
PATIENCE = 5.0
#: Seconds for the start of the host itself, whose imports take a while.
STARTING = 60.0


class NotRun(Exception):
    """The request failed, and the tool did not run. The message tells a person why."""


class MayHaveRun(Exception):
    """No result came, and the tool may have run. The message tells a person why."""


class ToolHost:
    """The child process. It is started with the first request, and again after it has ended."""

    def __init__(self) -> None:
        self._process: _Process | None = None
        self._starting: asyncio.Future[_Process] | None = None
        self._ids = itertools.count(1)
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return self._process.pid if self._process else None

    async def tools(self, server: ToolServer) -> list[dict[str, Any]]:
        """The tools of a server, which is started if need be. Raises `NotRun`."""
        try:
            answer = await self._ask(server, {"do": "list"})
        except MayHaveRun as error:
            raise NotRun(str(error)) from None
        return cast(list[dict[str, Any]], answer["tools"])

    async def call(self, server: ToolServer, tool: str, arguments: dict[str, Any]) -> Any:
        """Call a tool, once, and return its result. Raises `NotRun` and `MayHaveRun`. Cancelling
        it tells the server of tools, where its protocol can."""
        asked = {"do": "call", "tool": tool, "arguments": arguments}
        return (await self._ask(server, asked))["result"]

    async def close(self, grace: float) -> None:
        """End the host and what it has started."""
        self._closed = True
        if process := self._process:
            await process.end(grace)

    async def _ask(self, server: ToolServer, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            process = await self._start()
        except OSError as error:
            raise NotRun(f"the tool host cannot be started: {error.strerror}") from None
        id = next(self._ids)
        request = orjson.dumps({"id": id, "server": server.for_host(), **asked}) + b"\n"
        first = STARTING if process.is_new else 0.0
        try:
            async with asyncio.timeout(first + 2 * server.timeout + PATIENCE):
                answer = await process.ask(id, request)
        except TimeoutError:
            process.kill()  # it did not even keep its own time
            raise MayHaveRun("the tool host did not answer") from None
        except asyncio.CancelledError:
            process.send(orjson.dumps({"id": id, "do": "cancel"}) + b"\n")
            raise
        if "error" in answer:
            why = _without(server.key, str(answer["error"]))
            raise MayHaveRun(why) if answer["sent"] else NotRun(why)
        return answer

    async def _start(self) -> _Process:
        if self._closed:
            raise NotRun("this server is about to stop")
        if self._process and not self._process.ended:
            return self._process
        loop = asyncio.get_running_loop()
        if self._starting:
            return await asyncio.shield(self._starting)
        self._starting = starting = loop.create_future()
        try:
            _, process = await loop.subprocess_exec(
                _Process,
                *COMMAND,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(),
                # Ctrl-C in the terminal must reach only the server.
                start_new_session=os.name == "posix",
            )
        except BaseException as error:
            starting.set_exception(error)
            starting.exception()
            raise
        finally:
            self._starting = None
        self._process = process
        starting.set_result(process)
        return process


class _Process(asyncio.SubprocessProtocol):
    """One process, and the requests that it has not answered."""

    def __init__(self) -> None:
        self.ended = False
        self.is_new = True
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._buffer = bytearray()

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    async def ask(self, id: int, request: bytes) -> dict[str, Any]:
        future = asyncio.get_running_loop().create_future()
        self._asked[id] = future
        try:
            self.send(request)
            answer: dict[str, Any] = await future
            return answer
        finally:
            del self._asked[id]

    def send(self, line: bytes) -> None:
        if not self.ended:
            self._stdin.write(line)

    def kill(self) -> None:
        if not self.ended:
            self._transport.kill()

    async def end(self, grace: float) -> None:
        self._stdin.close()
        await asyncio.wait({self._gone}, timeout=grace)
        self.kill()
        await asyncio.wait({self._gone}, timeout=PATIENCE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._buffer += data
        if b"\n" not in data:
            if len(self._buffer) > MAX_LINE:
                self.kill()
            return
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        self.is_new = False
        try:
            answer = orjson.loads(line)
        except orjson.JSONDecodeError:
            logger.error("the tool host sent a line that is no JSON")
            self.kill()
            return
        future = self._asked.get(answer["id"])
        if future and not future.done():
            future.set_result(answer)

    def process_exited(self) -> None:
        self._fail()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail()
        self._transport.close()
        if not self._gone.done():
            self._gone.set_result(None)

    def _fail(self) -> None:
        self.ended = True
        for future in self._asked.values():
            if not future.done():
                future.set_result({"error": "the tool host has ended", "sent": True})


def _environment() -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
    path = [str(PACKAGES), *filter(None, [mine.get("PYTHONPATH")])]
    return mine | {"PYTHONPATH": os.pathsep.join(path)}


def _without(key: str | None, text: str) -> str:
    return text.replace(key, "***") if key else text
