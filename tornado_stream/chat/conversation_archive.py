"""All conversations of one user as a zip archive that is made in pieces.

The rule: memory holds one conversation at a time. An archive is whole when its last piece, the
list of its files, is there; one that was cut off cannot be opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import gmtime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tornado_stream.chat.export import FORMS
from tornado_stream.values.messages import Conversation, Message, branch

#: Characters of a title that the name of a file has at most.
LONGEST_TITLE = 50
#: The first and the last year that a zip archive can have as the time of a file.
FIRST_YEAR, LAST_YEAR = 1980, 2107


class ConversationArchive:
    """Two files a conversation: `json/{id}.json` with every branch, as `GET /c/{id}.json` returns
    it, and `markdown/{title} {id}.md` with the current one.

    Each call returns the bytes that are finished by then. It may run on any thread, one call at a
    time.
    """

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._zip = ZipFile(self._pieces, "w")

    def add(self, conversation: Conversation, messages: list[Message]) -> bytes:
        """Add a conversation."""
        self._write(
            f"json/{conversation.id}.json",
            conversation,
            FORMS["json"].pieces(conversation, messages),
        )
        thread = branch(messages, conversation.current_id)
        title = " ".join(re.sub(r"[^\w .,()+-]+", " ", conversation.title).split())
        title = title[:LONGEST_TITLE].strip(" .")
        self._write(
            f"markdown/{title or 'conversation'} {conversation.id}.md",
            conversation,
            FORMS["md"].pieces(conversation, thread),
        )
        return self._pieces.taken()

    def close(self) -> bytes:
        """The end of the archive."""
        self._zip.close()
        return self._pieces.taken()

    def _write(self, name: str, conversation: Conversation, pieces: Iterable[bytes]) -> None:
        year, *rest = gmtime(conversation.updated_at / 1000)[:6]
        year = max(FIRST_YEAR, min(year, LAST_YEAR))
        info = ZipInfo(name, (year, rest[0], rest[1], rest[2], rest[3], rest[4]))
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w") as file:
            for piece in pieces:
                file.write(piece)


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
