"""Runs the server with a timer that writes samples: memory, descriptors, tasks and other figures.

    python observed.py SERVER'S FLAGS

`SOAK_SAMPLES` is the file that gets a JSON line for each sample, and `SOAK_INTERVAL` is the time in
seconds between two samples. On SIGUSR1 the process collects garbage, then writes a sample with
`"collected": true`. If `SOAK_TRACE` names a file, each SIGUSR1 also appends to it what has been
allocated since the last one.
"""

from __future__ import annotations

import _sqlite3
import asyncio
import ctypes
import gc
import json
import os
import resource
import signal
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tornado_stream import server
from tornado_stream.app import ChatApplication

PAGE = resource.getpagesize()
#: Made only once, because each CDLL creates a class, which would count as an object of the server.
SQLITE = ctypes.CDLL(_sqlite3.__file__)
SQLITE.sqlite3_memory_used.restype = ctypes.c_int64


class Sampler:
    """Writes a line every `interval` seconds, from the loop's own thread."""

    def __init__(self, application: ChatApplication, path: Path, interval: float) -> None:
        self._application = application
        self._file = path.open("a", buffering=1)
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._trace = Trace(Path(os.environ["SOAK_TRACE"])) if "SOAK_TRACE" in os.environ else None

    def start(self) -> None:
        self._loop.add_signal_handler(signal.SIGUSR1, self._collect)
        self._tick()

    def _tick(self) -> None:
        self._write()
        self._loop.call_later(self._interval, self._tick)

    def _collect(self) -> None:
        gc.collect()
        self._write(collected=True)
        if self._trace:
            self._trace.write()

    def _write(self, **more: Any) -> None:
        print(json.dumps(sample(self._application) | more), file=self._file)


def sample(application: ChatApplication) -> dict[str, Any]:
    """The figures of this process now."""
    files = [_target(name) for name in os.listdir("/proc/self/fd")]
    return {
        "at": time.monotonic(),
        "rss_kib": int(Path("/proc/self/statm").read_text().split()[1]) * PAGE // 1024,
        "sqlite_kib": _sqlite_memory() // 1024,
        "cpu_s": time.process_time(),
        "descriptors": len(files) - 1,  # one of them is open for listdir
        "sockets": sum(target.startswith("socket:") for target in files),
        "threads": len(os.listdir("/proc/self/task")),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
        "generations": len(application.generations),
        "readers": len(application.streams),
    }


def _sqlite_memory() -> int:
    """Bytes that SQLite has allocated, mostly for cached pages, which each connection limits."""
    return int(SQLITE.sqlite3_memory_used())


def _target(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except FileNotFoundError:
        return ""


class Trace:
    """Writes what grew between two signals: objects by type, memory by the allocating lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        tracemalloc.start(6)
        self._types: Counter[str] = Counter()
        self._memory = tracemalloc.take_snapshot()

    def write(self) -> None:
        types = Counter(type(one).__qualname__ for one in gc.get_objects())
        memory = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(False, tracemalloc.__file__)]
        )
        lines = [f"{n:+} {name}" for name, n in (types - self._types).most_common(25)]
        for one in memory.compare_to(self._memory, "traceback")[:25]:
            lines += ["", str(one), *one.traceback.format()]
        with self._path.open("a") as file:
            print(*lines, "=" * 80, sep="\n", file=file)
        self._types, self._memory = types, memory


def observed(serve: Callable[..., Any]) -> Callable[..., Any]:
    async def serve_observed(application: ChatApplication, *more: Any) -> int:
        path, interval = Path(os.environ["SOAK_SAMPLES"]), float(os.environ["SOAK_INTERVAL"])
        Sampler(application, path, interval).start()
        status: int = await serve(application, *more)
        return status

    return serve_observed


if __name__ == "__main__":
    server._serve = observed(server._serve)
    sys.exit(server.main())
