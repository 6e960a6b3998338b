"""Connections of the tool host to servers of tools: over HTTP, and to programs that it starts.

The rule: whatever a server sends, the host holds `MAX_MESSAGE` bytes of it at most. Only the child
process imports this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

#: Bytes of a message of a server of tools.
MAX_MESSAGE = 16 * 1024 * 1024
#: Seconds in which a program that was told to end may end by itself.
GRACE = 0.5
#: The redirects with which a server says that it has not taken a request. Of others, nobody knows.
NOT_TAKEN = (307, 308)
#: An option of prctl(2): the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """The request failed, for the reason that its message tells. `sent`: the tool may have run."""

    def __init__(self, why: str, *, sent: bool = False) -> None:
        super().__init__(why)
        self.sent = sent


class Link:
    """What is known of the connection to a server. `reached` and `status` are about the last
    request; they count only where one runs at a time."""

    def __init__(self) -> None:
        self.lost = False
        self.why = ""
        self.reached = True
        self.status = 0
        self._running = 0

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        self.reached, self.status = True, 0
        if not self.lost:
            self.why = ""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def may_have_run(self, code: int) -> bool:
        """Whether a tool may have run, although the answer is an error with this code."""
        from mcp import types

        alone = self._running == 0
        refused = 400 <= self.status < 500 or self.status in NOT_TAKEN
        if alone and (not self.reached or refused):
            return False
        no_answer = (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT)
        return self.lost or bool(self.why) or self.status >= 500 or code in no_answer


@contextlib.asynccontextmanager
async def over_http(server: dict[str, Any], link: Link) -> AsyncGenerator[Any, None]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MAX_MESSAGE
            async for part in self._stream:
                left -= len(part)
                if left < 0:
                    link.why = f"it sent more than {MAX_MESSAGE >> 20} MiB"
                    raise httpx2.ReadError(link.why)
                yield part

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Transport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            try:
                response = await super().handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                link.reached = False
                link.why = f"it cannot be reached ({words(error)})"
                raise
            if response.has_redirect_location:  # the SDK would send the call again
                link.status = response.status_code
                place = httpx2.URL(request.url).join(response.headers["location"])
                shown = place.copy_with(userinfo=b"", query=None, fragment=None)
                link.why = (
                    f"it redirects to {shown}, which is not followed; name that url in the file"
                )
                await response.aclose()
                raise httpx2.ReadError(link.why)
            if request.method == "POST" and response.status_code >= 400:
                link.status = response.status_code
                link.why = f"it answered with the status {response.status_code}"
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                response.stream = Bounded(response.stream)
            return response

    headers = {"Authorization": f"Bearer {server['key']}"} if server.get("key") else {}
    timeout = httpx2.Timeout(server["timeout"], connect=10)
    async with httpx2.AsyncClient(
        transport=Transport(), headers=headers, timeout=timeout, trust_env=False
    ) as client:
        limit = MAX_MESSAGE
        async with streamable_http_client(
            server["url"], http_client=client, max_sse_event_size=limit
        ) as streams:
            yield streams


@contextlib.asynccontextmanager
async def over_pipes(server: dict[str, Any], link: Link) -> AsyncGenerator[Any, None]:
    """A program that speaks MCP on its standard input and output. The SDK's own transport has no
    bound for a line, and takes time in proportion to its square."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    to_session, from_program = anyio.create_memory_object_stream[Any](0)
    to_program, from_session = anyio.create_memory_object_stream[Any](0)
    try:
        process = await asyncio.create_subprocess_exec(
            *server["command"],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": path(), **home(), **server["env"]},
            start_new_session=True,
            preexec_fn=die_with_host if sys.platform == "linux" else None,
            limit=MAX_MESSAGE,
        )
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        why = "there is no such program" if missing else words(error)
        raise Failed(f"{server['command'][0]} cannot be started ({why})") from None
    assert process.stdin and process.stdout
    stdin, stdout = process.stdin, process.stdout

    async def read() -> None:
        async with to_session:
            while line := await next_line(stdout, link):
                with contextlib.suppress(ValueError):  # programs print other things, too
                    message = SessionMessage(jsonrpc_message_adapter.validate_json(line))
                    await to_session.send(message)
            link.lost = True
            link.why = link.why or "it has ended"

    async def write() -> None:
        async with from_session:
            async for message in from_session:
                data = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                stdin.write(data.encode() + b"\n")
                with contextlib.suppress(ConnectionError):
                    await stdin.drain()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        tasks.start_soon(write)
        try:
            yield from_program, to_program
        finally:
            stdin.close()
            with anyio.CancelScope(shield=True):
                await end(process)
            tasks.cancel_scope.cancel()


async def next_line(stdout: asyncio.StreamReader, link: Link) -> bytes:
    """The next line; empty where the program has ended, or sends one without an end."""
    try:
        return await stdout.readline()
    except ValueError:
        link.why = f"it sent more than {MAX_MESSAGE >> 20} MiB"
        return b""


async def end(process: asyncio.subprocess.Process) -> None:
    """End a program and what it has started."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def die_with_host() -> None:
    """Let the kernel end a new program when the host ends, however it ends. Runs in the program."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def path() -> str:
    """`PATH`, and after it the folder of this Python: there pip installs servers of tools, whether
    or not the environment of this server is activated."""
    folders = os.environ.get("PATH", ""), os.path.dirname(sys.executable)
    return os.pathsep.join(filter(None, folders))


def home() -> dict[str, str]:
    return {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}


def words(error: BaseException) -> str:
    """One short line that says what an error is."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return " ".join(str(error).split())[:500] or type(error).__name__
