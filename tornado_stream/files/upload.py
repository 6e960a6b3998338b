"""Bytes that a client sends, on their way to the disk.

The rule: the loop never waits for the disk, and memory holds one buffer of each upload. An upload
that does not end leaves nothing.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from tornado_stream.files.folder import FileFolder, PartFile
from tornado_stream.store.base import DiskFull, OpenError, StoreError
from tornado_stream.values.errors import ChatError

#: Bytes that are written at once.
BUFFER = 128 * 1024
#: Errors that mean that there is no room.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Upload:
    """One upload of `size` bytes, on the IOLoop's thread. `on_end` is called when it holds nothing
    any more."""

    def __init__(self, folder: FileFolder, size: int, on_end: Callable[[], None]) -> None:
        self._folder = folder
        self._size = size
        self._on_end = on_end
        self._buffer = bytearray()
        self._part: PartFile | None = None
        self._working: asyncio.Future[None] | None = None
        self._failure: ChatError | None = None
        self._ended = False

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Take the next bytes. If a future is returned, wait for it before the next call; it never
        fails: `finish` raises the failure."""
        if self._failure or self._ended:
            return None
        self._buffer += data
        return self._flush() if len(self._buffer) >= BUFFER else None

    async def finish(self) -> tuple[PartFile, str]:
        """Write what is left. Returns the file, whose bytes are on the disk, and their sha256.

        Raises `StoreError`. Call `end` afterwards, whatever happens.
        """
        if self._working:
            await self._working
        await self._flush()
        if self._failure:
            raise self._failure
        assert self._part
        try:
            return self._part, await self._folder.run(self._part.sync)
        except OSError as error:
            raise write_failure(error) from error

    def end(self, sha256: str | None = None) -> asyncio.Future[None]:
        """The upload is over: its bytes have their name now, or they are removed. The future is
        done when that is on the disk."""
        ended = asyncio.get_running_loop().create_future()
        if self._ended:
            ended.set_result(None)
            return ended
        self._ended = True
        self._buffer.clear()

        def closed(_: object) -> None:
            self._on_end()
            if not ended.done():
                ended.set_result(None)

        def close(_: object) -> None:
            self._folder.run(self._close, sha256).add_done_callback(closed)

        if self._working and not self._working.done():  # it has the file
            self._working.add_done_callback(close)
        else:
            close(None)
        return ended

    def _close(self, sha256: str | None) -> None:
        if self._part:
            self._part.close(sha256)

    def _flush(self) -> asyncio.Future[None]:
        data, self._buffer = self._buffer, bytearray()
        self._working = self._folder.run(self._write, data)
        return self._working

    def _write(self, data: bytearray) -> None:
        try:
            if self._part is None:
                self._part = self._folder.new_part(self._size)
            self._part.write(data)
        except StoreError as error:
            self._failure = error
        except (OSError, OpenError) as error:
            self._failure = write_failure(error)


def write_failure(error: Exception) -> StoreError:
    """A failure of the disk as the error that a user sees."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return DiskFull()
    return StoreError("The file cannot be saved now: the disk refuses it.")
