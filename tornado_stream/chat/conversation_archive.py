"""All conversations of one user as a zip archive that is made in pieces.

The rule: each piece needs one message only. An archive is whole when its last piece, the list of
its files, is there; one that was cut off cannot be opened.
"""

from __future__ import annotations

from time import gmtime
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import orjson

from tornado_stream.chat.export import ARCHIVED_FORMS, archived_name
from tornado_stream.values.defaults import Defaults
from tornado_stream.values.file_names import cleaned
from tornado_stream.values.messages import Conversation, Message, branch
from tornado_stream.values.presets import Preset

#: The file with presets and defaults.
SETTINGS_FILE = "settings.json"
#: Bytes of a title, in UTF-8, that the name of a file has at most.
LONGEST_TITLE = 90
#: The first and the last year that a zip archive can have as the time of a file.
FIRST_YEAR, LAST_YEAR = 1980, 2107


class ConversationArchive:
    """Two files a conversation: `json/{id}.json` with every branch, as `GET /c/{id}.json` returns
    it, and `markdown/{title} {id}.md` with the current one. The files of messages are in `files/`,
    and `settings.json` has presets and defaults, if there are any.

    A method returns the bytes that are finished by then. It may run on any thread, one call at a
    time.
    """

    #: The endings of the two files of a conversation, which are also names of `FORMS`.
    ENDINGS = ("json", "md")

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._zip = ZipFile(self._pieces, "w")
        self._form = ARCHIVED_FORMS["json"]
        self._file: IO[bytes] | None = None
        self._count = 0

    def add(self, conversation: Conversation, messages: list[Message]) -> bytes:
        """Add both files of a conversation, which has these messages."""
        thread = branch(messages, conversation.current_id)
        for ending, those in zip(self.ENDINGS, (messages, thread), strict=True):
            self.begin(ending, conversation)
            for message in those:
                self._write_message(message)
            self._end()
        return self._pieces.taken()

    def begin(self, ending: str, conversation: Conversation) -> None:
        """Begin the file with one of the `ENDINGS`. Its messages follow, "md" has those of the
        current branch; then call `end`."""
        name = f"json/{conversation.id}.json"
        if ending == "md":
            title = cleaned(conversation.title, LONGEST_TITLE)
            name = f"markdown/{title or 'conversation'} {conversation.id}.md"
        self._form, self._count = ARCHIVED_FORMS[ending], 0
        self._file = self._zip.open(_entry(name, conversation.updated_at), "w")
        self._file.write(self._form.head(conversation))

    def begin_file(self, file: dict[str, Any], at: int) -> None:
        """Begin a file that messages have, as it is in them. Its bytes follow; then call
        `end_file`. `at` is the time, in milliseconds since the epoch."""
        entry = _entry(archived_name(file), at)
        entry.compress_type = ZIP_STORED  # pictures and documents are compressed already
        self._file = self._zip.open(entry, "w", force_zip64=True)

    def add_bytes(self, data: bytes) -> bytes:
        """Add bytes to the file that was begun."""
        assert self._file
        self._file.write(data)
        return self._pieces.taken()

    def end_file(self) -> bytes:
        """End the file that was begun."""
        assert self._file
        self._file.close()
        return self._pieces.taken()

    def message(self, message: Message) -> bytes:
        """Add a message to the file that was begun."""
        self._write_message(message)
        return self._pieces.taken()

    def end(self) -> bytes:
        """End the file that was begun."""
        self._end()
        return self._pieces.taken()

    def settings(self, presets: list[Preset], defaults: Defaults, at: int) -> bytes:
        """Add the presets and the defaults, if there are any; `at` is the time in milliseconds."""
        if not (presets or defaults.system or defaults.options):
            return b""
        data = {
            "presets": [preset.to_json() for preset in presets],
            "defaults": defaults.to_json(),
        }
        text = orjson.dumps(data, option=orjson.OPT_INDENT_2)
        self._zip.writestr(_entry(SETTINGS_FILE, at), text)
        return self._pieces.taken()

    def close(self) -> bytes:
        """The end of the archive."""
        self._zip.close()
        return self._pieces.taken()

    def _write_message(self, message: Message) -> None:
        assert self._file
        self._count += 1
        self._file.write(self._form.message(message, self._count))

    def _end(self) -> None:
        assert self._file
        self._file.write(self._form.tail(self._count))
        self._file.close()


def _entry(name: str, at: int) -> ZipInfo:
    year, *rest = gmtime(at / 1000)[:6]
    year = max(FIRST_YEAR, min(year, LAST_YEAR))
    info = ZipInfo(name, (year, rest[0], rest[1], rest[2], rest[3], rest[4]))
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


class _Pieces:
    """A file that can only be written to, and remembers what was written since the last look."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Part of the interface that `ZipFile` needs."""

    close = flush

    def taken(self) -> bytes:
        written, self._written = self._written, []
        return b"".join(written)
