"""The environment of the processes that tests start."""

from __future__ import annotations

import os

#: All other variables are left out, such as OPENAI_API_KEY. Coverage needs the second one.
PASSED_ON = ("PATH", "COVERAGE_PROCESS_CONFIG")


def environ(**more: str) -> dict[str, str]:
    """The environment, with `more` variables."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | more
