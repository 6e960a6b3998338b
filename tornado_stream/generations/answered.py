"""What the events of an answer make of its message. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tornado_stream.values.events import AnswerText
from tornado_stream.values.files import file_of
from tornado_stream.values.messages import Message


def with_answer(message: Message, answer: AnswerText) -> Message:
    """The message with the text and the tool calls of its deltas."""
    return replace(message, **answered(answer))


def answered(answer: AnswerText) -> dict[str, Any]:
    """The fields of a message that its deltas fill."""
    names = "content", "reasoning", "refusal", "tool_calls", "sources", "signed", "parts"
    return {name: getattr(answer, name) for name in names} | {
        "files": [file_of(image) for image in answer.images]
    }
