"""The child process that runs the local model: its start, its end and its output.

The rule: if the child fails, `detail` says why and what to do. If the server ends, in whatever
way, the child ends too.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tornado.ioloop import IOLoop

from tornado_stream.own_command import short_command
from tornado_stream.providers.local.context import CONTEXT
from tornado_stream.providers.local.weights import find_weights
from tornado_stream.values.errors import ProviderError

logger = logging.getLogger(__name__)

DESCRIPTION = (
    "A small demo model (SmolLM2, 135M parameters) running on this machine. "
    "Its facts are often wrong."
)
OTHER_SERVERS = "To use another server instead, set OPENAI_BASE_URL or OPENAI_API_KEY."

#: -P keeps the directory of child.py, which is in this package, off the child's import path.
COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("child.py")))
#: Seconds that loading may take.
LOAD_LIMIT = 60.0
#: At most START_LIMIT starts in START_WINDOW seconds, so that a model that always crashes is not
#: started for ever.
START_LIMIT, START_WINDOW = 3, 300.0
#: The environment variables that the child inherits. The others may be secrets, under any name.
INHERITED = re.compile(
    r"PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|USERPROFILE|(LOCAL)?APPDATA|"
    r"LD_LIBRARY_PATH|DYLD_\w+|PYTHONPATH|PYTHONHOME|VIRTUAL_ENV|OMP_\w+",
    re.IGNORECASE,
)
#: Requests that the model answers at the same time, each with a context of its own.
PARALLEL = 4


class LocalModel:
    """Starts the child process, watches it, restarts it when it is needed again, and ends it.

    `state` is `loading`, `ready` or `failed`; `detail` explains it to a person. All methods run on
    the IOLoop's thread, and none of them blocks.
    """

    def __init__(
        self,
        data_dir: Path,
        weights: Path | None = None,
        *,
        off: bool = False,
        command: Sequence[str] = COMMAND,
        load_limit: float = LOAD_LIMIT,
    ) -> None:
        self.state, self.detail = "loading", DESCRIPTION
        self._off = off
        self._data_dir = data_dir
        self._weights = weights
        self._command = command
        self._load_limit = load_limit
        self._closed = False
        self._address = ("", "")
        self._cause = ""
        self._settled = asyncio.Event()
        self._starts: deque[float] = deque(maxlen=START_LIMIT)
        self._child: _Child | None = None
        self._alive: set[_Child] = set()  # the child, and children that still have to exit

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is no child."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Begin to load the model unless it runs, also after a failure. Returns at once."""
        if self._closed or self._child:
            return
        try:
            weights = self._find_weights()
            self._count_start()
            self._child = _Child(self._command, _config(weights), self._on_ready, self._on_exit)
        except (ValueError, OSError) as error:
            self._settle("failed", f"The local model cannot run: {error} {OTHER_SERVERS}")
            return
        self._alive.add(self._child)
        self._settled.clear()
        self.state, self.detail = "loading", DESCRIPTION
        IOLoop.current().call_later(self._load_limit, self._on_load_limit, self._child)

    async def ready(self) -> tuple[str, str]:
        """Start the model if needed and wait until it is ready. Returns its base URL and its key.

        Raises `ProviderError` if it cannot run.
        """
        self.start()
        while self.state == "loading":
            await self._settled.wait()
        if self.state != "ready":
            raise ProviderError("local_model_failed", self.detail)
        return self._address

    async def close(self, grace: float) -> None:
        """End the child, and kill it after `grace` seconds. Afterwards `start` does nothing.

        When this returns, the child is reaped and its thread has ended. Calls that wait in
        `ready` raise `ProviderError`.
        """
        self._closed, self._child = True, None
        self._settle("failed", "The server is shutting down.")
        children = list(self._alive)
        for child in children:
            child.end(grace)
        for child in children:
            await child.gone.wait()

    def _find_weights(self) -> Path:
        if self._off:
            raise ValueError("it is switched off (--no-local).")
        importlib.invalidate_caches()  # a missing package may have been installed meanwhile
        missing = []
        if importlib.util.find_spec("xllamacpp") is None:
            missing.append(
                "xllamacpp is not installed (`make run` installs it; without make, "
                "pip install '.[local]' in the directory of main.py)"
            )
        weights = find_weights(self._weights, self._data_dir)
        if weights is None:
            missing.append(f"its weights are missing ({short_command('--fetch-model')})")
        if missing or weights is None:
            raise ValueError(" and ".join(missing) + ".")
        return weights

    def _count_start(self) -> None:
        now = IOLoop.current().time()
        if len(self._starts) == START_LIMIT and now - self._starts[0] < START_WINDOW:
            raise ValueError(
                f"it was started {START_LIMIT} times in {START_WINDOW / 60:.0f} minutes and always "
                f"ended. {self._cause}"
            )
        self._starts.append(now)

    def _on_ready(self, child: _Child, url: str) -> None:
        if child is self._child:
            self._address = (url + "/v1", child.key)
            self._settle("ready", DESCRIPTION)

    def _on_load_limit(self, child: _Child) -> None:
        if child is self._child and self.state == "loading":
            self._give_up(f"It was not ready after {self._load_limit:g} s.")
            child.end(0)

    def _on_exit(self, child: _Child, code: int) -> None:
        self._alive.discard(child)
        if child is self._child:
            self._give_up(child.failed or _explain_exit(code, child.output))

    def _give_up(self, cause: str) -> None:
        self._child, self._cause = None, cause
        if self.state == "ready":
            detail = f"The local model stopped. {cause} The next message starts it again."
        else:
            detail = f"The local model did not start. {cause} {OTHER_SERVERS}"
        self._settle("failed", detail)

    def _settle(self, state: str, detail: str) -> None:
        self.state, self.detail = state, detail
        self._settled.set()
        if not self._closed:
            ready = state == "ready"
            what = "is ready" if ready else "has failed"
            logger.log(
                logging.INFO if ready else logging.WARNING, "the local model %s: %s", what, detail
            )


