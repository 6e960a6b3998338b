"""The pictures of one answer on their way to the disk.

The rule: the text of the answer goes on meanwhile, and its `end` waits for them. A picture that
cannot be kept becomes a notice, and changes nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from tornado.gen import convert_yielded

from tornado_stream.values.errors import ChatError
from tornado_stream.values.events import Delta, Notice
from tornado_stream.values.files import StoredFile
from tornado_stream.values.messages import Message
from tornado_stream.values.pictures import MAX_PICTURES, SentPicture

logger = logging.getLogger(__name__)

#: Stores a picture as a file of an owner, which the answer has from then on; the last argument says
#: whether that answer is stored. Raises `ChatError`.
KeepPicture = Callable[[str, SentPicture, Message, bool], Awaitable[StoredFile]]


class AnswerPictures:
    """Keeps the pictures of one answer, one after the other, and emits a `Delta` or a `Notice` for
    each. Everything runs on the IOLoop's thread."""

    def __init__(
        self,
        keep: Callable[[SentPicture], Awaitable[StoredFile]],
        emit: Callable[[Delta | Notice], None],
    ) -> None:
        self._keep = keep
        self._emit = emit
        self._waiting: deque[SentPicture] = deque()
        self._task: asyncio.Future[None] | None = None
        self._count = 0

    def add(self, picture: SentPicture) -> None:
        self._count += 1
        if self._count > MAX_PICTURES:
            if self._count == MAX_PICTURES + 1:
                self._emit(not_kept("too_many_files"))
            return
        self._waiting.append(picture)
        if self._task is None:
            self._task = convert_yielded(self._keep_all())

    async def settled(self) -> None:
        """Wait until all of them are kept or refused."""
        if self._task:
            await self._task

    def cancel(self) -> None:
        """Keep none of those that are not kept yet."""
        self._waiting.clear()
        if self._task:
            self._task.cancel()

    async def _keep_all(self) -> None:
        try:
            while self._waiting:
                self._emit(await self._kept(self._waiting.popleft()))
        finally:
            self._task = None

    async def _kept(self, picture: SentPicture) -> Delta | Notice:
        try:
            file = await self._keep(picture)
        except ChatError as error:
            # The traceback refers to frames that refer to the picture.
            return not_kept(error.with_traceback(None).code)
        except Exception:
            logger.exception("a picture of an answer could not be kept")
            return not_kept("not_saved")
        return Delta(images=(file.in_answer(),))


def not_kept(reason: str) -> Notice:
    """A picture that is not there, and why: the code of an error."""
    return Notice("image_not_kept", {"reason": reason})
