"""Imports at work: one export after the other, each on a thread.

The rule: a conversation is stored in one transaction of its own, and the next one only when that is
done. So questions and answers, which use the same queue, wait for one conversation at most.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread
from time import monotonic, sleep
from typing import Any, TypeVar

from tornado_stream.chat.imports import own
from tornado_stream.chat.imports.incoming_files import IncomingFiles
from tornado_stream.chat.imports.journal import (
    DONE,
    FAILED,
    READING,
    STOPPED,
    Journal,
    export_name,
    stop_mark,
)
from tornado_stream.chat.imports.own_settings import add_settings
from tornado_stream.chat.imports.process import ExportChild
from tornado_stream.chat.imports.results import Coming, OwnSettings, Skipped
from tornado_stream.chat.imports.trees import Found
from tornado_stream.chat.imports.wire import FileBegins, FileEnds, Told
from tornado_stream.chat.presets import Presets
from tornado_stream.files.folder import FileFolder
from tornado_stream.files.service import Files
from tornado_stream.store.base import AlreadyStored, Store, StoreError
from tornado_stream.store.extent import ConversationFull

logger = logging.getLogger(__name__)

#: How long an import rests behind each conversation, so that others find the processor and the
#: database free: as a part of the time that it took, and at most in seconds.
REST, LONGEST_REST = 0.5, 0.05
#: How long, in seconds, a thread may keep the interpreter while an import runs. With Python's 5 ms,
#: the loop waits as long after each of its sends, and answers come in jerks.
TURN = 0.0005
T = TypeVar("T")


class Runner:
    """All methods are called on the IOLoop's thread."""

    def __init__(self, store: Store, presets: Presets, files: Files, folder: FileFolder) -> None:
        self._store = store
        self._presets = presets
        self._files = files
        self._folder = folder
        self._waiting: deque[Journal] = deque()
        self._running: Journal | None = None
        self._child: ExportChild | None = None
        self._stopped: set[str] = set()  # ids
        self._closing = False
        self._end = asyncio.Event()  # of the import that ends next

    def start(self, journal: Journal) -> None:
        """Go on with an import, when those before it have ended. Where another process does that,
        its state is read."""
        if journal is not self._running and journal not in self._waiting:
            self._waiting.append(journal)
            self._start_next()

    def has(self, journal: Journal) -> bool:
        """Whether this process imports it, or will."""
        return journal.is_claimed or journal in self._waiting

    def stop(self, journal: Journal) -> None:
        """Stop an import, which ends when the one that runs has. What is imported stays."""
        if journal.about.state != READING:
            return
        self._stopped.add(journal.about.id)
        if journal in self._waiting:
            self._waiting.remove(journal)
            self._waiting.appendleft(journal)
        if journal is self._running and self._child:
            self._child.stop()

    async def ended(self, journal: Journal) -> None:
        """Wait until an import has ended."""
        while journal.about.state == READING and not self._closing:
            await self._end.wait()

    async def close(self) -> None:
        """Leave all imports as they are: they go on after the next start. When this returns, no
        thread uses the store."""
        self._closing = True
        self._waiting.clear()
        if self._child:
            self._child.stop()
        while self._running:
            await self._end.wait()

    def go_on(self) -> None:
        """Undo `close`."""
        self._closing = False

    def _start_next(self) -> None:
        if self._running or self._closing or not self._waiting:
            return
        self._running = self._waiting.popleft()
        loop = asyncio.get_running_loop()
        arguments = self._running, loop
        Thread(target=self._run, args=arguments, name="import", daemon=True).start()

    def _ended(self) -> None:
        if self._running:
            self._stopped.discard(self._running.about.id)
        self._running = self._child = None
        self._end.set()
        self._end = asyncio.Event()
        self._start_next()

    # On the thread of an import:

    def _run(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        try:
            if journal.claim():
                with closing(journal), _short_turns():
                    self._import(journal, loop)
            else:
                journal.read()  # another process has it
        except Exception as error:
            # An `OSError` of the journal: the disk is full, and the next start goes on.
            level = logging.WARNING if isinstance(error, OSError) else logging.ERROR
            logger.log(level, "an import has failed", exc_info=error)
            journal.about.state, journal.about.why = FAILED, "not_saved"
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self._ended)

    def _import(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        about = journal.about
        if about.state == READING:
            state, why = self._end_of(journal, loop)
            if state == READING:
                return  # the next start goes on
            journal.end(state, why)
            logger.info(
                "import %s: %s%s, %d conversations imported, %d known, %d not imported",
                *(about.id, state, f" ({why})" * bool(why)),
                *(about.imported, about.known, about.skipped_count),
            )
        self._folder.remove(export_name(about.id))
        stop_mark(self._folder, about.id).unlink(missing_ok=True)

    def _end_of(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> tuple[str, str]:
        """Import, and return how it ended and why; the state is `READING` if it is to go on after
        the next start."""
        about = journal.about
        if self._is_stopped(about.id):
            return STOPPED, ""
        try:
            path = self._folder.path_of(export_name(about.id))
            child = self._child = ExportChild(path, about.owner, journal.done)
            files = IncomingFiles(self._files, self._store.for_owner(about.owner), about.owner)
            try:
                with closing(child.results()) as results:
                    for result in results:
                        if self._closing or self._is_stopped(about.id):
                            break
                        self._take(journal, files, result, loop)
            finally:
                _wait(files.end(is_whole=False), loop)
        except StoreError:
            return FAILED, "not_saved"
        if self._is_stopped(about.id):
            return STOPPED, ""
        if self._closing:
            return READING, ""
        if child.ended:
            return FAILED, child.ended
        if not (about.imported or about.known or about.presets):
            return FAILED, "no_conversations"
        return DONE, ""

    def _is_stopped(self, id: str) -> bool:
        return id in self._stopped or stop_mark(self._folder, id).exists()

    def _take(
        self, journal: Journal, files: IncomingFiles, result: Told, loop: asyncio.AbstractEventLoop
    ) -> None:
        owner = journal.about.owner
        if isinstance(result, Coming):
            _wait(files.expect(result), loop)
        elif isinstance(result, FileBegins):
            _wait(files.begin(result), loop)
        elif isinstance(result, bytes):
            _wait(files.add(result), loop)
        elif isinstance(result, FileEnds):
            _wait(files.end(is_whole=result.is_whole), loop)
        elif isinstance(result, Skipped):
            journal.skipped(result.title, result.why)
        elif isinstance(result, OwnSettings):
            adding = add_settings(result, owner, self._store, self._presets)
            count, skipped = _wait(adding, loop)
            journal.presets(count, skipped)
        else:
            self._adopt(journal, *files.placed(result), loop)

    def _adopt(
        self,
        journal: Journal,
        found: Found,
        lost: list[Skipped],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        store = self._store.for_owner(journal.about.owner)
        is_own = found.source == own.SOURCE
        if is_own and _wait(store.conversation(found.original), loop):
            journal.settled(added=False, left_out=0)
            return
        began = monotonic()
        try:
            adopting = store.adopt(found.conversation, found.messages, journal.begun)
            added = _wait(adopting, loop)
        except ConversationFull:
            journal.skipped(found.conversation.title, "full")
        except AlreadyStored:
            journal.skipped(found.conversation.title, "failed")
        else:
            journal.settled(added=added, left_out=found.left_out, lost=lost)
        sleep(min(REST * (monotonic() - began), LONGEST_REST))


@contextmanager
def _short_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _wait(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
