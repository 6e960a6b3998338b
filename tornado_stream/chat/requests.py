"""From a request to a job: the values that the store saves, and the request to the model. Pure,
except for new ids and times.

The rule: only this module decides what the content of a message is for a model (`wire_messages`).
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from tornado_stream.generations.producer import Job
from tornado_stream.providers.base import Provider
from tornado_stream.store.base import NewAnswer
from tornado_stream.values.errors import InvalidRequest
from tornado_stream.values.events import Delta, Notice, Start
from tornado_stream.values.messages import (
    LOCAL_OWNER,
    ChatRequest,
    Conversation,
    Message,
    SignedMembers,
)
from tornado_stream.values.presets import Preset

#: Characters of a title; it is made from the first message.
TITLE_LENGTH = 80


@dataclass(frozen=True)
class SendRequest:
    """The content of `POST /stream`. `message` None asks for another answer to a stored message.
    `parent_given` tells an absent parent from a null one; `leave_out` is how many of the oldest
    turns are not sent to the model; `continue_id` names the answer that is to be continued, and
    `preset` and `system` what a new conversation begins with. `summary_id` names the answer that
    the model reads in the place of all messages before. Where `keep` is False, nothing is stored,
    and `history` has the messages before this one."""

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
    preset: str | None = None
    system: str | None = None
    summary_id: str | None = None
    keep: bool = True
    history: tuple[tuple[str, str], ...] = ()  # role and text of each

    @cached_property
    def fingerprint(self) -> bytes:
        """A digest that is the same for the same request, whatever the order of its options."""
        body = [
            self.message,
            self.conversation_id,
            self.parent_id,
            self.parent_given,
            self.model,
            self.options,
            self.leave_out,
            self.continue_id,
            # Absent members are left out, as earlier versions made the digest.
            *([self.preset] if self.preset else []),
            *([{"system": self.system}] if self.system else []),
            *([{"summary": self.summary_id}] if self.summary_id else []),
            *([] if self.keep else [{"history": self.history}]),
        ]
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Thread:
    """The place in a conversation where an answer belongs: the messages before it, in order.

    `is_new` says that the conversation is not stored yet; `continued` is the answer that is to be
    continued. `root` is a new message, with which a new branch begins.
    """

    conversation: Conversation
    messages: list[Message]
    is_new: bool = False
    continued: Message | None = None
    root: Message | None = None


def compose(request: SendRequest, thread: Thread, provider: Provider) -> Job:
    """The answer to this request as a job: what to save, what to ask, and the first events."""
    added = added_messages(request, thread)
    messages = [*thread.messages, *added]
    history, left_out = leave_out(messages, request.leave_out)
    continued = thread.continued
    wire, signed = wire_messages(thread.conversation.system, history)
    chat_request = ChatRequest(
        messages=wire,
        model=request.model or (continued.model if continued else thread.conversation.model),
        options=with_defaults(request.options, thread.conversation.options),
        continued_text=continued.content if continued else "",
        left_out=left_out,
        signed=signed,
    )
    return Job(
        new_answer(request, thread, added, provider.default_model),
        provider,
        chat_request,
        first_events(continued, left_out),
        request.owner,
        persisted=request.keep,
    )


def added_messages(request: SendRequest, thread: Thread) -> tuple[Message, ...]:
    """The new messages before the answer."""
    if request.message is None:
        return ()
    if thread.root is None:
        return (user_message(request.message, thread),)
    return thread.root, user_message(request.message, replace(thread, messages=[thread.root]))


def summary_message(answer: Message) -> Message:
    """The root of a new branch: the text of this answer, as a part of the system prompt."""
    return Message(
        id=str(uuid.uuid4()),
        conversation_id=answer.conversation_id,
        parent_id=None,
        role="system",
        content=answer.content,
        created_at=now_ms(),
    )


def begun_with(preset: Preset, conversation: Conversation) -> Conversation:
    """A new conversation with a copy of the preset. What the conversation has already stays."""
    return replace(
        conversation,
        system=preset.system if conversation.system is None else conversation.system,
        model=conversation.model or preset.model,
        options=with_defaults(conversation.options or {}, preset.options),
        preset=preset.name,
    )


def with_defaults(options: dict[str, Any], defaults: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options, and those of `defaults` that they do not have. One that is None in `options`
    takes the default away."""
    if not defaults:
        return options
    removed = {name for name in defaults if name in options and options[name] is None}
    return {name: value for name, value in {**defaults, **options}.items() if name not in removed}


def new_answer(
    request: SendRequest, thread: Thread, added: tuple[Message, ...], default_model: str | None
) -> NewAnswer:
    """What the store saves before the model is asked. `added` are the new messages before the
    answer; none where the last message of the thread is answered again."""
    user = (added or thread.messages)[-1]
    default_model = thread.conversation.model or default_model
    message = answer_message(request, user, thread.continued, default_model)
    return NewAnswer(
        generation_id=request.request_id,
        fingerprint=request.fingerprint,
        conversation=thread.conversation if thread.is_new else None,
        messages=added,
        message=message,
        frame=start_frame(message, user),
    )


