"""The audit log: who logged in, and who changed, deleted or exported what, as lines of JSON.

The rule: a line has no text of a conversation, no password, no token, and no name that does not
belong to a user. A line that cannot be written holds up nothing: the ordinary log says so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

import orjson

from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.private_files import make_private

logger = logging.getLogger(__name__)

#: The file is renamed to `….1` when it has this many bytes; so many older ones are kept.
MAX_BYTES, OLDER_FILES = 10 * 1024 * 1024, 9


class AuditLog:
    """The file at `path`. Only its owner can read it. Raises `SettingError` if it cannot be
    written. Commands append to the same file beside a running server."""

    def __init__(self, path: Path) -> None:
        try:
            make_private(path)
            self._file = _File(path, maxBytes=MAX_BYTES, backupCount=OLDER_FILES)
        except OSError as error:
            why = error.strerror or error
            raise SettingError(f"cannot write the audit log {path} ({why})") from error

    def record(self, event: str, user: str, **details: str | int | None) -> None:
        """Append a line. `user` is the id of the user it is about; details that are None are left
        out."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, str | int] = {"at": at, "event": event, "user": user}
        line |= {name: value for name, value in details.items() if value is not None}
        text = orjson.dumps(line).decode()
        self._file.handle(logging.makeLogRecord({"msg": text}))

    def close(self) -> None:
        with suppress(OSError):  # of a line that could not be written, which was told
            self._file.close()


@contextmanager
def recording(settings: Settings, event: str) -> Iterator[Callable[[str], None]]:
    """Append the line of a command that succeeds within the block, if the settings name a file. The
    block tells which user it is about; the first id counts. A file that cannot be written raises
    `SettingError` before the command does anything."""
    log = AuditLog(settings.audit_log) if settings.audit_log else None
    users: list[str] = []
    try:
        yield users.append
        if log:
            user = next(filter(None, users), "")
            log.record(event, user, outcome="done", by="command")
    finally:
        if log:
            log.close()


class _File(RotatingFileHandler):
    """A private file whose failures the ordinary log tells. If another program has moved or removed
    the file, such as logrotate, or a command that began a new one, the next line begins it anew."""

    def emit(self, record: LogRecord) -> None:
        try:
            self._reopen_if_moved()
        except (OSError, ValueError):  # of a file that is closed
            self.handleError(record)
        else:
            super().emit(record)

    def _reopen_if_moved(self) -> None:
        path = Path(self.baseFilename)
        with suppress(FileNotFoundError):
            if self.stream and os.path.samestat(os.fstat(self.stream.fileno()), path.stat()):
                return
        make_private(path)
        if self.stream:
            stream, self.stream = self.stream, self._open()
            with suppress(OSError):  # of a line that could not be written, which was told
                stream.close()

    def handleError(self, record: LogRecord) -> None:
        logger.error("the audit log cannot be written; this line is lost: %s", record.getMessage())

    def rotate(self, source: str, dest: str) -> None:
        super().rotate(source, dest)
        make_private(Path(source))
