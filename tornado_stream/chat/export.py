"""A conversation as Markdown, JSON or plain text. Pure: values in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import orjson

from tornado_stream.chat.sent_messages import other_parts
from tornado_stream.values.events import Source
from tornado_stream.values.messages import Conversation, Message

SPEAKERS = {
    "user": "You",
    "assistant": "Assistant",
    "system": "System",
    "developer": "Developer",
    "tool": "Tool",
    "function": "Tool",
}
#: Characters of a URL that stay as they are; `<`, `>` and spaces would end a link.
URL_SAFE = "%/:?#[]@!$&'()*+,;=~-._"
ENDINGS = {
    "stopped": "stopped",
    "error": "ended by an error",
    "cut_off": "cut off",
    "interrupted": "interrupted",
    "running": "still being written",
}


def message_json(message: Message, last_event_id: int | None = None) -> dict[str, Any]:
    """A message as the API shows it; only a running one has `last_event_id`. What is meant for the
    upstream alone is left out."""
    data = asdict(message)
    del data["conversation_id"], data["signed"]
    if message.state == "running":
        data["last_event_id"] = last_event_id
    return data


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation as the API shows it, without its messages."""
    return asdict(conversation)


def to_json(conversation: Conversation, messages: Iterable[Message]) -> bytes:
    """The whole conversation, every branch, as the API shows it."""
    return b"".join(json_pieces(conversation, messages))


def json_pieces(conversation: Conversation, messages: Iterable[Message]) -> Iterator[bytes]:
    """The same in pieces, one a message, each with the interpreter's lock for a short time only."""
    data = orjson.dumps(conversation_json(conversation), option=orjson.OPT_INDENT_2)
    yield data.removesuffix(b"\n}") + b',\n  "messages": ['
    separator = b"\n    "
    for message in messages:
        data = orjson.dumps(message_json(message), option=orjson.OPT_INDENT_2)
        yield separator + data.replace(b"\n", b"\n    ")
        separator = b",\n    "
    yield b"\n  ]\n}" if separator[:1] == b"," else b"]\n}"


def to_markdown(conversation: Conversation, thread: Iterable[Message]) -> str:
    """The current branch. The text of a message is Markdown already, so it stays unchanged."""
    parts = [f"# {conversation.title or 'Conversation'}"]
    if conversation.system:
        parts.append(f"> {conversation.system}".replace("\n", "\n> "))
    for message in thread:
        parts += [f"## {_speaker(message)}", _text(message)]
        if message.sources:
            parts.append("\n".join(_links(message.sources)))
        if note := ENDINGS.get(message.state or ""):
            parts.append(f"*({note})*")
    return "\n\n".join(parts) + "\n"


def to_text(conversation: Conversation, thread: Iterable[Message]) -> str:
    """The current branch as plain text. It ends with the last character of a running answer, so
    that the rest of that answer can be appended."""
    parts = [f"{conversation.title}\n\n"] if conversation.title else []
    for message in thread:
        parts.append(f"{_speaker(message)}:\n{_text(message)}")
        if message.sources:
            parts.append("\n\n" + "\n".join(_plain_sources(message.sources)))
        if message.state != "running":
            note = ENDINGS.get(message.state or "")
            parts.append(f"\n({note})\n\n" if note else "\n\n")
    return "".join(parts)


def _speaker(message: Message) -> str:
    name = SPEAKERS.get(message.role, message.role)
    return f"{name} ({message.model})" if message.model else name


def _text(message: Message) -> str:
    """The text of a message in an export; of other parts and of calls of tools what they are."""
    text = message.content or message.refusal
    return "\n\n".join([text] * bool(text) + other_parts(message.sent or {}))


def _links(sources: list[Source]) -> list[str]:
    """The sources as a numbered list in Markdown. No character of a page's title is markup."""
    return [f"{n}. {_link(source)}" for n, source in enumerate(sources, 1)]


def _link(source: Source) -> str:
    title = re.sub(
        r"([!-/:-@\[-`{-~])", r"\\\1", " ".join((source["title"] or source["url"]).split())
    )
    return f"[{title}](<{quote(source['url'], safe=URL_SAFE)}>)"


def _plain_sources(sources: list[Source]) -> list[str]:
    """The sources as numbered lines of text."""
    titles = [f"{source['title']}: " if source["title"] else "" for source in sources]
    return [f"[{n}] {titles[n - 1]}{source['url']}" for n, source in enumerate(sources, 1)]
