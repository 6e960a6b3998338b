"""The files of users: uploaded, read, shown, given to messages, and removed.

The rule: a file that was answered is on the disk, and a message has the files that it was sent
with for as long as it exists. What no message has is removed after a day.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from tornado.ioloop import PeriodicCallback

from tornado_stream.files.base64_pictures import too_large, write_picture
from tornado_stream.files.folder import FileFolder, PartFile
from tornado_stream.files.reading import TextReader
from tornado_stream.files.types import FileType, file_type
from tornado_stream.files.upload import Upload, write_failure
from tornado_stream.store.base import OpenError, Store, StoreError
from tornado_stream.values.content import FileBytes
from tornado_stream.values.errors import ChatError, Conflict, NotFound, TooLarge, TooMany, in_bytes
from tornado_stream.values.file_names import cleaned
from tornado_stream.values.files import IMAGE, READING, READY, StoredFile
from tornado_stream.values.messages import Message
from tornado_stream.values.pictures import MAX_PICTURE, SentPicture

logger = logging.getLogger(__name__)

#: Bytes of a name in UTF-8.
LONGEST_NAME = 200
#: Uploads at a time, of all users and of one; and the seconds after which to try again.
UPLOADS, UPLOADS_PER_USER, UPLOAD_RETRY = 64, 32, 5
#: Seconds for which a file that no message has is kept, and between two removals of such files.
UNUSED_LASTS, SWEEP_EVERY = 24 * 3600, 3600
#: Bytes of all pictures that are sent to a model with one question.
MAX_PICTURES = 100 * 1024 * 1024
#: Bytes that are read from the disk at once.
PIECE = 192 * 1024


class Files:
    """The files of all owners. Every method raises `NotFound` `file_not_found` for an id that does
    not exist or belongs to another owner.

    `max_file` is in bytes, `max_user_files` in bytes of one user's files together; `max_files` is
    the number of files of one message, `max_file_text` the characters of a file's text that a model
    reads. A limit of 0 is none.
    """

    def __init__(
        self,
        store: Store,
        data_dir: Path,
        *,
        max_file: int = 0,
        max_files: int = 0,
        max_user_files: int = 0,
        max_file_text: int = 0,
    ) -> None:
        self._store = store
        self._folder = FileFolder(data_dir)
        self._max_file = max_file
        self.max_files = max_files
        self._max_user_files = max_user_files
        self._uploads: Counter[str] = Counter()
        #: Called with `stored` and the bytes of a file, or with the code of a refusal.
        self.on_upload: Callable[[str, int], None] = lambda result, size: None
        self._sweeping: PeriodicCallback | None = None
        self._reader = TextReader(store, self._folder, max_file_text)

    async def open(self) -> None:
        """Remove what a crash left behind. Costs nothing where there were never files."""
        if self._folder.exists():
            self._start_sweeping()
            await self._folder.run(self._folder.remove_abandoned)
            if self._store.alone:  # or they may be those of an upload that another process ends
                await self._remove_orphans()
            await self.sweep()
            for owner, file in await self._store.unread_files():
                self._reader.read_later(owner, file)

    def close(self) -> None:
        """End the process that reads a document, which is read again after the next start."""
        if self._sweeping:
            self._sweeping.stop()
        self._reader.close()
        self._folder.pool.shutdown(wait=False)

    def begin(self, owner: str, size: int) -> Upload:
        """Begin to receive a file of this size. Raises `TooLarge` (`file_too_large`, `files_full`)
        and `TooMany` `too_many_uploads`."""
        with self._refusals_counted():
            self._check_upload(owner, size)
        self._uploads[owner] += 1

        def ended() -> None:
            self._uploads[owner] -= 1

        return Upload(self._folder, size, ended)

    def _check_upload(self, owner: str, size: int) -> None:
        if self._max_file and size > self._max_file:
            raise TooLarge(
                f"This file is too large: {in_bytes(self._max_file)} is the most (--max-file).",
                code="file_too_large",
            )
        if self._uploads[owner] >= UPLOADS_PER_USER or self._uploads.total() >= UPLOADS:
            raise TooMany(
                "Too many files are being uploaded. Try again shortly.",
                code="too_many_uploads",
                retry_after=UPLOAD_RETRY,
            )

    @contextmanager
    def _refusals_counted(self) -> Iterator[None]:
        try:
            yield
        except ChatError as error:
            self.on_upload(error.code, 0)
            raise

    async def add(self, owner: str, name: str, upload: Upload) -> tuple[StoredFile, bool]:
        """Store what was uploaded; whether it is new. Raises `UnsupportedBody` `file_type`,
        `TooLarge` `files_full`, and `StoreError`."""
        sha256 = None
        try:
            with self._refusals_counted():
                part, sum = await upload.finish()
                found = await self._folder.run(file_type, part.file)
                new = self._new_file(name, part, sum, found)
                stored = await self._store.for_owner(owner).add_file(
                    new, lambda: part.place(sum), most=self._max_user_files
                )
            sha256 = sum
        finally:
            await upload.end(sha256)
        self.on_upload("stored", stored.size)
        self._start_sweeping()
        return await self._reader.begin(owner, stored), stored.id == new.id

    async def keep_picture(
        self, owner: str, picture: SentPicture, answer: Message, stored: bool
    ) -> StoredFile:
        """Store a picture that the model sent in this running answer. With `stored`, the answer is
        in the store, and has the file from then on. Raises `UnsupportedBody` (`picture_damaged`,
        `file_type`), `TooLarge` (`file_too_large`, `files_full`), and `StoreError`."""
        with self._refusals_counted():
            kept = await self._keep(owner, picture, answer if stored else None)
        self.on_upload("stored", kept.size)
        self._start_sweeping()
        return kept

    async def _keep(self, owner: str, picture: SentPicture, answer: Message | None) -> StoredFile:
        most = min(self._max_file or MAX_PICTURE, MAX_PICTURE)
        if not picture.whole:
            raise too_large(most)
        part, sha256, found = await self._written(picture, most)
        placed = None
        try:
            new = self._new_file(f"picture.{found.type.partition('/')[2]}", part, sha256, found)
            kept = await self._store.for_owner(owner).add_file(
                replace(new, uploaded_at=answer.created_at) if answer else new,
                lambda: part.place(sha256),
                most=self._max_user_files,
                answer=answer.generation_id if answer else None,
            )
            placed = sha256
        finally:
            await self._folder.run(part.close, placed)
        return kept

    async def _written(self, picture: SentPicture, most: int) -> tuple[PartFile, str, FileType]:
        writing = self._folder.run(write_picture, self._folder, picture.pieces(), most)
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            writing.add_done_callback(_close_part)
            raise
        except (OSError, OpenError) as error:
            raise write_failure(error) from error
        finally:
            del writing  # it refers to an error, which refers to this frame and so to the picture

    async def get(self, owner: str, id: str) -> StoredFile:
        if file := await self._store.for_owner(owner).file(id):
            return file
        raise _not_found()

    async def unused(self, owner: str) -> list[StoredFile]:
        """The files that no message has yet, the newest first; at most 100."""
        return await self._store.for_owner(owner).unused_files()

    async def text(self, owner: str, id: str) -> str:
        """The text that a model reads of a file; of a picture it is empty. Raises `Conflict`
        `file_not_ready`."""
        file = await self.get(owner, id)
        _check_ready(file)
        return (await self._store.for_owner(owner).file_texts([id])).get(id, "")

    async def delete(self, owner: str, id: str) -> None:
        """Raises `Conflict` `file_in_use` if a message has the file."""
        await self._store.for_owner(owner).delete_file(id)
        await self.remove_bytes()

    async def delete_unused(self, owner: str) -> None:
        """Delete the owner's files that no message has."""
        while files := await self.unused(owner):
            for file in files:
                with suppress(NotFound, Conflict):
                    await self._store.for_owner(owner).delete_file(file.id)
        await self.remove_bytes()

    async def for_message(self, owner: str, ids: Sequence[str]) -> list[StoredFile]:
        """The files for a new message. Raises `TooLarge` `too_many_files` and `Conflict`
        `file_not_ready`."""
        if self.max_files and len(ids) > self.max_files:
            raise TooLarge(
                f"A message can have {self.max_files} files at most.", code="too_many_files"
            )
        files = await self._store.for_owner(owner).files(ids)
        if len(files) < len(ids):
            raise _not_found()
        for file in files:
            _check_ready(file)
        return files

    async def contents(
        self, owner: str, messages: Sequence[Message], *, pictures: bool = True
    ) -> dict[str, str | FileBytes]:
        """What a model gets of the files of these messages: texts, and with `pictures` the bytes of
        pictures. Raises `TooLarge` `conversation_too_large` if these are too many."""
        ids = list(dict.fromkeys(file["id"] for message in messages for file in message.files))
        store = self._store.for_owner(owner)
        contents: dict[str, str | FileBytes] = dict(await store.file_texts(ids))
        if pictures:
            images = [file for file in await store.files(ids) if file.kind == IMAGE]
            if sum(file.size for file in images) > MAX_PICTURES:
                raise TooLarge(
                    f"The pictures of this conversation are together more than "
                    f"{in_bytes(MAX_PICTURES)}. Start a new conversation.",
                    code="conversation_too_large",
                )
            contents |= {file.id: self._bytes_of(file) for file in images}
        return contents

    def _bytes_of(self, file: StoredFile) -> FileBytes:
        return FileBytes(file.type, file.size, partial(self.read, file.sha256), file.tokens)

    async def pieces(self, file: StoredFile) -> AsyncGenerator[bytes, None]:
        """The bytes of a file. Raises `NotFound` if they are gone."""
        start = 0
        while start < file.size:
            piece = await self.read(file.sha256, start, PIECE)
            start += len(piece)
            yield piece

    async def read(self, sha256: str, start: int, size: int) -> bytes:
        """Some bytes of a file. Raises `NotFound` if they are gone."""
        try:
            data = await self._folder.run(self._folder.read, sha256, start, size)
        except OSError:
            raise _not_found() from None
        if not data:
            raise _not_found()
        return data

    async def remove_bytes(self) -> None:
        """Remove the bytes of files that were deleted. Logs a failure: the next call tries again.
        Costs nothing where there were never files."""
        if not self._folder.exists():
            return
        with suppress(StoreError):
            while await self._store.remove_bytes(self._folder.remove):
                pass

    async def sweep(self) -> None:
        """Delete the files that no message has had for a day."""
        with suppress(StoreError):
            await self._store.delete_unused_files(_now_ms() - 1000 * UNUSED_LASTS)
        await self.remove_bytes()

    def _new_file(self, name: str, part: PartFile, sum: str, found: FileType) -> StoredFile:
        return StoredFile(
            id=str(uuid.uuid4()),
            sha256=sum,
            name=cleaned(name, LONGEST_NAME) or "file",
            size=part.size,
            type=found.type,
            kind=found.kind,
            uploaded_at=_now_ms(),
            state=READY if found.kind == IMAGE else READING,
            tokens=found.tokens,
        )

    async def _remove_orphans(self) -> None:
        """Remove bytes that no file has: a crash came between their name and their row."""
        sums = await self._folder.run(lambda: list(self._folder.sums()))
        known = await self._store.known_bytes(sums)
        with suppress(StoreError):
            also = [sum for sum in sums if sum not in known]
            while await self._store.remove_bytes(self._folder.remove, also):
                also = []

    def _start_sweeping(self) -> None:
        if self._sweeping is None:
            self._sweeping = PeriodicCallback(self.sweep, 1000 * SWEEP_EVERY)
            self._sweeping.start()


def _check_ready(file: StoredFile) -> None:
    if file.state != READY:
        why = file.detail or "its text is still being taken out; try again shortly"
        raise Conflict(f"{file.name}: {why}", code="file_not_ready")


def _close_part(writing: asyncio.Future[tuple[PartFile, str, FileType]]) -> None:
    if not writing.cancelled() and not writing.exception():
        writing.result()[0].close()


def _not_found() -> NotFound:
    return NotFound("There is no file with this id.", code="file_not_found")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
