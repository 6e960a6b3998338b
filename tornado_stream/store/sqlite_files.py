"""The files of `SQLiteStore`: each method is work for one of the database's threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tornado_stream.store import files, tables
from tornado_stream.store.file_base import FileStore
from tornado_stream.values.files import ReadText, StoredFile

if TYPE_CHECKING:
    import sqlite3

    from tornado_stream.store.database import Database


class SQLiteFiles(FileStore):
    """See `FileStore`. A deletion works on a full disk too (`_with_room`)."""

    owner: str
    _database: Database
    _with_room: Callable[..., Any]

    async def add_file(
        self,
        file: StoredFile,
        place: Callable[[], None],
        *,
        most: int = 0,
        answer: str | None = None,
    ) -> StoredFile:
        def work(db: sqlite3.Connection) -> StoredFile:
            if answer is None:
                return files.add(db, self.owner, file, place, most)
            numbers = tables.next_numbers(db, 1)
            return files.add_to_answer(db, self.owner, file, place, most, answer, numbers)

        return await self._database.write(work)

    async def file(self, id: str) -> StoredFile | None:
        return await self._database.reader.transact(files.one, self.owner, id)

    async def files(self, ids: Sequence[str]) -> list[StoredFile]:
        return await self._database.reader.transact(files.some, self.owner, ids)

    async def unused_files(self, limit: int = 100) -> list[StoredFile]:
        return await self._database.reader.transact(files.unused, self.owner, limit)

    async def file_bytes(self) -> int:
        return await self._database.reader.transact(files.total, self.owner)

    async def file_texts(self, ids: Sequence[str]) -> dict[str, str]:
        return await self._database.reader.transact(files.texts, self.owner, ids)

    async def save_file_text(self, id: str, read: ReadText, tokens: int) -> None:
        await self._database.write(files.save_text, self.owner, id, read, tokens)

    async def delete_file(self, id: str) -> None:
        await self._with_room(files.delete, self.owner, id)

    async def delete_unused_files(self, before: int) -> int:
        return int(await self._with_room(files.delete_unused, before))

    async def unread_files(self) -> list[tuple[str, StoredFile]]:
        return await self._database.reader.transact(files.unread)

    async def known_bytes(self, sums: Sequence[str]) -> frozenset[str]:
        return await self._database.reader.transact(files.known_bytes, sums)

    async def remove_bytes(self, remove: Callable[[str], None], also: Sequence[str] = ()) -> int:
        return int(await self._with_room(files.remove_bytes, remove, also))
