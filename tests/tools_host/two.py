"""Two processes of this program that have the server of tools `c`, and a client of each.

They are two instances over one PostgreSQL, or two workers of one server, over either database.
Each of them has a tool host of its own; both count in the same folder what ran.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client import Client, until
from test_instances import Server
from workers.pair import Pair, is_zombie

from tests.tools_host.conftest import SERVER, Tools

CHILD = "tornado_stream.tools_host.child"


def config(folder: Path) -> Path:
    """A file with the server of tools `c`, which has all the time it wants."""
    file = folder / "tornado-stream.toml"
    command = json.dumps([sys.executable, str(SERVER), str(folder)])
    file.write_text(f"[tools.c]\ncommand = {command}\nallow = ['get_*']\ntimeout = 600\n")
    return file


class Two(ABC):
    """`tools` asks at the first and at the second process; both share what ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = config(folder)
        self.tools: tuple[Tools, Tools]

    @abstractmethod
    async def start(self) -> None:
        """Start both, perhaps again; returns when both serve."""

    @abstractmethod
    async def stop(self) -> None:
        """End both, as for a new version."""

    @abstractmethod
    def pid(self, number: int) -> int:
        """The id of a process."""

    @abstractmethod
    def close(self) -> None:
        """End whatever runs."""

    def host(self, number: int) -> int:
        """The id of the tool host of a process."""
        (found,) = (one for one in children(self.pid(number)) if CHILD in command_line(one))
        return found

    async def kill(self, number: int) -> None:
        """Kill a process; returns when it is dead."""
        pid = self.pid(number)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: is_zombie(pid))

    def kill_host(self, number: int) -> None:
        os.kill(self.host(number), signal.SIGKILL)

    def kill_server_of_tools(self, number: int) -> None:
        (server,) = children(self.host(number))
        os.kill(server, signal.SIGKILL)

    def _set(self, *clients: Client) -> None:
        one, two = (Tools(client, self.folder) for client in clients)
        self.tools = one, two


class TwoInstances(Two):
    """Two servers over one PostgreSQL, each with a data directory of its own."""

    def __init__(self, folder: Path, upstream: str, database: str) -> None:
        super().__init__(folder)
        config = {"TORNADO_STREAM_CONFIG": str(self.file)}
        self._servers = [
            Server(database, folder / str(number), upstream, **config) for number in range(2)
        ]

    async def start(self) -> None:
        for server in self._servers:
            server.start()
        self._set(*[await server.client() for server in self._servers])

    async def stop(self) -> None:
        for server in self._servers:
            server.signal(signal.SIGTERM)
        for server in self._servers:
            await until(lambda server=server: server.process.poll() is not None)
            server.close()

    def pid(self, number: int) -> int:
        return int(self._servers[number].process.pid)

    def close(self) -> None:
        for server in self._servers:
            if not server.process.stdout.closed:
                server.close()


class TwoWorkers(Two):
    """One server with two workers."""

    def __init__(self, folder: Path, upstream: str, database: str | None) -> None:
        super().__init__(folder)
        variables = {"TORNADO_STREAM_DATABASE": database} if database else {}
        self._variables = variables
        arguments = "--workers", "2", "--config", str(self.file)
        self._pair = Pair(folder, upstream, *arguments)

    async def start(self) -> None:
        await self._pair.start(**self._variables)
        await (self._pair.both_serving if self._variables else self._pair.both)()
        self._workers = self._pair.workers
        turns = asyncio.Lock()
        self._set(*[WorkerClient(self._pair, worker, turns) for worker in self._workers])

    async def stop(self) -> None:
        self._pair.processes[-1].terminate()
        await self._pair.end_of(self._pair.processes[-1])

    def pid(self, number: int) -> int:
        return self._workers[number]

    def close(self) -> None:
        self._pair.close()
        log = self._pair.logged()
        assert "Traceback" not in log, log.partition("Traceback")[2]


class WorkerClient(Client):
    """A client of one worker. `turns` is held while a connection is made, as the others are stopped
    meanwhile."""

    def __init__(self, pair: Pair, worker: int, turns: asyncio.Lock) -> None:
        super().__init__(pair.client.port)
        self._pair = pair
        self._worker = worker
        self._turns = turns

    async def connect(self) -> Any:
        async with self._turns:
            return (await self._pair.connect(self._worker)).stream


def children(pid: int) -> Iterator[int]:
    return map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
