"""Conversations and messages. Pure frozen values; every id is a UUID as text.

Times are milliseconds since the epoch, for display; no order depends on them but that of
conversations which were adopted from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.values.calls import result_files, undecided
from tornado_stream.values.events import Source, ToolCall

#: The owner of everything on a server without login.
LOCAL_OWNER = "local"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A tree of messages. `current_id` is the leaf of the branch that is shown. `preset` is the
    name of the preset that it began with; `model`, `options` and `tools` (names of servers of
    tools) hold for requests that have none.
    `always` are the tools that run unasked in it, each with the `definition` that a person has
    allowed (`Call.definition`).
    `pinned`, `archived` and `folder`, a name, are its place in the list.
    """

    id: str
    title: str
    system: str | None
    current_id: str | None
    created_at: int
    updated_at: int
    model: str | None = None
    options: dict[str, Any] | None = None
    preset: str | None = None
    pinned: bool = False
    archived: bool = False
    folder: str | None = None
    tools: Sequence[str] | None = None
    always: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a tree; `parent_id` is the message before it, None for a root.

    `role` is `user` or `assistant`; a conversation of a program may also have `system`, `developer`
    and `tool`. Only an answer has the members from `reasoning` to `signed`; its `state` is
    `running` or one of the five states of an ended answer. `signed` has members that its `upstream`
    wants back unchanged. `sent` is the message as a program sent it to `/v1`, where it is more than
    its role and text. `files` are those that belong to it, as `StoredFile.in_message` makes them.
    `parts` are the texts, steps and calls of tools of an answer that has calls (`values/calls.py`).
    """

    id: str
    conversation_id: str
    parent_id: str | None
    role: str
    content: str
    created_at: int
    reasoning: str = ""
    refusal: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    model: str | None = None
    state: str | None = None
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    timings: dict[str, int | None] | None = None
    generation_id: str | None = None
    continued_from: str | None = None
    upstream: str | None = None
    cost: dict[str, Any] | None = None
    sources: list[Source] = field(default_factory=list)
    signed: dict[str, Any] | None = None
    sent: dict[str, Any] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)


def files_of(message: Message) -> list[dict[str, Any]]:
    """The files of a message, and the pictures that the calls of tools in it have returned."""
    if not message.parts:
        return message.files
    known = {file["id"] for file in message.files}
    returned = {file["id"]: file for file in result_files(message.parts)}
    return [*message.files, *(file for id, file in returned.items() if id not in known)]


def waiting_calls(message: Message) -> list[str]:
    """The ids of the calls of an answer that a person has to decide."""
    return [] if message.state == "running" else undecided(message.parts)


def branch(messages: Iterable[Message], leaf_id: str | None) -> list[Message]:
    """The messages from the root to `leaf_id`, in order; empty for an unknown id."""
    by_id = {message.id: message for message in messages}
    thread = []
    while leaf_id and (message := by_id.get(leaf_id)):
        thread.append(message)
        leaf_id = message.parent_id
    return thread[::-1]


@dataclass(frozen=True, slots=True)
class SignedMembers:
    """Members of an earlier answer that its upstream signed. They go back to this upstream and this
    model alone, with the message that has this index in the request."""

    index: int
    upstream: str
    model: str | None
    members: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a provider is asked: the messages in order, the model, and the options that were set.

    A message is `{"role": "system" | "user" | "assistant", "content": str}`; a message of a client
    of `/v1` may be any that OpenAI's API takes. `continued_text` is the text of an answer that is
    to be continued: the provider produces only what follows it. `left_out` is how many of the
    conversation's oldest turns are not in `messages`. `relay` says that a program asks: messages
    and options go out as they came, and the upstream's chunks are emitted too (`RelayedChunks`).
    """

    messages: list[dict[str, Any]]
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    continued_text: str = ""
    left_out: int = 0
    relay: bool = False
    signed: tuple[SignedMembers, ...] = ()
