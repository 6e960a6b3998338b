"""Everything that an export has, one result after the other.

The rule: nothing that is not imported is passed over in silence: a conversation that cannot be read
is `Skipped`, with its title and the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from tornado_stream.chat.imports import llama_cpp, own
from tornado_stream.chat.imports.archives import File, files
from tornado_stream.chat.imports.attachments import Attachment, inline
from tornado_stream.chat.imports.formats import format_of, read_conversation, title_of
from tornado_stream.chat.imports.records import MAX_RECORD, Damaged, Records
from tornado_stream.chat.imports.results import Coming, OwnSettings, Skipped
from tornado_stream.chat.imports.trees import Found, Unreadable
from tornado_stream.values.messages import files_of

#: Objects of one file that may be conversations of an unknown form.
MAX_UNKNOWN = 1000
#: What is settled one by one; `Coming` and the files that follow it belong to the next one.
Result = Found | Skipped | OwnSettings


def results(export: BinaryIO, owner: str) -> Iterator[Result | Coming | Attachment]:
    """What an export has. The same file has the same results in the same order. Raises
    `Unreadable` if it is no export, and `OSError`."""
    for file in files(export):
        if file.why:
            yield Skipped(file.name, file.why)
        else:
            yield from _FileReader(file, owner)


class _FileReader:
    """The results of one file."""

    def __init__(self, file: File, owner: str) -> None:
        self._file = file
        self._owner = owner
        self._known = False  # a conversation was found in it
        self._unknown: list[Skipped] = []
        self._session: dict[str, Any] | None = None  # of llama.cpp's lines
        self._size = 0

    def __iter__(self) -> Iterator[Result | Coming | Attachment]:
        for record in Records(self._file.read, self._is_known):
            if isinstance(record, Damaged):
                yield Skipped(record.title or self._file.name, record.why)
            else:
                yield from self._read(record)
        yield from self._end_session()
        # Other files of an archive, for example that of the user, have no conversations.
        if self._known:
            yield from self._unknown

    def _is_known(self, record: dict[str, Any]) -> bool:
        return (
            format_of(record) is not None
            or own.is_settings(record)
            or llama_cpp.begins(record)
            or llama_cpp.follows(record)
        )

    def _read(self, record: dict[str, Any]) -> Iterator[Result | Coming | Attachment]:
        if llama_cpp.follows(record):
            yield from self._add_to_session(record)
            return
        yield from self._end_session()
        if llama_cpp.begins(record):
            self._known = True
            self._session, self._size = {"conv": record, "messages": []}, 0
        elif own.is_settings(record):
            self._known = True
            yield OwnSettings(record["presets"], record["defaults"])
        elif format_of(record):
            yield from self._conversation(record)
        elif inner := [one for one in _objects_in(record) if format_of(one)]:
            for one in inner:
                yield from self._conversation(one)
        elif len(self._unknown) < MAX_UNKNOWN:
            self._unknown.append(Skipped(title_of(record), "not_known"))

    def _conversation(self, record: dict[str, Any]) -> Iterator[Result | Coming | Attachment]:
        """A conversation, behind those files of its messages whose bytes are there."""
        self._known = True
        try:
            found = read_conversation(record, self._owner, self._file.attachments)
        except Unreadable as error:
            yield Skipped(error.title, error.why)
            return
        if found is None:
            yield Skipped(title_of(record), "not_known")
            return
        if any(map(files_of, found.messages)):
            yield Coming(found.original, found.conversation.id)
            yield from self._files(found)
        yield found

    def _files(self, found: Found) -> Iterator[Attachment]:
        users: dict[str, list[str]] = {}
        names = {}
        for message in found.messages:
            for file in files_of(message):
                users.setdefault(file["id"], []).append(message.id)
                names[file["id"]] = file["name"]
        for id, name in names.items():
            base64 = found.data.get(id)
            bytes_of = inline(id, base64) if base64 else self._file.attachments.find(id)
            if bytes_of:
                yield replace(bytes_of, name=name, messages=tuple(users[id]))

    def _add_to_session(self, record: dict[str, Any]) -> Iterator[Result]:
        message = llama_cpp.bounded(record["message"], MAX_RECORD - self._size)
        if self._session is None:
            yield Skipped(self._file.name, "damaged")
            self._session = {"conv": {}, "messages": []}  # its messages are skipped with it
        if not self._session["conv"]:
            return
        self._size += llama_cpp.size_of(message)
        if self._size > MAX_RECORD:
            yield Skipped(title_of(self._session), "too_large")
            self._session = {"conv": {}, "messages": []}
        else:
            self._session["messages"].append(message)

    def _end_session(self) -> Iterator[Result | Coming | Attachment]:
        session, self._session = self._session, None
        if session and session["conv"]:
            yield from self._conversation(session)


def _objects_in(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects in the lists of an object: some programs put one around their list."""
    lists = [value for value in record.values() if isinstance(value, list)]
    return [one for values in lists for one in values if isinstance(one, dict)]
