"""Runs the server as main.py does, and measures the steps of its loop. For tests only.

At its end the process writes the longest steps to the file `WATCH`, as JSON, in seconds of
processor time and in seconds of wall time. Other processes lengthen only the second.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tornado_stream import server


class Watch:
    """Measures `Handle._run`, which runs every callback and every step of a task."""

    def __init__(self) -> None:
        self.steps = 0
        self.longest: list[tuple[float, float, str]] = []
        self._run = asyncio.Handle._run

    def install(self) -> None:
        watch = self

        def run(handle: asyncio.Handle) -> None:
            began, cpu = perf_counter(), thread_time()
            watch._run(handle)
            watch.note(thread_time() - cpu, perf_counter() - began, handle)

        asyncio.Handle._run = run  # type: ignore[method-assign]

    def note(self, cpu: float, clock: float, handle: asyncio.Handle) -> None:
        self.steps += 1
        if cpu > 0.005 or clock > 0.02:
            self.longest.append((cpu, clock, repr(handle)[:300]))
            if len(self.longest) > 1000:
                self.longest = sorted(self.longest, reverse=True)[:100]

    def write(self) -> None:
        longest = sorted(self.longest, reverse=True)
        found = {
            "steps": self.steps,
            "cpu": longest[0][0] if longest else 0.0,
            "clock": max((clock for _, clock, _ in longest), default=0.0),
            "longest": longest[:40],
        }
        Path(os.environ["WATCH"]).write_text(json.dumps(found))


def main() -> int:
    watch = Watch()
    serve = server._serve

    async def watched(*arguments: Any) -> int:
        watch.install()
        try:
            return await serve(*arguments)
        finally:
            watch.write()

    server._serve = watched
    return server.main()


if __name__ == "__main__":
    raise SystemExit(main())
