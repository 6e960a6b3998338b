"""The files of `PostgresStore`: each method is work for one of the instance's connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tornado_stream.store.file_base import FileStore
from tornado_stream.store.postgres import files
from tornado_stream.store.postgres.connections import Pool
from tornado_stream.values.files import ReadText, StoredFile


class PostgresFiles(FileStore):
    """See `FileStore`."""

    owner: str
    _writer: Pool
    _reader: Pool

    async def add_file(
        self,
        file: StoredFile,
        place: Callable[[], None],
        *,
        most: int = 0,
        answer: str | None = None,
    ) -> StoredFile:
        return await self._writer.transact(files.add, self.owner, file, place, most, answer)

    async def file(self, id: str) -> StoredFile | None:
        return await self._reader.read(files.one, self.owner, id)

    async def files(self, ids: Sequence[str]) -> list[StoredFile]:
        return await self._reader.read(files.some, self.owner, ids)

    async def unused_files(self, limit: int = 100) -> list[StoredFile]:
        return await self._reader.read(files.unused, self.owner, limit)

    async def file_bytes(self) -> int:
        return await self._reader.read(files.total, self.owner)

    async def file_texts(self, ids: Sequence[str]) -> dict[str, str]:
        return await self._reader.read(files.texts, self.owner, ids)

    async def save_file_text(self, id: str, read: ReadText, tokens: int) -> None:
        await self._writer.repeat(files.save_text, self.owner, id, read, tokens)

    async def delete_file(self, id: str) -> None:
        await self._writer.transact(files.delete, self.owner, id)

    async def delete_unused_files(self, before: int) -> int:
        return await self._writer.transact(files.delete_unused, before)

    async def unread_files(self) -> list[tuple[str, StoredFile]]:
        return await self._reader.read(files.unread)

    async def known_bytes(self, sums: Sequence[str]) -> frozenset[str]:
        return await self._reader.read(files.known_bytes, sums)

    async def remove_bytes(self, remove: Callable[[str], None], also: Sequence[str] = ()) -> int:
        return await self._writer.transact(files.remove_bytes, remove, also)
