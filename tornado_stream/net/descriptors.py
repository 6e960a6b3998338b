"""How many file descriptors this process may have, and how they are shared out.

The rule: connections of clients never take the last descriptors. Some are left for the store, for
the log, and for the connection of each running answer to its model.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from tornado_stream.settings import Settings

#: Descriptors that clients do not get: for the store, listening sockets, the log, the loop, and
#: files that are open for a moment.
RESERVE = 64
#: The most that macOS allows where it reports no limit.
FALLBACK = 10_240


def raise_limit() -> None:
    """Raise the soft limit to as many descriptors as the system allows."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (hard, FALLBACK):
        with suppress(ValueError, OSError):
            if soft < most or most == resource.RLIM_INFINITY:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return


def limit() -> int:
    """The number of descriptors that this process may have."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def shares(settings: Settings) -> tuple[int, int]:
    """How many connections and how many running answers a process accepts: the settings' numbers,
    or fewer where there are too few descriptors. Each answer may need one, to its model."""
    free = max(limit() - RESERVE, 2)
    answers = min(settings.max_answers, free // 2)
    return min(settings.max_connections, free - answers), answers


def most_answers(settings: Settings) -> int:
    """How many running answers the server accepts, with all its processes."""
    return min(settings.max_answers, shares(settings)[1] * settings.workers)
