"""The messages before that of a request which is not kept: its client sends them along.

Pure, except for new ids and times.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from tornado_stream.chat.ids import new_id
from tornado_stream.values.files import StoredFile
from tornado_stream.values.messages import Message


class EarlierMessage(NamedTuple):
    """A message before that of a request which is not kept; `files` are ids."""

    role: str
    content: str
    files: tuple[str, ...] = ()


def earlier_messages(history: Sequence[EarlierMessage], conversation_id: str) -> list[Message]:
    """The messages that a request which is not kept brings with it."""
    now = time.time_ns() // 1_000_000
    return [Message(new_id(), conversation_id, None, one.role, one.content, now) for one in history]


def with_earlier_files(
    history: Sequence[EarlierMessage], messages: Sequence[Message], files: Iterable[StoredFile]
) -> list[Message]:
    """The earlier messages with their files. Those that the user has deleted meanwhile are left
    out."""
    known = {file.id: file for file in files}
    return [
        replace(message, files=[known[id].in_message() for id in one.files if id in known])
        for message, one in zip(messages, history, strict=True)
    ]
