"""A server with two workers, and connections of which a test knows the worker."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from client import Response, Stream, read_body, read_head, until
from handover.fleet import Fleet


class Pair(Fleet):
    """Servers with workers, one after the other. `server` is the supervisor of the one that serves,
    if it is not the one that was started last."""

    server: subprocess.Popen[str] | None = None

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers of `server` that are alive."""
        return workers_of((self.server or self.processes[-1]).pid)

    @contextmanager
    def alone(self, worker: int) -> Iterator[None]:
        """Within the block the other workers do nothing, so this one accepts what comes."""
        with stopped([pid for pid in self.workers if pid != worker]):
            yield

    async def connect(self, worker: int) -> At:
        """A connection to this worker."""
        with self.alone(worker):
            connection = At(self, await self.client.connect())
            assert (await connection.request("GET", "/healthz")).status == 200
        return connection

    async def both(self) -> tuple[At, At]:
        await self.all_serve()
        one, two = self.workers
        return await self.connect(one), await self.connect(two)

    async def both_serving(self) -> tuple[At, At]:
        """As `both`, for a store that has no files for its processes."""
        await until(lambda: len(list(self.data.glob("control-*.sock"))) == 2)
        one, two = self.workers
        return await self.connect(one), await self.connect(two)

    async def all_serve(self, count: int = 2) -> None:
        """Wait until so many workers serve: each has its own door."""
        doors = self.data.glob
        await until(lambda: len(self.workers) == count)
        await until(lambda: len(list(doors("control-*.sock"))) >= count)
        await until(lambda: len(list(doors("instance-*"))) == count)

    async def all_serve_of(self, process: subprocess.Popen[str], count: int = 2) -> None:
        """Wait until so many workers of this server, beside another one, have a lock each."""
        await until(lambda: len(workers_of(process.pid)) == count)


class At:
    """Requests on one connection."""

    def __init__(self, pair: Pair, stream: Any) -> None:
        self._client = pair.client
        self.stream = stream

    async def request(self, method: str, path: str, body: Any = None, **headers: Any) -> Response:
        await self.stream.write(self._client.encode(method, path, body, headers))
        response = await read_head(self.stream)
        if response.status not in (204, 304):
            response.body = await read_body(self.stream, response)
        return response

    async def open(self, method: str, path: str, body: Any = None, **headers: Any) -> Stream:
        """A response that is read as it comes; the connection is used up."""
        await self.stream.write(self._client.encode(method, path, body, headers))
        return Stream(self.stream, await read_head(self.stream))


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Within the block these processes do nothing."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def workers_of(pid: int) -> list[int]:
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in children if not is_zombie(child)]


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
