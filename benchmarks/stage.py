"""Starts what a run needs: the upstream, the server under test, and then the load client."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.machine import BUILD, OWN_CORE, SERVER_CORE, Failed, free_port, running, wait_for
from benchmarks.servers import SERVERS, Place, Server, make_certificate, tls_front

Figures = dict[str, float]


class Stage:
    """A running server and its upstream. `server` None: the client asks the upstream directly.

    `port` is the one that the client asks, `started_ms` the time from the start of the server's
    process to its first response.
    """

    def __init__(self, server: Server | None, folder: Path, stack: ExitStack, tls: bool) -> None:
        self._server = server
        self._log = folder / "log"
        self._upstream = behind = free_port()
        command = [str(BUILD / "upstream"), str(behind), "300"]
        process = stack.enter_context(running(command, self._log, OWN_CORE))
        wait_for(behind, process, answer=False)
        self._helpers = [process.pid]
        self.port, self.pid, self.started_ms = behind, 0, 0.0
        if not server:
            return
        certificate = make_certificate(folder) if tls else None
        if certificate:
            behind = free_port()
            command = tls_front(folder, behind, self._upstream, certificate)
            process = stack.enter_context(running(command, self._log, OWN_CORE))
            wait_for(behind, process, answer=False)
            self._helpers.append(process.pid)
        self.port = free_port()
        environ = {"OPENAI_API_KEY": "sk-none", "NO_PROXY": "*", "no_proxy": "*", **server.environ}
        if certificate:
            environ["SSL_CERT_FILE"] = str(certificate)
        command = server.command(Place(self.port, behind, certificate, folder / "server"))
        began = time.perf_counter()
        process = stack.enter_context(running(command, self._log, SERVER_CORE, environ))
        wait_for(self.port, process, answer=True)
        self.started_ms = 1000 * (time.perf_counter() - began)
        self.pid = process.pid

    def may_open(self, streams: int) -> bool:
        """Whether the server can be asked for so many streams at once."""
        return not self._server or not 0 < self._server.most_streams < streams

    def load(self, model: str, *flags: str, limit: int = 30) -> Figures:
        """The load client's figures. Raises Failed unless every stream arrived complete."""
        server = self._server
        path = server.path if server else "/v1/chat/completions"
        body = (server or SERVERS["nginx"]).body(model)
        command = [str(BUILD / "load"), "-p", str(self.port), "-P", path, "-b", body]
        command += ["-u", str(self._upstream), "-t", str(limit), "-s", str(self.pid)]
        command += ["-o", ",".join(map(str, self._helpers)), *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit + 10)
        try:
            found: Figures = json.loads(done.stdout)
        except ValueError:
            raise Failed(f"the load client gave no result: {done.stderr[:300]}") from None
        if done.returncode:
            names = ("streams", "gathered", "whole", "damaged", "unfinished", "lost")
            counts = ", ".join(f"{name} {found[name]}" for name in names)
            raise Failed(f"{model}: {counts} {done.stderr[:300]}")
        return found


@contextmanager
def staged(server: Server | None, tls: bool) -> Iterator[Stage]:
    """A new Stage until the block ends. Failed then holds the end of the processes' log."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        try:
            yield Stage(server, folder, stack, tls)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            log = folder / "log"
            end = log.read_text(errors="replace")[-500:] if log.exists() else ""
            raise Failed(f"{error} {end}".strip()) from None
