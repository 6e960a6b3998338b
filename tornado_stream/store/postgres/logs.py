"""Event logs in PostgreSQL: functions of a connection, called in a transaction.

While an answer runs, each flush adds a row of joined frames to the table `flushes`; when it ends,
its whole log becomes one compressed row of the table `logs`, and its flushed rows go.

The rules: all flushes of a tick are one statement, however many answers run. One instance writes a
log, and every statement says so: nothing is written where the row of the generation names another
instance, or where this one was declared dead.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tornado_stream.store.base import Fenced, NewAnswer, Progress, StoredGeneration
from tornado_stream.store.postgres import files, ledger, texts, values
from tornado_stream.store.postgres.instances import MINE
from tornado_stream.store.postgres.texts import Text
from tornado_stream.store.rows import MESSAGE, MESSAGE_COLUMNS, from_message, size
from tornado_stream.store.spend import short_name
from tornado_stream.store.tail_base import Gap, Tail
from tornado_stream.values.events import split_frames

#: Bytes of a log that is compressed on another thread.
LARGE = 64 * 1024

#: Both joins read the answers of this instance that run, however many generations there are.
_FLUSH = (
    f"WITH {MINE}, owned AS MATERIALIZED (SELECT g.seq, g.stop_asked FROM generations g "
    "JOIN mine ON mine.name = g.instance WHERE g.running), "
    "added AS (SELECT * FROM unnest($2::text::bigint[], $3::text::int[], $4::text::int[], "
    "$5::bytea[]) AS a (generation, first, last, frames)), "
    "written AS (INSERT INTO flushes (generation, first, last, frames) "
    "SELECT a.* FROM added a JOIN owned o ON o.seq = a.generation ON CONFLICT DO NOTHING) "
    "SELECT a.generation FROM added a LEFT JOIN owned o ON o.seq = a.generation "
    "WHERE o.seq IS NULL OR o.stop_asked"
)
_END = (
    f"WITH {MINE}, ended AS (SELECT * FROM "
    "unnest($2::bigint[], $3::int[], $4::bytea[], $5::text[], $6::bigint[]) "
    "AS e (generation, last, frames, conversation_id, size)), "
    "claimed AS (UPDATE generations g SET running = false FROM ended, mine "
    "WHERE g.seq = ended.generation AND g.running AND g.instance = mine.name RETURNING g.seq), "
    "logged AS (INSERT INTO logs (generation, last, frames) SELECT generation, last, frames "
    "FROM ended JOIN claimed ON claimed.seq = generation), "
    "flushed AS (DELETE FROM flushes USING claimed WHERE generation = claimed.seq), "
    "sized AS (UPDATE conversations c SET size = c.size + s.size FROM "
    "(SELECT conversation_id, sum(size)::bigint AS size FROM ended "
    "JOIN claimed ON claimed.seq = generation GROUP BY 1) s WHERE c.id = s.conversation_id) "
    "SELECT seq FROM claimed"
)
_SET_MESSAGE = "UPDATE messages SET {} WHERE seq = $1 AND owner = $2".format(
    ", ".join(f"{name} = ${number}" for number, name in enumerate(MESSAGE, 3))
)


#: Where the log of a running answer of this instance ends: its `seq`, and the number of its last
#: frame. `ENDED` stands for an answer that has ended, `GONE` for one that is gone. A plain tuple,
#: because each flush makes one for each answer.
End = tuple[int, int]
#: By the generation's id.
Ends = dict[str, End]
ENDED, GONE = (0, 0), (-1, 0)


@dataclass(slots=True)
class Written:
    """What a transaction has found: where the logs of its batch end, and which answers of this
    instance are to be stopped."""

    ends: Ends
    asked_to_stop: set[str] = field(default_factory=set)


async def add(db: asyncpg.Connection, owner: str, instance: str, seq: int, new: NewAnswer) -> None:
    """Begin the log of the answer with this `seq`. This instance writes it. Raises `Fenced`, and
    `NoPlace`."""
    message = new.message
    if new.most:
        await ledger.lock_places(db, owner)
    added = await db.fetchval(
        f"WITH {MINE}, flushed AS (INSERT INTO flushes (generation, first, last, frames) "
        "VALUES ($2, 1, 1, $6)), "
        "spent AS (INSERT INTO spend (owner, id, began_at, model, instance) "
        "VALUES ($3, $4, $7, $8, $1)) "
        "INSERT INTO generations (seq, owner, id, fingerprint, instance) "
        "SELECT $2, $3, $4, $5, name FROM mine RETURNING 1",
        *(instance, seq, owner, new.generation_id, new.fingerprint, new.frame),
        *(message.created_at, values.to_text(short_name(message.model))),
    )
    if not added:
        raise Fenced
    if new.most:
        await ledger.check_places(db, owner, new.most)


async def begun(db: asyncpg.Connection, owner: str, instance: str, new: NewAnswer) -> int | None:
    """The `seq` of a new answer that this instance has begun already."""
    seq: int | None = await db.fetchval(
        "SELECT seq FROM generations "
        "WHERE id = $1 AND owner = $2 AND fingerprint = $3 AND instance = $4",
        *(new.generation_id, owner, new.fingerprint, instance),
    )
    return seq


async def append(
    db: asyncpg.Connection, instance: str, known: Ends, batch: Sequence[Progress]
) -> Written:
    """See `Store.append`. `known` has logs of which the end is known before."""
    ends = await _look_up(db, instance, [p for p in batch if p.generation_id not in known])
    done = Written(ends)
    short: dict[str, int] = {}
    ended: list[tuple[End, Progress]] = []
    columns: tuple[list[int], list[int], list[int], list[bytes]] = ([], [], [], [])
    seqs, firsts, lasts, flushes = columns
    for progress in batch:
        id, frames = progress.generation_id, progress.frames
        seq, last = end = ends.get(id) or known.get(id, GONE)
        if seq <= 0:
            ends[id] = end
            continue
        if stored := last + 1 - progress.first:
            if stored < 0:
                short[id] = last
            frames = frames[stored:]
        end = seq, last + len(frames)
        if progress.message:
            ended.append((end, progress))
            end = ENDED
        elif frames:
            seqs.append(seq)
            firsts.append(last + 1)
            lasts.append(end[1])
            flushes.append(b"".join(frames))
        ends[id] = end
    if short:
        raise Gap(short)
    if flushes:
        noted = await db.fetch(_FLUSH, instance, *map(values.as_text, columns[:3]), flushes)
        await _check(db, instance, done, {seq for (seq,) in noted})
    if ended:
        await _finish(db, instance, done, ended)
    await ledger.settle(db, [progress for progress in batch if progress.message])
    return done


async def asked_to_stop(db: asyncpg.Connection, instance: str) -> frozenset[str]:
    """The running answers of an instance that `ask_stop` was called for."""
    sql = "SELECT id FROM generations WHERE running AND instance = $1 AND stop_asked"
    return frozenset(id for (id,) in await db.fetch(sql, instance))


async def running_here(db: asyncpg.Connection, instance: str) -> dict[str, str]:
    """See `TailStore.running_here`."""
    sql = "SELECT id, owner FROM generations WHERE running AND instance = $1"
    return {id: owner for id, owner in await db.fetch(sql, instance)}


async def ask_stop(db: asyncpg.Connection, owner: str, id: str) -> str | None:
    """Returns the instance that is asked."""
    asked: str | None = await db.fetchval(
        "UPDATE generations SET stop_asked = true "
        "WHERE id = $1 AND owner = $2 AND running RETURNING instance",
        *(id, owner),
    )
    return asked


async def tail(db: asyncpg.Connection, cursors: Mapping[str, int]) -> list[Tail]:
    """See `TailStore.tail`. One instance writes a log, so it has no gap. A cursor can be within a
    flush: a standby may have lost shorter ones, which were then written again together."""
    rows = await db.fetch(
        "SELECT c.id, g.seq, g.running, f.first, f.frames "
        "FROM unnest($1::text[], $2::int[]) AS c (id, cursor) "
        "LEFT JOIN generations g ON g.id = c.id CROSS JOIN LATERAL (SELECT min(first) AS first, "
        "string_agg(frames, ''::bytea ORDER BY first) AS frames FROM flushes "
        "WHERE generation = g.seq AND last > c.cursor AND first >= coalesce((SELECT max(first) "
        "FROM flushes WHERE generation = g.seq AND first <= c.cursor), 1)) f",
        *(list(cursors), list(cursors.values())),
    )
    return [
        Tail(id, _behind(cursors[id], first, frames), bool(running), gone=seq is None)
        for id, seq, running, first, frames in rows
        if frames or not running
    ]


def _behind(cursor: int, first: int | None, frames: bytes | None) -> list[bytes]:
    """The frames from the number `first` on without those that the cursor has passed."""
    return split_frames(frames)[cursor + 1 - first :] if first and frames else []


async def running(db: asyncpg.Connection, owner: str, conversation_id: str) -> dict[str, str]:
    """See `Store.running`."""
    rows = await db.fetch(
        "SELECT g.id, g.instance FROM messages m JOIN generations g ON g.seq = m.seq "
        "WHERE m.conversation_id = $1 AND m.owner = $2 AND m.state = 'running' ORDER BY m.seq",
        *(conversation_id, owner),
    )
    return {id: instance for id, instance in rows}


async def generation(db: asyncpg.Connection, owner: str, id: str) -> StoredGeneration | None:
    found = await generations(db, {id: owner})
    return found[0] if found else None


async def generations(db: asyncpg.Connection, owners: Mapping[str, str]) -> list[StoredGeneration]:
    """The logs of these answers, in one statement. `owners` has the owner of each id."""
    rows = await db.fetch(
        "SELECT g.id, g.owner, g.fingerprint, g.instance, "
        "(SELECT frames FROM logs WHERE generation = g.seq), "
        "(SELECT string_agg(frames, ''::bytea ORDER BY first) FROM flushes "
        f"WHERE generation = g.seq), {MESSAGE_COLUMNS} "
        "FROM unnest($1::text[], $2::text[]) AS asked (id, owner) "
        "JOIN generations g ON g.id = asked.id AND g.owner = asked.owner "
        "JOIN messages m ON m.seq = g.seq ORDER BY g.seq",
        *(list(owners), list(owners.values())),
    )
    return [_as_generation(*row) for row in rows]


def _as_generation(
    id: str,
    owner: str,
    fingerprint: bytes,
    instance: str,
    log: bytes | None,
    flushed: bytes | None,
    *message: Any,
) -> StoredGeneration:
    frames = split_frames(zlib.decompress(log) if log is not None else flushed or b"")
    return StoredGeneration(id, fingerprint, values.as_message(message), frames, owner, instance)


async def _look_up(db: asyncpg.Connection, instance: str, batch: Sequence[Progress]) -> Ends:
    """Where these logs end, after a failed transaction or a start."""
    if not batch:
        return {}
    rows = await db.fetch(
        "SELECT g.id, g.owner, g.instance, g.running, g.seq, "
        "(SELECT coalesce(max(last), 0) FROM flushes WHERE generation = g.seq) "
        "FROM generations g WHERE g.id = ANY($1::text[])",
        list({progress.generation_id for progress in batch}),
    )
    owners = {progress.generation_id: progress.owner for progress in batch}
    ends = {}
    for id, owner, writer, running, seq, last in rows:
        if owner == owners[id]:
            if writer != instance:
                raise Fenced
            ends[id] = (seq, last) if running else ENDED
    return ends


async def _check(db: asyncpg.Connection, instance: str, done: Written, noted: set[int]) -> None:
    """Find out what is the matter with these generations: they were asked to stop, their answers
    have ended, or they are gone. Raises `Fenced` if others have taken this instance for dead."""
    if not noted:
        return
    if not await db.fetchval("SELECT 1 FROM instances WHERE name = $1", instance):
        raise Fenced
    rows = await db.fetch(
        "SELECT seq, instance, running FROM generations WHERE seq = ANY($1::bigint[])",
        list(noted),
    )
    found = {seq: (writer, running) for seq, writer, running in rows}
    for id, (seq, _) in done.ends.items():
        if seq not in noted:
            continue
        writer, running = found.get(seq, (instance, None))
        if writer != instance:
            raise Fenced
        if running:
            done.asked_to_stop.add(id)
        else:
            done.ends[id] = GONE if running is None else ENDED


async def _finish(
    db: asyncpg.Connection, instance: str, done: Written, ended: list[tuple[End, Progress]]
) -> None:
    """Store whole logs as one row each, and the finished messages. The conversations are locked
    first, in one order, so that two instances never wait for each other."""
    homes = {progress.message.conversation_id for _, progress in ended if progress.message}
    sql = "SELECT 1 FROM conversations WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
    await db.execute(sql, list(homes))
    rows, messages, found = [], [], []
    for (seq, last), progress in ended:
        message = progress.message
        assert message
        frames = progress.frames
        if progress.first > 1:
            stored = await db.fetch(
                "SELECT frames FROM flushes WHERE generation = $1 AND first < $2 ORDER BY first",
                *(seq, progress.first),
            )
            frames = [*(part for (part,) in stored), *frames]
        log, home = await _packed(b"".join(frames)), message.conversation_id
        rows.append((seq, last, log, home, size(from_message(message))))
        messages.append([seq, progress.owner, *values.message_values(message)])
        found.append(Text(seq, progress.owner, home, message.id, message.content))
    claimed = {seq for (seq,) in await db.fetch(_END, instance, *values.columns_of(rows, 5))}
    lost = {seq: one.generation_id for (seq, _), one in ended if seq not in claimed}
    done.ends.update((id, (seq, 0)) for seq, id in lost.items())
    await _check(db, instance, done, set(lost))
    await db.executemany(_SET_MESSAGE, [row for row in messages if row[0] in claimed])
    await texts.save(db, [text for text in found if text.seq in claimed])
    await files.keep_shown(db, [(seq, p) for (seq, _), p in ended if seq in claimed])
    if called := [p.generation_id for _, p in ended if p.message and p.message.parts]:
        await db.execute("DELETE FROM calls WHERE generation_id = ANY($1::text[])", called)


async def _packed(log: bytes) -> bytes:
    if len(log) < LARGE:
        return zlib.compress(log, 1)
    return await asyncio.get_running_loop().run_in_executor(None, zlib.compress, log, 1)
