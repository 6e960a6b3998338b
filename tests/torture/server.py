"""The server as a process that a test can kill and start again, over the same data directory."""

from __future__ import annotations

import asyncio
import ctypes
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from client import Client
from deadlines import DEADLINE
from process import environ

MAIN = Path(__file__).resolve().parent.parent.parent / "main.py"
#: An option of prctl(2): the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


class ServerProcess:
    """Runs `python main.py`, or another `program` with the same arguments. `client` is a client of
    the running process; its port changes with every start."""

    def __init__(
        self,
        directory: Path,
        upstream_url: str,
        *arguments: str,
        program: Path = MAIN,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.data_dir = directory / "data"
        self.log = directory / "log"
        self.client = Client(0)
        self.starts = 0
        self._command = [
            sys.executable,
            str(program),
            "--port",
            "0",
            "--data-dir",
            str(self.data_dir),
        ]
        self._command += ["--base-url", upstream_url, "--model", "truth", *arguments]
        self.variables = variables
        self.largest_file = resource.RLIM_INFINITY  # in bytes; beyond it the disk is full
        self._process: subprocess.Popen[str] | None = None

    def spawn(self) -> None:
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environ(),
                preexec_fn=self._limit,
            )
        self.starts += 1

    async def start(self) -> None:
        """Start the process; returns when it listens."""
        self.spawn()
        assert self._process and self._process.stdout
        readline = self._process.stdout.readline
        line = await asyncio.get_running_loop().run_in_executor(None, readline)
        port = re.search(r"http://localhost:(\d+)/", line)
        assert port, (line, self.log.read_text()[-3000:])
        self.client.port = int(port[1])

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def environ(self) -> dict[str, str]:
        """The environment of the process."""
        return environ(**self.variables)

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    async def wait(self, seconds: float = DEADLINE) -> int:
        """Wait for the end of the process; returns its exit status."""
        assert self._process
        wait = self._process.wait
        status = await asyncio.get_running_loop().run_in_executor(None, wait, seconds)
        self._release()
        return status

    def kill(self) -> None:
        """Send SIGKILL, and wait for the end of the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._release()

    def _limit(self) -> None:
        if sys.platform == "linux":  # it must not outlive a test that is killed
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, resource.RLIM_INFINITY))

    def _release(self) -> None:
        assert self._process and self._process.stdout
        self._process.stdout.close()
        self._process = None
