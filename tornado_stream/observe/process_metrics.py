"""Metrics of the process, under the names that every Prometheus client library gives them.

They are read from Linux's /proc (proc(5)). On other systems there are none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

#: The name, type, help text and value of a metric.
Reading = tuple[str, str, str, float]

PROC = Path("/proc")


def read() -> Iterator[Reading]:
    if sys.platform == "linux" and (boot_time := _boot_time()):
        with suppress(OSError):
            yield from _stat(boot_time)
        with suppress(OSError):
            yield from _descriptors()


@cache
def _boot_time() -> float | None:
    """Seconds since the epoch. Read once: the kernel's figure moves when the clock is set."""
    with suppress(OSError):
        for line in (PROC / "stat").read_bytes().splitlines():
            if line.startswith(b"btime "):
                return float(line.split()[1])
    return None


def _stat(boot_time: float) -> Iterator[Reading]:
    # The second field, the command's name, can hold spaces and parentheses.
    fields = (PROC / "self/stat").read_bytes().rpartition(b")")[2].split()
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    user, system, started, virtual, resident = (float(fields[n]) for n in (11, 12, 19, 20, 21))
    rss, start, cpu = resident * page, started / ticks + boot_time, user / ticks + system / ticks
    since = "Start time of the process since unix epoch in seconds."
    yield "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", virtual
    yield "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", rss
    yield "process_start_time_seconds", "gauge", since, start
    spent = "Total user and system CPU time spent in seconds."
    yield "process_cpu_seconds_total", "counter", spent, cpu


def _descriptors() -> Iterator[Reading]:
    import resource  # which Windows does not have

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    limit = float("inf") if soft == resource.RLIM_INFINITY else soft
    used = len(os.listdir(PROC / "self/fd"))
    yield "process_open_fds", "gauge", "Number of open file descriptors.", used
    yield "process_max_fds", "gauge", "Maximum number of open file descriptors.", limit
