"""What a conversation is made of. Pure values, frozen; identity is a UUID as text.

Times are milliseconds since the epoch, for people; order never depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.values.events import ToolCall

#: Whose everything is where nobody logs in.
LOCAL_OWNER = "local"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A tree of messages. `current_id` is the leaf that was written last."""

    id: str
    title: str
    system: str | None
    current_id: str | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a tree; `parent_id` is the one it follows, None for a root.

    `role` is `user` or `assistant`. What follows `content` is filled for an assistant's message
    only; its `state` is `running` or one of the five that an answer ends in.
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


def branch(messages: Iterable[Message], leaf_id: str | None) -> list[Message]:
    """The messages from the root to `leaf_id`, in order; empty where it is not among them."""
    by_id = {message.id: message for message in messages}
    thread = []
    while leaf_id and (message := by_id.get(leaf_id)):
        thread.append(message)
        leaf_id = message.parent_id
    return thread[::-1]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a provider is asked for: the messages in order, the model, and only the options set.

    A message is `{"role": "system" | "user" | "assistant", "content": str}`; a program's own may be
    any that OpenAI's API takes. `continued_text` is the text of the answer that is there already:
    only what follows it is to be produced. `left_out` is how many turns the messages lack.
    """

    messages: list[dict[str, Any]]
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    continued_text: str = ""
    left_out: int = 0
