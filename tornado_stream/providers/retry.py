"""When a request is made again by itself, and after how long. Pure but for the dice.

The rule: only where the first cannot have been processed (`ProviderError.unprocessed`), so that
nobody pays twice; at most `RETRIES` times; and never longer than a person would wait.
"""

from __future__ import annotations

import random

from tornado_stream.values.errors import ProviderError

#: How often one upstream is asked again.
RETRIES = 2
#: Seconds of the first wait, before the dice; each further one is twice as long.
FIRST_WAIT = 1.0
#: Seconds of `Retry-After` up to which it is honoured; above that the person decides.
LONGEST_WAIT = 60.0


def wait_before(attempt: int, error: ProviderError) -> float | None:
    """Seconds to wait before attempt 1, 2 …; None: do not make it."""
    if not error.unprocessed or attempt > RETRIES or error.code in ("quota", "auth"):
        return None
    asked = error.retry_after or 0.0
    if asked > LONGEST_WAIT:
        return None
    wait = FIRST_WAIT * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)
    return max(wait, asked)
