"""A conversation as Markdown, JSON or plain text. Pure: values in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any
from urllib.parse import quote

import orjson

from tornado_stream.values.content import lines_of_parts, said
from tornado_stream.values.events import Source
from tornado_stream.values.file_names import cleaned
from tornado_stream.values.files import IMAGE
from tornado_stream.values.messages import Conversation, Message, files_of, waiting_calls

SPEAKERS = {
    "user": "You",
    "assistant": "Assistant",
    "system": "System",
    "developer": "Developer",
    "tool": "Tool",
    "function": "Tool",
}
#: Bytes of a file's name, in UTF-8, in an archive.
LONGEST_NAME = 90
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
    if message.parts:
        data["parts"] = [{n: part[n] for n in part if n != "signed"} for part in message.parts]
    data["waiting"] = waiting_calls(message)
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
        self._running: list[str | None] = []  # the ids of the generations

    def head(self, conversation: Conversation) -> bytes:
        data = conversation_json(conversation) | {"waiting": self._waiting}
        return orjson.dumps(data)[:-1] + b',"messages":['

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        if message.state == "running":
            self._running.append(message.generation_id)
        return b"," * (number > 1) + orjson.dumps(message_json(message, last_event_id))

    def tail(self, count: int) -> bytes:
        return b'],"generation_ids":' + orjson.dumps(self._running) + b"}"


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
    """The current branch. The text of a message is Markdown already, so it stays unchanged. Files
    are links to where `link` says they are."""

    def __init__(self, link: Callable[[dict[str, Any]], str]) -> None:
        self._link = link

    def head(self, conversation: Conversation) -> bytes:
        parts = [f"# {conversation.title or 'Conversation'}"]
        if conversation.system:
            parts.append(f"> {conversation.system}".replace("\n", "\n> "))
        return "\n\n".join(parts).encode()

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        parts = [
            "",
            f"## {_speaker(message)}",
            *map(self._linked, files_of(message)),
            _text(message),
        ]
        if message.sources:
            parts.append("\n".join(_links(message.sources)))
        if note := ENDINGS.get(message.state or ""):
            parts.append(f"*({note})*")
        return "\n\n".join(parts).encode()

    def tail(self, count: int) -> bytes:
        return b"\n"

    def _linked(self, file: dict[str, Any]) -> str:
        """A link to a file; a picture is shown where it can be."""
        picture = "!" if file["kind"] == IMAGE else ""
        return f"{picture}[{_escaped(file['name'])}](<{quote(self._link(file), safe=URL_SAFE)}>)"


class TextForm(Form):
    """The current branch as plain text. It ends with the last character of a running answer, so
    that the rest of that answer can be appended."""

    def head(self, conversation: Conversation) -> bytes:
        return f"{conversation.title}\n\n".encode() if conversation.title else b""

    def message(self, message: Message, number: int, last_event_id: int | None = None) -> bytes:
        parts = [f"{_speaker(message)}:\n{_text(message, with_files=True)}"]
        if message.sources:
            parts.append("\n\n" + "\n".join(_plain_sources(message.sources)))
        if message.state != "running":
            note = ENDINGS.get(message.state or "")
            parts.append(f"\n({note})\n\n" if note else "\n\n")
        return "".join(parts).encode()


def file_address(file: dict[str, Any]) -> str:
    """Where the server has a file, from where it has a conversation."""
    return f"../api/files/{file['id']}"


def archived_name(file: dict[str, Any]) -> str:
    """The name of a file in an archive of conversations."""
    return f"files/{file['id']} {cleaned(file['name'], LONGEST_NAME) or 'file'}"


#: By the ending of the file's name.
FORMS: dict[str, Form] = {"json": JsonForm(), "md": MarkdownForm(file_address), "txt": TextForm()}
#: The same in an archive, where the Markdown is in a folder beside the files.
ARCHIVED_FORMS = FORMS | {"md": MarkdownForm(lambda file: f"../{archived_name(file)}")}


def export(form: str, conversation: Conversation, messages: Iterable[Message]) -> bytes:
    """A whole export: "json" takes the messages of every branch, "md" and "txt" those of one."""
    return b"".join(FORMS[form].pieces(conversation, messages))


def _speaker(message: Message) -> str:
    name = SPEAKERS.get(message.role, message.role)
    return f"{name} ({message.model})" if message.model else name


def _text(message: Message, *, with_files: bool = False) -> str:
    """The text of a message in an export; of other parts, calls of tools, and files if they are
    not shown otherwise, what they are."""
    lines = lines_of_parts(message)
    return "\n\n".join(
        filter(None, [said(message), *(lines if with_files else lines[len(files_of(message)) :])])
    )


def _links(sources: list[Source]) -> list[str]:
    """The sources as a numbered list in Markdown. No character of a page's title is markup."""
    return [f"{n}. {_link(source)}" for n, source in enumerate(sources, 1)]


def _link(source: Source) -> str:
    title = _escaped(source["title"] or source["url"])
    return f"[{title}](<{quote(source['url'], safe=URL_SAFE)}>)"


def _escaped(text: str) -> str:
    """A text in which no character is markup, on one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _plain_sources(sources: list[Source]) -> list[str]:
    """The sources as numbered lines of text."""
    titles = [f"{source['title']}: " if source["title"] else "" for source in sources]
    return [f"[{n}] {titles[n - 1]}{source['url']}" for n, source in enumerate(sources, 1)]