class _Child:
    """One process, and the thread that reads its output. Callbacks run on the IOLoop's thread."""

    def __init__(
        self,
        command: Sequence[str],
        config: dict[str, Any],
        on_ready: Callable[[_Child, str], None],
        on_exit: Callable[[_Child, int], None],
    ) -> None:
        self.key: str = config["key"]
        self.failed = ""
        self.output: deque[str] = deque(maxlen=10)
        self.gone = asyncio.Event()
        self._loop = IOLoop.current()
        self._on_ready = on_ready
        self._on_exit = on_exit
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)},
            # Ctrl-C in the terminal must reach only the server, which lets its answers finish.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.pid = self._process.pid
        self._thread = threading.Thread(target=self._read, name="local-model", daemon=True)
        self._thread.start()
        with contextlib.suppress(OSError):  # it has ended already; `_explain_exit` will say why
            self._stdin.write(json.dumps(config).encode() + b"\n")
            self._stdin.flush()

    def end(self, grace: float) -> None:
        """Terminate the process, and kill it after `grace` seconds."""
        self._close_stdin()
        self._process.terminate()
        if grace > 0:
            self._loop.call_later(grace, self._process.kill)
        else:
            self._process.kill()

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _read(self) -> None:
        """Runs in the thread: hand over the child's lines, then its exit code."""
        with self._stdout as lines:
            for line in lines:
                self._loop.add_callback(self._take, line.decode(errors="replace").strip())
        self._loop.add_callback(self._finish, self._process.wait())

    def _take(self, line: str) -> None:
        message = _parse(line)
        if "ready" in message:
            self._on_ready(self, message["ready"])
        elif "failed" in message:
            self.failed = message["failed"]
        elif line:
            self.output.append(line)

    def _finish(self, code: int) -> None:
        self._thread.join()  # its last action was to schedule this call
        self._close_stdin()
        self.gone.set()
        self._on_exit(self, code)


def _config(weights: Path) -> dict[str, Any]:
    return {
        "model": str(weights),
        "key": secrets.token_urlsafe(24),
        "threads": _threads(),
        "parallel": PARALLEL,
        "context": CONTEXT,
    }


def _threads() -> int:
    """All cores but one; with all of them the library's threads wait for each other."""
    if sys.platform == "linux":
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 1) - 1)


def _parse(line: str) -> dict[str, str]:
    """The message in a line of the child's output; empty for a line that the library printed."""
    if line.startswith(('{"ready": ', '{"failed": ')):
        with contextlib.suppress(ValueError):
            return dict(json.loads(line))
    return {}


def _explain_exit(code: int, output: Sequence[str]) -> str:
    """Why a child ended without a message of its own; one line for a person."""
    if code in (-4, 0xC000001D):  # an illegal instruction, as POSIX and Windows report it
        return "This CPU has no AVX2, which the model's runtime needs."
    if code == -9:
        return "It was killed (signal 9), perhaps because memory ran out: it needs about 340 MB."
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"It ended by itself ({how}): {' / '.join(list(output)[-3:]) or 'it printed nothing'}."
