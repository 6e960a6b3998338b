"""New ids, at random: of conversations, messages, answers and requests.

The rule: all of their bits come from the system's source of randomness, which is asked for many
ids at once. Each call of it is a system call that lets other threads run first.
"""

from __future__ import annotations

import os

#: Ids that are made of one call of the system.
BATCH = 128

#: Random bytes of ids to come, as 32 hexadecimal digits each.
_unused: list[str] = []


def new_id() -> str:
    """A new UUID of version 4 (RFC 9562), in lower case. Any thread may call this."""
    digits = _digits()
    variant = "89ab"[int(digits[16], 16) & 3]
    first, second, third = digits[:8], digits[8:12], digits[13:16]
    return f"{first}-{second}-4{third}-{variant}{digits[17:20]}-{digits[20:]}"


def new_request_id() -> str:
    """A new id of a request to this server, for the log: 16 hexadecimal digits."""
    return _digits()[:16]


def _digits() -> str:
    try:
        return _unused.pop()
    except IndexError:
        digits = os.urandom(16 * BATCH).hex()
        # Another thread may add ids at the same time: none is lost, and none is used twice.
        _unused.extend(digits[start : start + 32] for start in range(32, len(digits), 32))
        return digits[:32]


if hasattr(os, "register_at_fork"):  # not on Windows; a child must not use the parent's ids
    os.register_at_fork(after_in_child=_unused.clear)
