"""The environment of a process that a test starts."""

from __future__ import annotations

import os

#: Everything else is left out, the machine's own settings too. Coverage finds its children so.
KEPT = ("PATH", "COVERAGE_PROCESS_CONFIG")


def environ(**more: str) -> dict[str, str]:
    """What such a process finds in its environment."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | more
