"""What the child process tells the server: lines of JSON, one for each message. Pure.

The rule: a line is decoded in a short time, and one that the server does not know ends the import.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import orjson

from tornado_stream.chat.imports.attachments import Attachment
from tornado_stream.chat.imports.own import ROLES, STATES
from tornado_stream.chat.imports.own_parts import parts_of
from tornado_stream.chat.imports.reader import Result
from tornado_stream.chat.imports.records import MAX_RECORD
from tornado_stream.chat.imports.results import REASONS, Coming, OwnSettings, Skipped
from tornado_stream.chat.imports.trees import Found
from tornado_stream.values.messages import Conversation, Message

#: Bytes of a file in one line.
PIECE = 192 * 1024
#: The most bytes of a line: those of one message.
MAX_LINE = MAX_RECORD + 1024 * 1024
_TEXTS = [f.name for f in fields(Message) if f.type == "str"]
_MAYBE_TEXTS = [f.name for f in fields(Message) if f.type == "str | None"]


class BadLine(ValueError):
    """A line is none that the child process writes."""


@dataclass(frozen=True, slots=True)
class FileBegins:
    """The bytes of a file follow: its id there, its name, its size, and the ids of the messages
    that have it."""

    id: str
    name: str
    size: int
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileEnds:
    """The last bytes of a file have come, or no more of them can be read."""

    is_whole: bool


#: What a line tells, or the last of several.
Told = Result | Coming | FileBegins | FileEnds | bytes


def lines(result: Result | Coming | Attachment) -> Iterator[bytes]:
    """The lines of a result."""
    if isinstance(result, Coming):
        yield _line(coming=[result.original, result.id])
    elif isinstance(result, Attachment):
        yield from _lines_of_file(result)
    elif isinstance(result, Skipped):
        yield _line(skipped=[result.title, result.why])
    elif isinstance(result, OwnSettings):
        yield _line(settings=[result.presets, result.defaults])
    else:
        about = [result.source, result.original, result.left_out]
        yield _line(begin=about, conversation=result.conversation)
        for message in result.messages:
            yield _line(message=message)
        yield _line(end=len(result.messages))


def _lines_of_file(file: Attachment) -> Iterator[bytes]:
    yield _line(file=[file.id, file.name, file.size, file.messages])
    size = 0
    try:
        while data := file.read(PIECE):
            size += len(data)
            yield _line(bytes=b64encode(data).decode())
    except Exception:  # whatever the libraries say of a damaged archive
        size = -1
    yield _line(file_end=size == file.size)


def end_line(why: str = "") -> bytes:
    """The last line: everything was read, or why nothing more is."""
    return _line(done=why)


class LineReader:
    """Puts results together again. `ended` is why reading has ended, "" for the end of the file;
    None as long as it has not."""

    def __init__(self) -> None:
        self.ended: str | None = None
        self._head: dict[str, Any] | None = None
        self._messages: list[Message] = []

    def feed(self, line: bytes) -> Told | None:
        """Take a line; returns what it tells or completes. Raises `BadLine`."""
        try:
            return self._take(orjson.loads(line))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadLine from error

    def _take(self, data: dict[str, Any]) -> Told | None:
        if "message" in data:
            self._messages.append(_message(data["message"]))
        elif "begin" in data:
            self._head, self._messages = data, []
        elif "end" in data:
            return self._found(data["end"])
        elif "bytes" in data:
            return b64decode(data["bytes"])
        elif "coming" in data:
            original, id = data["coming"]
            return Coming(str(original), str(id))
        elif "file" in data:
            id, name, size, messages = data["file"]
            return FileBegins(str(id), str(name), int(size), tuple(map(str, messages)))
        elif "file_end" in data:
            return FileEnds(data["file_end"] is True)
        elif "skipped" in data:
            title, why = data["skipped"]
            return Skipped(str(title), _reason(why))
        elif "settings" in data:
            presets, defaults = data["settings"]
            return OwnSettings(list(presets), dict(defaults))
        else:
            self.ended = data["done"] and _reason(data["done"])
        return None

    def _found(self, count: int) -> Found:
        head, messages = self._head, self._messages
        self._head, self._messages = None, []
        if head is None or count != len(messages):
            raise ValueError("a conversation is not whole")
        source, original, left_out = head["begin"]
        conversation = Conversation(**head["conversation"])
        if not all(one.conversation_id == conversation.id for one in messages):
            raise ValueError("a message belongs elsewhere")
        return Found(str(source), str(original), conversation, messages, int(left_out))


def _message(data: dict[str, Any]) -> Message:
    message = Message(**{**data, "parts": parts_of(data["parts"]) or []})
    texts = all(isinstance(getattr(message, name), str) for name in _TEXTS)
    others = all(isinstance(getattr(message, name), str | None) for name in _MAYBE_TEXTS)
    known = message.role in ROLES and message.state in (None, *STATES)
    if not (texts and others and known and isinstance(message.created_at, int)):
        raise ValueError("a message has another form")
    return message


def _reason(why: Any) -> str:
    if why not in REASONS:
        raise ValueError("a reason is not known")
    return str(why)


def _line(**data: Any) -> bytes:
    return orjson.dumps(data) + b"\n"
