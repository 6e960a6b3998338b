"""From a request to a job: the values that the store saves, and the request to the model. Pure,
except for new ids and times.

The rule: the same request makes the same digest, whatever it is asked with.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from tornado_stream.chat.ids import new_id
from tornado_stream.chat.temporary import EarlierMessage
from tornado_stream.generations.job import Job
from tornado_stream.providers.base import Provider
from tornado_stream.store.base import NewAnswer
from tornado_stream.store.call_base import Decided
from tornado_stream.values.calls import Call
from tornado_stream.values.content import FileContents, wire_messages
from tornado_stream.values.errors import NotFound
from tornado_stream.values.events import Delta, Notice, Start, Tool
from tornado_stream.values.files import StoredFile, image_of
from tornado_stream.values.messages import (
    LOCAL_OWNER,
    ChatRequest,
    Conversation,
    Message,
)
from tornado_stream.values.presets import Preset

#: Characters of a title; it is made from the first message.
TITLE_LENGTH = 80
#: Code and message of the errors for texts that are too large.
MESSAGE_TOO_LARGE = "message_too_large", "This message is too long: {} is the most."
CONVERSATION_TOO_LARGE = (
    "conversation_too_large",
    "This conversation has become too long to be sent to a model: {} is the most. "
    "Start a new conversation.",
)


@dataclass(frozen=True)
class SendRequest:
    """The content of `POST /stream`. `message` None asks for another answer to a stored message.
    `parent_given` tells an absent parent from a null one; `leave_out` is how many of the oldest
    turns are not sent to the model; `continue_id` names the answer that is to be continued, and
    `preset` and `system` what a new conversation begins with. `summary_id` names the answer that
    the model reads in the place of all messages before. Where `keep` is False, nothing is stored,
    and `history` has the messages before this one. `files` are the ids of the files that belong to
    the message; without `pictures`, the model gets the names of pictures only. An answer with
    `beside` may run while others answer the same message. `tools` are names of servers of tools.
    `decide` says what becomes of the undecided calls of the answer `parent_id`, by their ids."""

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
    history: tuple[EarlierMessage, ...] = ()
    files: tuple[str, ...] = ()
    pictures: bool = True
    beside: bool = False
    tools: tuple[str, ...] | None = None
    decide: dict[str, str] | None = None

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
            *([] if self.keep else [{"history": [*map(tuple, self.history)]}]),
            *([{"files": self.files}] if self.files else []),
            *([] if self.pictures else [{"pictures": False}]),
            *([{"beside": True}] if self.beside else []),
            *([] if self.tools is None else [{"tools": self.tools}]),
            *([] if self.decide is None else [{"decide": self.decide}]),
        ]
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Thread:
    """The place in a conversation where an answer belongs: the messages before it, in order.

    `is_new` says that the conversation is not stored yet; `continued` is the answer that is to be
    continued. `root` is a new message, with which a new branch begins. `files` are those of the
    message that is sent, `contents` what the model gets of the files of all messages.
    """

    conversation: Conversation
    messages: list[Message]
    is_new: bool = False
    continued: Message | None = None
    root: Message | None = None
    files: tuple[StoredFile, ...] = ()
    contents: FileContents = field(default_factory=dict)


def compose(
    request: SendRequest,
    thread: Thread,
    provider: Provider,
    max_beside: int = 1,
    decided: Sequence[Call] = (),
) -> Job:
    """The answer to this request as a job: what to save, what to ask, and the first events. At most
    `max_beside` answers to one message run at a time. `decided` are the calls with which it begins,
    as `after_decision` makes them."""
    added = added_messages(request, thread)
    messages = [*thread.messages, *added]
    history, left_out = leave_out(messages, request.leave_out)
    continued = thread.continued
    wire, signed = wire_messages(thread.conversation.system, history, thread.contents)
    chat_request = ChatRequest(
        messages=wire,
        model=request.model or _model_of(request, thread),
        options=with_defaults(request.options, thread.conversation.options),
        continued_text=continued.content if continued else "",
        left_out=left_out,
        signed=signed,
    )
    new = new_answer(request, thread, added, provider.default_model)
    if decided:
        parts = [call.to_part() for call in decided]
        new = replace(new, message=replace(new.message, parts=parts))
    told = tuple(map(Tool, decided))
    return Job(
        replace(new, beside=max_beside) if request.beside else new,
        provider,
        chat_request,
        told + first_events(continued, left_out, messages),
        request.owner,
        persisted=request.keep,
    )


def _model_of(request: SendRequest, thread: Thread) -> str | None:
    """The model for a request that names none."""
    before = thread.messages[-1] if request.decide is not None else thread.continued
    return before.model if before else thread.conversation.model


def added_messages(request: SendRequest, thread: Thread) -> tuple[Message, ...]:
    """The new messages before the answer."""
    if request.message is None:
        return ()
    if thread.root is None:
        return (user_message(request.message, thread),)
    return thread.root, user_message(request.message, replace(thread, messages=[thread.root]))


def with_files(request: SendRequest, thread: Thread, files: Sequence[StoredFile]) -> Thread:
    """The thread whose next message has these files. They give a title to a new conversation that
    has no text."""
    conversation = thread.conversation
    if thread.is_new and not conversation.title:
        conversation = replace(conversation, title=make_title(files[0].name))
    return replace(thread, conversation=conversation, files=tuple(files))


def has_files(request: SendRequest, thread: Thread) -> bool:
    """Whether a message has files: the new one, or one before it."""
    before = any(message.files for message in thread.messages)
    return before or bool(request.files) or any(one.files for one in request.history)


def history_with_files(request: SendRequest, thread: Thread) -> list[Message]:
    """The messages that the model gets, as `compose` sends them; none if none of them has files."""
    history = [*thread.messages, *added_messages(request, thread)]
    history, _ = leave_out(history, request.leave_out)
    return history if any(message.files for message in history) else []


def begun_with(preset: Preset, conversation: Conversation) -> Conversation:
    """A new conversation with a copy of the preset. What the conversation has already stays."""
    return replace(
        conversation,
        system=preset.system if conversation.system is None else conversation.system,
        model=conversation.model or preset.model,
        options=with_defaults(conversation.options or {}, preset.options),
        preset=preset.name,
        tools=(list(preset.tools) or None) if conversation.tools is None else conversation.tools,
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
    if request.decide is not None and not request.model:
        message = replace(message, model=user.model)
    return NewAnswer(
        generation_id=request.request_id,
        fingerprint=request.fingerprint,
        conversation=thread.conversation if thread.is_new else None,
        messages=added,
        message=message,
        frame=start_frame(message, user),
        decided=Decided(user.id, request.decide) if request.decide else None,
    )


def first_events(
    continued: Message | None, left_out: int, thread: Sequence[Message] = ()
) -> tuple[Delta | Notice, ...]:
    """The events that this server itself puts between the `start` and the model's events. `thread`
    ends with the question."""
    events: list[Delta | Notice] = []
    if continued:
        # What was signed is not taken along: another upstream may write the rest.
        sources = tuple(continued.sources)
        images = tuple(map(image_of, continued.files))
        texts = continued.content, continued.reasoning
        events.append(Delta(*texts, sources=sources, images=images))
    if left_out:
        events.append(Notice("context_trimmed", {"turns": left_out}))
    for file in thread[-1].files if thread else ():
        if file["shortened"]:
            told = {"file": file["name"], "pages": file["pages_read"]}
            events.append(Notice("file_shortened", told))
    return tuple(events)


async def no_preset(owner: str, name: str) -> Preset:
    """Finds the preset of an owner where there are none."""
    raise NotFound("There is no preset with this id or name.", code="preset_not_found")


def now_ms() -> int:
    """Milliseconds since the epoch, for people."""
    return time.time_ns() // 1_000_000


def make_title(text: str) -> str:
    """The title of a conversation that begins with this message: one short line."""
    line = " ".join(text.split(None, TITLE_LENGTH))  # a title has at most this many words
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def new_conversation(
    title: str, system: str | None = None, tools: Sequence[str] | None = None
) -> Conversation:
    """A conversation that begins now."""
    now = now_ms()
    return Conversation(new_id(), title, system, None, now, now, tools=tools)


def new_thread(text: str, system: str | None = None, tools: Sequence[str] | None = None) -> Thread:
    """The empty thread of a new conversation that begins with this message."""
    return Thread(new_conversation(make_title(text), system, tools), [], is_new=True)


def user_message(text: str, thread: Thread) -> Message:
    """A new message of the user, at the end of a thread."""
    return Message(
        id=new_id(),
        conversation_id=thread.conversation.id,
        parent_id=thread.messages[-1].id if thread.messages else None,
        role="user",
        content=text,
        created_at=now_ms(),
        files=[file.in_message() for file in thread.files],
    )


def answer_message(
    request: SendRequest, user: Message, continued: Message | None, default_model: str | None
) -> Message:
    """The answer to a user's message, running and still empty."""
    return Message(
        id=new_id(),
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
        created_at=message.created_at,
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


def is_larger(texts: Iterable[str], limit: int) -> bool:
    """Whether these texts are together more than `limit` bytes in UTF-8. A limit of 0 is none."""
    if not limit:
        return False
    return sum(len(text if text.isascii() else text.encode()) for text in texts) > limit