def first_events(continued: Message | None, left_out: int) -> tuple[Delta | Notice, ...]:
    """The events that this server itself puts between the `start` and the model's events."""
    events: list[Delta | Notice] = []
    if continued:
        # What was signed is not taken along: another upstream may write the rest.
        sources = tuple(continued.sources)
        events.append(Delta(continued.content, continued.reasoning, sources=sources))
    if left_out:
        events.append(Notice("context_trimmed", {"turns": left_out}))
    return tuple(events)


def check_continuable(answer: Message) -> None:
    """Raises `InvalidRequest` where this answer cannot be continued."""
    if answer.state in ("done", "running") or not answer.content:
        raise InvalidRequest(
            "Only an answer that has some text and did not finish can be continued."
        )


def now_ms() -> int:
    """Milliseconds since the epoch, for people."""
    return time.time_ns() // 1_000_000


def make_title(text: str) -> str:
    """The title of a conversation that begins with this message: one short line."""
    line = " ".join(text.split(None, TITLE_LENGTH))  # a title has at most this many words
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def new_conversation(title: str, system: str | None = None) -> Conversation:
    """A conversation that begins now."""
    now = now_ms()
    return Conversation(str(uuid.uuid4()), title, system, None, now, now)


def new_thread(text: str, system: str | None = None) -> Thread:
    """The empty thread of a new conversation that begins with this message."""
    return Thread(new_conversation(make_title(text), system), [], is_new=True)


def earlier_messages(request: SendRequest, conversation: Conversation) -> list[Message]:
    """The messages that a request which is not kept brings with it."""
    now = now_ms()
    return [
        Message(str(uuid.uuid4()), conversation.id, None, role, text, now)
        for role, text in request.history
    ]


def user_message(text: str, thread: Thread) -> Message:
    """A new message of the user, at the end of a thread."""
    return Message(
        id=str(uuid.uuid4()),
        conversation_id=thread.conversation.id,
        parent_id=thread.messages[-1].id if thread.messages else None,
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
    """The `start` event as a frame; it is number 1 of every log."""
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
    """The history without its oldest turns, and how many are left out. The last turn stays, and so
    does what a program sent before the first turn."""
    begins = [i for i, message in enumerate(history) if _begins_turn(history, i)]
    turns = max(0, min(turns, len(begins) - 1))
    return [*history[: begins[0]], *history[begins[turns] :]] if turns else history, turns


def _begins_turn(history: list[Message], index: int) -> bool:
    """Whether the message is the first of the user's messages that one answer follows."""
    return history[index].role == "user" and not (index and history[index - 1].role == "user")


def wire_messages(
    system: str | None, history: list[Message]
) -> tuple[list[dict[str, Any]], tuple[SignedMembers, ...]]:
    """The messages as a model takes them, and what upstreams signed of them.

    A message of a program goes out as it was sent. Of all others the roles alternate, because many
    chat templates insist on it. A question that got no answer is not sent with the next one.
    """
    wire: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    signed: list[SignedMembers] = []
    whole = True  # the last message must stay as it is
    for message in _answered(history):
        if message.sent:
            wire.append(message.sent)
        elif (not whole or message is history[0]) and wire and wire[-1]["role"] == message.role:
            # The beginning of an answer by a program, and the rest of it by the model.
            between = "" if message.role == "assistant" else "\n\n"
            wire[-1]["content"] += between + _said(message)
        else:
            wire.append({"role": message.role, "content": _said(message)})
        whole = message.sent is not None
        if message.signed and message.upstream:
            index = len(wire) - 1
            signed.append(SignedMembers(index, message.upstream, message.model, message.signed))
    return wire, tuple(signed)


def _answered(history: list[Message]) -> list[Message]:
    """The history without the answers that have no text, and without the questions before them."""
    kept: list[Message] = []
    for message in history:
        if message.role != "assistant" or message.sent or _said(message).strip():
            kept.append(message)
        elif kept and kept[-1].role == "user" and kept[-1].id == message.parent_id:
            kept.pop()
    return kept


def _said(message: Message) -> str:
    """What a message says: its text, or the refusal of a model that gave no other text."""
    return message.content or message.refusal


def content_text(message: dict[str, Any]) -> str:
    """The text of a message as a program sends it, without its pictures and other parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def is_larger(texts: Iterable[str], limit: int) -> bool:
    """Whether these texts are together more than `limit` bytes in UTF-8. A limit of 0 is none."""
    if not limit:
        return False
    return sum(len(text if text.isascii() else text.encode()) for text in texts) > limit
