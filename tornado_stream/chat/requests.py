"""From a request to a turn: what is written and what the model is asked. Pure values."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tornado_stream.values.events import Start
from tornado_stream.values.messages import LOCAL_OWNER, Conversation, Message

#: Characters of a title; it is made from the first message.
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What `POST /stream` asks for. `parent_given` tells an absent parent from a null one;
    `leave_out` is how many of the oldest turns not to send; `continue_id` names the message that
    is to be gone on with."""

    request_id: str
    message: str | None
    conversation_id: str | None = None
    parent_id: str | None = None
    parent_given: bool = False
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    leave_out: int = 0
    continue_id: str | None = None
    owner: str = LOCAL_OWNER

    @property
    def fingerprint(self) -> bytes:
        """The same for the same request, whatever the order of its members."""
        body = [
            self.message,
            self.conversation_id,
            self.parent_id,
            self.parent_given,
            self.model,
            self.options,
            self.leave_out,
            self.continue_id,
        ]
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


def now_ms() -> int:
    """Milliseconds since the epoch, for people."""
    return time.time_ns() // 1_000_000


def make_title(text: str) -> str:
    """The title of a conversation that begins with this message: one short line."""
    line = " ".join(text.split(None, TITLE_LENGTH))  # further words are not looked for
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def new_conversation(title: str) -> Conversation:
    """A conversation that begins now."""
    now = now_ms()
    return Conversation(str(uuid.uuid4()), title, None, None, now, now)


def user_message(text: str, conversation_id: str, thread: list[Message]) -> Message:
    """A user's message that follows a thread."""
    return Message(
        id=str(uuid.uuid4()),
        conversation_id=conversation_id,
        parent_id=thread[-1].id if thread else None,
        role="user",
        content=text,
        created_at=now_ms(),
    )


def answer_message(
    request: SendRequest, user: Message, continued: Message | None, default_model: str | None
) -> Message:
    """The answer to a user's message, running and still empty."""
    return Message(
        id=str(uuid.uuid4()),
        conversation_id=user.conversation_id,
        parent_id=user.id,
        role="assistant",
        content="",
        created_at=now_ms(),
        model=request.model or (continued.model if continued else None) or default_model,
        state="running",
        generation_id=request.request_id,
        continued_from=continued.id if continued else None,
    )


def start_frame(message: Message, user: Message) -> bytes:
    """The encoded `start` event, number 1 of every log."""
    start = Start(
        generation_id=message.generation_id or "",
        conversation_id=message.conversation_id,
        message_id=message.id,
        user_message_id=user.id,
        parent_id=user.parent_id,
        model=message.model,
        continued_from=message.continued_from,
    )
    return start.encode(1, 0)


def leave_out(history: list[Message], turns: int) -> tuple[list[Message], int]:
    """The history without its oldest turns, and how many were left out; the last always stays."""
    begins = [i for i, message in enumerate(history) if message.role == "user"]
    turns = min(turns, len(begins) - 1)
    return history[begins[turns] :] if turns else history, turns


def wire_messages(system: str | None, history: list[Message]) -> list[dict[str, str]]:
    """The messages as a model takes them: roles alternate, since many chat templates insist.

    An answer without text is left out, and the questions before and after it become one.
    """
    wire = [{"role": "system", "content": system}] if system else []
    for message in history:
        if message.role == "assistant" and not message.content:
            continue
        if wire and wire[-1]["role"] == message.role:
            wire[-1]["content"] += "\n\n" + message.content
        else:
            wire.append({"role": message.role, "content": message.content})
    return wire


def is_larger(texts: Iterable[str], most: int) -> bool:
    """Whether these are more than `most` bytes as UTF-8; 0: never."""
    if not most:
        return False
    return sum(len(text if text.isascii() else text.encode()) for text in texts) > most
