"""Imports of conversations: uploaded, shown, stopped, and gone on with after a crash.

The rule: what was uploaded is on the disk until its import has ended. A command may leave an import
beside the running server (`main.py import`), which finds it within two seconds.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tornado.ioloop import PeriodicCallback

from tornado_stream.chat.imports.journal import (
    ENDING,
    READING,
    UNFINISHED,
    Import,
    Journal,
    export_name,
    stop_mark,
)
from tornado_stream.chat.presets import Presets
from tornado_stream.files.folder import ABANDONED, FileFolder, PartFile
from tornado_stream.files.service import Files
from tornado_stream.files.upload import Upload
from tornado_stream.store.base import OpenError, Store, StoreError
from tornado_stream.values.errors import Conflict, NotFound, TooLarge, TooMany, in_bytes
from tornado_stream.values.file_names import cleaned

if TYPE_CHECKING:
    from tornado_stream.chat.imports.runner import Runner

#: The folder in the data directory.
FOLDER = "imports"
#: Imports of all users that may wait, and seconds after which to try again.
MAX_WAITING, RETRY = 16, 30
#: Seconds for which an import is remembered, and between two looks for those of commands.
REMEMBERED, LOOK = 24 * 3600, 2.0
#: Bytes of the name of an export.
LONGEST_NAME = 200


class Imports:
    """The imports of all owners. Every method raises `NotFound` for an id that does not exist or
    belongs to another owner.

    `max_import` is in bytes; 0 is no limit. `is_user` says whether there still is such an owner.
    """

    def __init__(
        self,
        store: Store,
        presets: Presets,
        files: Files,
        data_dir: Path,
        *,
        max_import: int = 0,
        is_user: Callable[[str], bool] = lambda owner: True,
    ) -> None:
        self._folder = FileFolder(data_dir, FOLDER)
        self._services = store, presets, files
        self._max_import = max_import
        self._is_user = is_user
        self._journals: dict[str, Journal] = {}
        self._uploading: set[str] = set()  # owners
        self._changed_at = 0
        self._left = False  # to another process
        #: Awaited when an import was added, before its client is told so.
        self.on_added: Callable[[], Awaitable[None]] = _nothing
        self._looking = PeriodicCallback(self.look, 1000 * LOOK)

    @cached_property
    def _runner(self) -> Runner:
        from tornado_stream.chat.imports.runner import Runner  # most servers import nothing

        return Runner(*self._services, self._folder)

    async def open(self) -> None:
        """Go on with the imports that had not ended. Idempotent."""
        if self._looking.is_running():
            return
        self._left = False
        if "_runner" in vars(self):
            self._runner.go_on()
        if self._folder.exists():
            await self._folder.run(self._folder.remove_abandoned)
            await self.look()
            await self._folder.run(self._remove_orphans, {*map(export_name, self._journals)})
        self._looking.start()

    async def leave(self) -> None:
        """Stop, because another process goes on with the imports; `open` undoes it. When this
        returns, nothing uses the store."""
        self._looking.stop()
        self._left = True
        if "_runner" in vars(self):
            await self._runner.close()
        self._journals = {id: j for id, j in self._journals.items() if j.about.state != READING}
        self._changed_at = 0

    async def close(self) -> None:
        """Stop; the next start goes on. When this returns, nothing uses the store."""
        await self.leave()
        self._folder.pool.shutdown(wait=False)

    def begin(self, owner: str, size: int) -> Upload:
        """Begin to receive an export of this size. Raises `TooLarge` `import_too_large`, `Conflict`
        `import_running` and `TooMany` `too_many_imports`."""
        if self._max_import and size > self._max_import:
            most = in_bytes(self._max_import)
            raise TooLarge(
                f"This file is too large: {most} is the most (--max-import).",
                code="import_too_large",
            )
        running = [j.about for j in self._journals.values() if j.about.state == READING]
        mine = [about for about in running if about.owner == owner]
        if mine or owner in self._uploading:
            details = {"import_id": mine[0].id} if mine else {}
            raise Conflict(
                "Another import of yours is running. Wait for its end, or stop it.",
                code="import_running",
                **details,
            )
        if len(running) + len(self._uploading) >= MAX_WAITING:
            raise TooMany(
                "Too many imports are waiting. Try again later.",
                code="too_many_imports",
                retry_after=RETRY,
            )
        self._uploading.add(owner)
        return Upload(self._folder, size, lambda: self._uploading.discard(owner))

    async def add(self, owner: str, name: str, upload: Upload) -> Import:
        """Import what was uploaded. Raises `StoreError`."""
        placed: str | None = None
        try:
            part, _ = await upload.finish()
            journal = await self._folder.run(place, self._folder, part, owner, name)
            placed = export_name(journal.about.id)
        except (OSError, OpenError) as error:
            raise StoreError("The file cannot be saved now: the disk refuses it.") from error
        finally:
            await upload.end(placed)
        self._take([journal])
        await self.on_added()
        return journal.about

    def get(self, owner: str, id: str) -> Import:
        return self._journal(owner, id).about

    def all(self, owner: str) -> list[Import]:
        """The imports of the last day, the newest first."""
        mine = [j.about for j in self._journals.values() if j.about.owner == owner]
        return sorted(mine, key=lambda about: about.began_at, reverse=True)

    async def stop(self, owner: str, id: str) -> None:
        """Stop an import, which then ends soon. What it has imported stays. Idempotent."""
        await self._stop(self._journal(owner, id))

    async def forget(self, owner: str) -> None:
        """Stop all imports of an owner, and wait until they have ended."""
        mine = [one for one in self._journals.values() if one.about.owner == owner]
        for journal in mine:
            await self._stop(journal)
        for journal in mine:
            await self._runner.ended(journal)

    async def _stop(self, journal: Journal) -> None:
        if journal.about.state == READING:
            if not self._runner.has(journal):  # another process has it
                mark = stop_mark(self._folder, journal.about.id)
                with suppress(OSError):
                    await self._folder.run(mark.touch)
            self._runner.stop(journal)

    async def look(self) -> None:
        """Begin the imports that were left in the folder, and those of processes that have ended.
        See how far others are that another process has."""
        for journal in self._journals.values():
            if journal.about.state == READING:
                self._start(journal)
        try:
            changed_at = self._folder.path.stat().st_mtime_ns
        except OSError:
            return
        if changed_at != self._changed_at:
            self._changed_at = changed_at
            self._take(await self._folder.run(read_journals, self._folder, self._journals.keys()))

    def _take(self, journals: list[Journal]) -> None:
        for journal in journals:
            if journal.about.id in self._journals:
                continue
            self._journals[journal.about.id] = journal
            if journal.about.state == READING:
                if not self._is_user(journal.about.owner):
                    self._runner.stop(journal)
                self._start(journal)
        before = _now_ms() - 1000 * REMEMBERED
        for id, journal in list(self._journals.items()):
            if journal.about.state != READING and journal.about.began_at < before:
                del self._journals[id]
                with suppress(OSError):
                    journal.path.unlink(missing_ok=True)

    def _start(self, journal: Journal) -> None:
        if not self._left:
            self._runner.start(journal)

    def _journal(self, owner: str, id: str) -> Journal:
        journal = self._journals.get(id)
        if journal is None or journal.about.owner != owner:
            raise NotFound("There is no import with this id.")
        return journal

    def _remove_orphans(self, known: set[str]) -> None:
        """Remove bytes without an import, which a crash has left."""
        old = time.time() - ABANDONED
        paths = [self._folder.path_of(name) for name in self._folder.sums() if name not in known]
        marks = self._folder.path.glob("*.stop")
        for path in [*paths, *marks, *self._folder.path.glob(f"*{UNFINISHED}")]:
            with suppress(OSError):
                if path.stat().st_mtime < old:
                    path.unlink()


async def _nothing() -> None: ...


def place(folder: FileFolder, part: PartFile, owner: str, name: str) -> Journal:
    """Make an import of bytes that are on the disk. Raises `OSError` and `OpenError`."""
    id = str(uuid.uuid4())
    shown = cleaned(name, LONGEST_NAME) or "export"
    part.place(export_name(id))
    about = Import(id, owner, shown, part.size, _now_ms())
    return Journal.create(folder.path / f"{id}{ENDING}", about)


def read_journals(folder: FileFolder, known: Iterable[str] = ()) -> list[Journal]:
    """The imports in a folder whose ids are not known, the oldest first."""
    found = []
    for path in folder.path.glob(f"*{ENDING}"):
        if path.stem not in known:
            with suppress(OSError, ValueError, TypeError):
                found.append(Journal(path))
    return sorted(found, key=lambda journal: journal.about.began_at)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
