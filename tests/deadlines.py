"""How long a test waits for something that should happen at once.

The times that docs/ promises are asserted in the long form, `make torture`, on a machine that
has nothing else to do. `make test` must pass on a machine that is busy: there a time is only the
deadline after which the test fails instead of waiting for ever.
"""

from __future__ import annotations

import os

#: Whether this is the long form.
LONG = os.environ.get("TORTURE") == "long"
#: Seconds.
DEADLINE = 60.0


def at_most(seconds: float) -> float:
    """The promised time in the long form, else the deadline; both in seconds.

    A test that calls this has the marker `timed`, by which `make torture` finds it.
    """
    return seconds if LONG else DEADLINE
