"""The instances that share a database: who lives, and who takes over what the dead leave.

The rules: no clock is compared between machines. Each instance has a row, and counts it up on a
connection on which nothing else waits; no other statement of this program locks the row against
that. An instance is dead when another one has seen the count unchanged for `LEASE` seconds of its
own clock, and could itself reach the server without delay all that time; then its row is deleted.
Who has no row writes nothing, and cannot come back: it joins anew, under another name.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import monotonic

import asyncpg

from tornado_stream.store.base import Fenced

#: Seconds after which an instance that does not count up its row is dead.
LEASE = 5.0
#: Seconds that a look may take. After a longer one, nobody is dead yet: the others may have been
#: delayed as this one was.
PROMPT = 1.0
#: Seconds that counting up the row may take, before it is tried on a new connection.
RENEWING = 2.0
#: Answers that are taken over at once: their logs are in memory until they have ended.
AT_ONCE = 200
#: The first part of a statement that writes only if this instance, `$1`, has its row. Who deletes
#: the row waits until the statement's transaction has ended.
MINE = "mine AS (SELECT name FROM instances WHERE name = $1 FOR KEY SHARE)"


async def join(db: asyncpg.Connection) -> str:
    """Add an instance, and return its name."""
    name = secrets.token_hex(8)
    await db.execute("INSERT INTO instances (name) VALUES ($1)", name)
    return name


async def names(db: asyncpg.Connection) -> set[str]:
    """All instances that have their row."""
    return {name for (name,) in await db.fetch("SELECT name FROM instances")}


async def touch(db: asyncpg.Connection, instance: str) -> None:
    """A write that changes nothing: the lock is a mark in the row. Raises `Fenced`."""
    if not await db.fetchval(f"WITH {MINE} SELECT 1 FROM mine", instance):
        raise Fenced


async def renew(db: asyncpg.Connection, instance: str) -> None:
    """Say that this instance lives. If others have taken it for dead, that does nothing."""
    sql = "UPDATE instances SET renewed = renewed + 1 WHERE name = $1"
    await db.execute(sql, instance, timeout=RENEWING)


async def leave(db: asyncpg.Connection, instance: str) -> None:
    """This instance writes no more. What it leaves unfinished is for the others, at once."""
    await db.execute("DELETE FROM instances WHERE name = $1", instance)


class Others:
    """What one instance knows of the others."""

    def __init__(self) -> None:
        #: By the name of each other instance: its count, and since when it has been the same.
        self._seen: dict[str, tuple[int, float]] = {}
        self._failures = 0
        #: Whether one died since the ledger was last looked through.
        self.died = False

    def are_alive(self, instance: str) -> bool:
        """Whether an instance had its row at the last look."""
        return instance in self._seen

    async def look(
        self, db: asyncpg.Connection, instance: str, failed: Callable[[], int], began: float
    ) -> bool:
        """Remove the rows of dead instances. Returns whether somebody's answers are left over.
        `failed` tells how many connections of this instance have failed so far, `began` is when
        this look did. Raises `Fenced`."""
        counts = dict(await db.fetch("SELECT name, renewed FROM instances"))
        if counts.pop(instance, None) is None:
            raise Fenced
        now = monotonic()
        if (failures := failed()) != self._failures or now - began > PROMPT:
            self._failures = failures
            self._seen.clear()
        self.died = self.died or not self._seen.keys() <= counts.keys()
        self._seen = {
            name: seen if (seen := self._seen.get(name)) and seen[0] == count else (count, now)
            for name, count in counts.items()
        }
        dead = {name: count for name, (count, at) in self._seen.items() if now - at >= LEASE}
        if dead:
            await db.execute(
                "DELETE FROM instances WHERE name IN (SELECT i.name FROM instances i "
                "JOIN unnest($1::text[], $2::bigint[]) AS d (name, renewed) USING (name, renewed) "
                "ORDER BY i.name FOR UPDATE OF i SKIP LOCKED)",
                *(list(dead), list(dead.values())),
            )
        living, left = await db.fetchrow(
            "SELECT array(SELECT name FROM instances), EXISTS (SELECT 1 FROM generations "
            "WHERE running AND instance NOT IN (SELECT name FROM instances))"
        )
        self.died = self.died or not self._seen.keys() <= set(living)
        self._seen = {name: self._seen[name] for name in living if name in self._seen}
        return bool(left)


async def take_over(db: asyncpg.Connection, instance: str) -> dict[str, str]:
    """Take over some of the answers that dead instances left; returns the owner of each id. Others
    that do the same at this moment take over other ones."""
    rows = await db.fetch(
        f"WITH {MINE}, left_over AS (SELECT seq FROM generations WHERE running "
        "AND instance NOT IN (SELECT name FROM instances) ORDER BY seq "
        f"LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED) "
        "UPDATE generations g SET instance = mine.name, stop_asked = false FROM left_over, mine "
        "WHERE g.seq = left_over.seq RETURNING g.id, g.owner",
        instance,
    )
    return {id: owner for id, owner in rows}
