"""The part of a store's contract that is about files. The bytes are not in the store: it knows
which there are, whose they are, and which messages have them. A question that waits counts as a
message here.

The rule: a row of a file is there only while its bytes are. So bytes get their name within the
transaction that adds the row, and lose it within a later transaction than the one that deletes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from tornado_stream.values.files import ReadText, StoredFile

#: States of answers that can end between the storing of a file and that of its event.
UNTIMELY = ("stopped", "interrupted")


class FileStore(ABC):
    """The files of one owner. Methods fail as those of `Store` do."""

    @abstractmethod
    async def add_file(
        self,
        file: StoredFile,
        place: Callable[[], None],
        *,
        most: int = 0,
        answer: str | None = None,
    ) -> StoredFile:
        """Store a new file. If the owner has its bytes already, that file gets the new name and
        time and is returned; where its text could not be taken out, its state begins anew.

        `place` gives the bytes their name. It is called within the transaction, on any thread, and
        raises `OSError`. Raises `TooLarge` `files_full` if the owner's files would have more than
        `most` bytes together (0: no limit).

        `answer` is the generation of a running answer that has the file from then on; a file that
        the owner has already stays as it is. If the answer is gone or has ended, no message has
        the file. An answer that ends as one of `UNTIMELY` keeps only the files that its message has
        then: the event that tells of another one was never stored.
        """

    @abstractmethod
    async def file(self, id: str) -> StoredFile | None:
        """One file."""

    @abstractmethod
    async def files(self, ids: Sequence[str]) -> list[StoredFile]:
        """These files, in this order, without those that do not exist."""

    @abstractmethod
    async def unused_files(self, limit: int = 100) -> list[StoredFile]:
        """The files that no message has, the newest first."""

    @abstractmethod
    async def file_bytes(self) -> int:
        """How many bytes the owner's files have together."""

    @abstractmethod
    async def file_texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The texts of those of these files that have one, by their ids."""

    @abstractmethod
    async def save_file_text(self, id: str, read: ReadText, tokens: int) -> None:
        """Store what was taken out of a file whose state is `reading`: it is then `ready`, or
        `failed` without a text. A file that was deleted meanwhile stays deleted."""

    @abstractmethod
    async def delete_file(self, id: str) -> None:
        """Delete a file. Raises `NotFound` `file_not_found`, or `Conflict` `file_in_use` if a
        message has it."""

    @abstractmethod
    async def delete_unused_files(self, before: int) -> int:
        """Delete the files of all owners that no message has, and that were uploaded before this
        time; returns how many there were. Time is in milliseconds since the epoch."""

    @abstractmethod
    async def unread_files(self) -> list[tuple[str, StoredFile]]:
        """The files of all owners whose text was not taken out yet, each with its owner."""

    @abstractmethod
    async def known_bytes(self, sums: Sequence[str]) -> frozenset[str]:
        """Those of these sha256 sums whose bytes a file of any owner has."""

    @abstractmethod
    async def remove_bytes(self, remove: Callable[[str], None], also: Sequence[str] = ()) -> int:
        """Call `remove` with the sha256 of bytes which no file has any more: those of deleted
        files, and of `also`. It is called within a transaction, on any thread, for some of them at
        a time, and raises `OSError`. Returns for how many; 0 if none is left."""
