"""How many files and sockets this process may have open, and who may have how many of them.

The rule: connections of clients never take the last descriptors. The store, the log and the
connection of each running answer to its model find theirs.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from tornado_stream.settings import Settings

#: Descriptors that clients do not get: the store, listening sockets, the log, the loop, and what
#: is opened for a moment.
RESERVE = 64
#: What macOS allows at most where it says that there is no limit.
FALLBACK = 10_240


def raise_limit() -> None:
    """Take as many descriptors as the system lets this process have."""
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
    """How many descriptors this process may have."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def shares(settings: Settings) -> tuple[int, int]:
    """The connections and the running answers that are let in: what is set, as far as there are
    descriptors. An answer may have one of its own, to its model."""
    free = max(limit() - RESERVE, 2)
    answers = min(settings.max_answers, free // 2)
    return min(settings.max_connections, free - answers), answers
