"""All conversations of one user as a zip archive that is made in pieces.

The rule: each piece needs one message only. An archive is whole when its last piece, the list of
its files, is there; one that was cut off cannot be opened.
"""

from __future__ import annotations

from time import gmtime
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tornado_stream.chat.export import FORMS
from tornado_stream.values.file_names import cleaned
from tornado_stream.values.messages import Conversation, Message, branch

#: The endings of the two files of a conversation, which are also names of `FORMS`.
ENDINGS = ("json", "md")
#: Bytes of a title, in UTF-8, that the name of a file has at most.
LONGEST_TITLE = 90
#: The first and the last year that a zip archive can have as the time of a file.
FIRST_YEAR, LAST_YEAR = 1980, 2107


class ConversationArchive:
    """Two files a conversation: `json/{id}.json` with every branch, as `GET /c/{id}.json` returns
    it, and `markdown/{title} {id}.md` with the current one.

    A method returns the bytes that are finished by then. It may run on any thread, one call at a
    time.
    """

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._zip = ZipFile(self._pieces, "w")
        self._form = FORMS["json"]
        self._file: IO[bytes] | None = None
        self._count = 0

    def add(self, conversation: Conversation, messages: list[Message]) -> bytes:
        """Add both files of a conversation, which has these messages."""
        thread = branch(messages, conversation.current_id)
        for ending, those in zip(ENDINGS, (messages, thread), strict=True):
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
        year, *rest = gmtime(conversation.updated_at / 1000)[:6]
        year = max(FIRST_YEAR, min(year, LAST_YEAR))
        info = ZipInfo(name, (year, rest[0], rest[1], rest[2], rest[3], rest[4]))
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        self._form, self._count = FORMS[ending], 0
        self._file = self._zip.open(info, "w")
        self._file.write(self._form.head(conversation))

    def message(self, message: Message) -> bytes:
        """Add a message to the file that was begun."""
        self._write_message(message)
        return self._pieces.taken()

    def end(self) -> bytes:
        """End the file that was begun."""
        self._end()
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
