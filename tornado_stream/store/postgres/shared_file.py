"""A small file that several servers share: its original is a row of the database, and each server's
data directory has a copy, which is what all of its code reads.

The rule: a change is made to the original while its row is locked, and the copy follows. Calls
block the thread, so call them on another one than the loop's. They raise `OpenError`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from tornado_stream.store.base import OpenError
from tornado_stream.store.postgres.connections import CONNECTING, Server
from tornado_stream.store.postgres.errors import reason
from tornado_stream.store.postgres.listener import notify
from tornado_stream.store.postgres.migrations import migrate
from tornado_stream.store.private_files import make_directory, make_private, unusable

T = TypeVar("T")
_OF_THE_DATABASE = (
    *(OSError, TimeoutError, asyncpg.PostgresError),
    *(asyncpg.InterfaceError, asyncpg.InternalClientError),
)


class SharedFile:
    """The file at `path`, whose original is in the database under the file's name."""

    def __init__(self, url: str, path: Path) -> None:
        self._server = Server(url, lock_timeout=f"{CONNECTING:.0f}s")
        self._path = path

    def fetch(self) -> None:
        """Bring the copy up to date. If the database has no original, the copy becomes it."""
        with self._opened() as (run, db):
            run(self._original(db))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Bring the copy up to date, let the block change it, and store what it has written. If
        that fails, the copy is as before."""
        before: bytes | None = None
        try:
            with self._opened() as (run, db):
                before = run(self._original(db))
                yield
                if (after := self._content()) != before:
                    run(self._store(db, after))
        except BaseException:
            if before is not None:
                self._write(before)
            raise

    @contextmanager
    def _opened(self) -> Iterator[tuple[Callable[[Coroutine[Any, Any, T]], T], Any]]:
        """A connection in a transaction, which is committed at the end of the block. Its loop has a
        thread of its own."""
        with (
            ThreadPoolExecutor(1, "shared-file") as thread,
            closing(asyncio.new_event_loop()) as loop,
        ):

            def run(work: Coroutine[Any, Any, T]) -> T:
                return thread.submit(loop.run_until_complete, work).result()

            db: Any = None
            try:
                db = run(self._server.open())
                transaction = db.transaction()
                run(transaction.start())
                yield run, db
                run(transaction.commit())
            except _OF_THE_DATABASE as error:
                why = reason(error)
                raise OpenError(f"cannot open the database: {why}; check --database") from error
            finally:
                if db:
                    with suppress(*_OF_THE_DATABASE):
                        run(db.close(timeout=CONNECTING))

    async def _original(self, db: asyncpg.Connection) -> bytes:
        """What the database has, empty at first; the copy gets it. The row is locked."""
        await migrate(db)
        name = self._path.name
        await db.execute(
            "INSERT INTO shared_files (name, content) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            *(name, self._content()),
        )
        sql = "SELECT content FROM shared_files WHERE name = $1 FOR UPDATE"
        content = bytes(await db.fetchval(sql, name))
        self._write(content)
        return content

    async def _store(self, db: asyncpg.Connection, content: bytes) -> None:
        await db.execute(
            "UPDATE shared_files SET content = $2 WHERE name = $1",
            *(self._path.name, content),
        )
        await notify(db, "file")

    def _content(self) -> bytes:
        """What the copy has; nothing, if there is none."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def _write(self, content: bytes) -> None:
        """Replace the copy in one step, if it is another one."""
        path = self._path
        if self._content() == content:
            return
        if not content:
            path.unlink()
            return
        new = path.with_name(f"{path.name}.{os.getpid()}.copy")
        make_directory(path.parent)
        try:
            make_private(new)
            new.write_bytes(content)
            os.replace(new, path)
        except OSError as error:
            raise unusable(path.parent, error) from error
