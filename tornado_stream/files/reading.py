"""Takes the texts out of files, in the order in which they came.

The rule: a text is read on a thread, a document by a process of its own, one at a time. What is not
read when the server ends is read after its next start.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from tornado.gen import convert_yielded

from tornado_stream.files.folder import FileFolder
from tornado_stream.files.foreign import ForeignProcess
from tornado_stream.files.text import document_text, text_of
from tornado_stream.store.base import Store, StoreError
from tornado_stream.values.costs import TOKEN_LENGTH
from tornado_stream.values.files import FAILED, READING, READY, TEXT, ReadText, StoredFile


class TextReader:
    """Reads the files of all owners, and stores their texts. `max_text` is in characters; 0 is no
    limit. Everything but the reading runs on the IOLoop's thread."""

    def __init__(self, store: Store, folder: FileFolder, max_text: int) -> None:
        self._store = store
        self._folder = folder
        self._max_text = max_text
        self._to_read: deque[tuple[str, StoredFile]] = deque()
        #: Not None while documents are read.
        self.reading: asyncio.Future[None] | None = None
        self.process: ForeignProcess | None = None
        #: Waits for the process that reads a document.
        self._waiter = ThreadPoolExecutor(1, thread_name_prefix="documents")

    async def begin(self, owner: str, file: StoredFile) -> StoredFile:
        """Read a new file: a text at once, a document later. Returns it as it is then."""
        if file.state == READING and file.kind == TEXT:
            path = self._folder.path_of(file.sha256)
            read = await self._folder.run(text_of, path, self._max_text)
            return await self._save(owner, file, read)
        if file.state == READING:
            self.read_later(owner, file)
        return file

    def read_later(self, owner: str, file: StoredFile) -> None:
        self._to_read.append((owner, file))
        if self.reading is None:
            self.reading = convert_yielded(self._read_all())

    def close(self) -> None:
        """End the process that reads a document."""
        self._to_read.clear()
        if self.reading:
            self.reading.cancel()
        if self.process:
            self.process.kill()
        self._waiter.shutdown(wait=False)

    async def _read_all(self) -> None:
        try:
            while self._to_read:
                owner, file = self._to_read.popleft()
                loop = asyncio.get_running_loop()
                read = await loop.run_in_executor(self._waiter, self._read_document, file)
                with suppress(StoreError):  # after the next start it is read again
                    await self._save(owner, file, read)
        finally:
            self.reading = None

    def _read_document(self, file: StoredFile) -> ReadText:
        def started(process: ForeignProcess) -> None:
            self.process = process

        path = self._folder.path_of(file.sha256)
        if file.kind == TEXT:  # the server was killed between its upload and its text
            return text_of(path, self._max_text)
        try:
            return document_text(path, file.type, self._max_text, started)
        finally:
            self.process = None

    async def _save(self, owner: str, file: StoredFile, read: ReadText) -> StoredFile:
        tokens = -(-len(read.text) // TOKEN_LENGTH)
        await self._store.for_owner(owner).save_file_text(file.id, read, tokens)
        return replace(
            file,
            state=READY if read.text else FAILED,
            detail=read.detail,
            tokens=tokens,
            pages=read.pages,
            pages_read=read.pages_read,
            shortened=read.shortened,
        )
