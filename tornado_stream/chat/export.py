"""A conversation as Markdown, JSON or plain text. Pure: values in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
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
#: The fields of a message that the API shows.
SHOWN = [f.name for f in fields(Message) if f.name not in ("conversation_id", "signed")]
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
    data = {name: getattr(message, name) for name in SHOWN}
    if message.state == "running":
        data["last_event_id"] = last_event_id
    return data


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation as the API shows it, without its messages."""
    return asdict(conversation)


class Form:
    """A form of an export, which is made of three kinds of pieces."""

    def head(self, conversation: Conversation) -> bytes:
        """What stands before the messages."""
        raise NotImplementedError

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        """One message, the `number`-th."""
        raise NotImplementedError

    def tail(self, count: int) -> bytes:
        """What stands behind this many messages."""
        return b""

    def pieces(self, conversation: Conversation, messages: Iterable[Message]) -> Iterator[bytes]:
        """All pieces. Each holds the interpreter's lock for a short time only."""
        yield self.head(conversation)
        count = 0
        for count, message in enumerate(messages, 1):
            yield self.message(message, count)
        yield self.tail(count)


class ApiForm(Form):
    """The JSON of `GET /api/conversations/{id}`, with the question that waits."""

    def __init__(self, waiting: dict[str, Any] | None = None) -> None:
        self._waiting = waiting

    def head(self, conversation: Conversation) -> bytes:
        data = conversation_json(conversation) | {"waiting": self._waiting}
        return orjson.dumps(data)[:-1] + b',"messages":['

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        return b"," * (number > 1) + orjson.dumps(message_json(message, last_event_id))

    def tail(self, count: int) -> bytes:
        return b"]}"


class JsonForm(Form):
    """The same for people to read, with every branch."""

    def head(self, conversation: Conversation) -> bytes:
        data = orjson.dumps(conversation_json(conversation), option=orjson.OPT_INDENT_2)
        return data.removesuffix(b"\n}") + b',\n  "messages": ['

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        data = orjson.dumps(message_json(message), option=orjson.OPT_INDENT_2)
        return b"," * (number > 1) + b"\n    " + data.replace(b"\n", b"\n    ")

    def tail(self, count: int) -> bytes:
        return b"\n  ]\n}" if count else b"]\n}"


class MarkdownForm(Form):
    """The current branch. The text of a message is Markdown already, so it stays unchanged."""

    def head(self, conversation: Conversation) -> bytes:
        parts = [f"# {conversation.title or 'Conversation'}"]
        if conversation.system:
            parts.append(f"> {conversation.system}".replace("\n", "\n> "))
        return "\n\n".join(parts).encode()

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        parts = ["", f"## {_speaker(message)}", _text(message)]
        if message.sources:
            parts.append("\n".join(_links(message.sources)))
        if note := ENDINGS.get(message.state or ""):
            parts.append(f"*({note})*")
        return "\n\n".join(parts).encode()

    def tail(self, count: int) -> bytes:
        return b"\n"


class TextForm(Form):
    """The current branch as plain text. It ends with the last character of a running answer, so
    that the rest of that answer can be appended."""

    def head(self, conversation: Conversation) -> bytes:
        return f"{conversation.title}\n\n".encode() if conversation.title else b""

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        parts = [f"{_speaker(message)}:\n{_text(message)}"]
        if message.sources:
            parts.append("\n\n" + "\n".join(_plain_sources(message.sources)))
        if message.state != "running":
            note = ENDINGS.get(message.state or "")
            parts.append(f"\n({note})\n\n" if note else "\n\n")
        return "".join(parts).encode()


#: By the ending of the file's name.
FORMS: dict[str, Form] = {"json": JsonForm(), "md": MarkdownForm(), "txt": TextForm()}


def export(form: str, conversation: Conversation, messages: Iterable[Message]) -> bytes:
    """A whole export: "json" takes the messages of every branch, "md" and "txt" those of one."""
    return b"".join(FORMS[form].pieces(conversation, messages))


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
