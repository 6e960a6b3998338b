"""Processes of the server over one data directory, each of which takes over from the one before."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from client import Client, until
from deadlines import DEADLINE
from process import environ

ROOT = Path(__file__).resolve().parent.parent.parent


class Fleet:
    """All processes of a data directory. `client` is a client of whichever leads."""

    def __init__(self, directory: Path, upstream: str, *arguments: str) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "log"
        self.client = Client(0)
        self.processes: list[subprocess.Popen[str]] = []
        self._arguments = ["--data-dir", str(self.data), "--base-url", upstream, *arguments]

    def spawn(
        self, *arguments: str, program: list[Any] | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        """Begin a process, perhaps one of another version."""
        command = [sys.executable, *(program or [ROOT / "main.py"])]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [*map(str, command), *self._arguments, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.directory,
                env=environ(**variables),
            )
        self.processes.append(process)
        return process

    async def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a process; returns when it serves."""
        process = self.spawn("--port", str(self.client.port), *arguments, **more)
        await self.serves(process)
        return process

    async def replace(self) -> subprocess.Popen[str]:
        """Start a process that takes over; returns when it serves."""
        return await self.start("--replace")

    async def serves(self, process: subprocess.Popen[str]) -> None:
        line = await asyncio.to_thread(process.stdout.readline)
        port = re.search(r"http://localhost:(\d+)/", line)
        assert port, (line, self.logged()[-3000:])
        self.client.port = int(port[1])

    async def end_of(self, process: subprocess.Popen[str], seconds: float = DEADLINE) -> int:
        await until(lambda: process.poll() is not None, seconds, "it has not ended")
        return process.returncode

    def logged(self) -> str:
        return self.log.read_text()

    def close(self) -> None:
        for _ in range(2):  # the second signal means: at once
            for process in self.processes:
                if process.poll() is None:
                    process.terminate()
            time.sleep(0.1)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
