"""Waiting until a process has nothing left to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


async def drained(
    ends: Callable[[], set[asyncio.Future[None]]],
    seconds: float,
    hurry: asyncio.Future[Any] | None,
) -> None:
    """Wait until `ends` returns no more futures, for `seconds` or until `hurry` is done. It returns
    the ends of what is being done now, of which each may be followed by another."""
    due = asyncio.get_running_loop().time() + seconds
    others = {hurry} if hurry else set()
    while (waiting := ends()) and not (hurry and hurry.done()):
        remaining = due - asyncio.get_running_loop().time()
        if remaining <= 0:
            break
        await asyncio.wait(waiting | others, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
