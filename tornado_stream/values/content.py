"""What a message consists of: text, files, and the parts of a message as a program sent it. Pure.

The rule: only this module knows these shapes. Whoever needs the text of a message, its length, its
form for a model, or a line for each thing that is no text, asks here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tornado_stream.values.calls import decided_later, wire_of_parts
from tornado_stream.values.costs import TOKEN_LENGTH
from tornado_stream.values.files import IMAGE
from tornado_stream.values.messages import Message, SignedMembers, files_of

#: The types of parts that are pictures, in OpenAI's two APIs.
PICTURES = ("image_url", "input_image")
#: Characters of a part's type that people are shown.
LONGEST_TYPE = 80


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The bytes of a picture on their way to a model: `type` is a media type, `size` in bytes.
    `read` returns some of them: from which place on, and how many. `tokens` is about what a model
    counts. In a request the value stands where a URL stands, and is sent as a data URL."""

    type: str
    size: int
    read: Callable[[int, int], Awaitable[bytes]]
    tokens: int = 0


#: What models get of files, by their ids: the text of a file, or the bytes of a picture.
FileContents = Mapping[str, "str | FileBytes"]


def said(message: Message) -> str:
    """What a message says: its text, or the refusal of a model that gave no other text."""
    return message.content or message.refusal


def says_something(message: Message) -> bool:
    """Whether an answer has anything that a model could read again."""
    return bool(message.sent or said(message).strip() or message.files or message.parts)


def content_text(message: Mapping[str, Any]) -> str:
    """The text of a message as it is sent, without its pictures and other parts."""
    content = message.get("content")
    return content if isinstance(content, str) else "\n".join(_texts(content))


def text_length(message: Mapping[str, Any]) -> int:
    """The characters of a message's text as it is sent. A picture of a user counts as what its
    tokens are of text, other parts count nothing."""
    content = message.get("content")
    if isinstance(content, str):
        return len(content)
    pictures = sum(one.tokens for part in _parts(content) if (one := _file_bytes(part)))
    return sum(map(len, _texts(content))) + pictures * TOKEN_LENGTH


def stored_length(message: Message) -> int:
    """About the characters of a message that a model gets, with its files."""
    tokens: int = sum(file["tokens"] for file in message.files)
    return len(said(message)) + tokens * TOKEN_LENGTH


def plain_text(message: Mapping[str, Any]) -> str | None:
    """The whole content of a message as it is sent, if it is text and nothing else."""
    content = message.get("content") or ""
    if not isinstance(content, list):
        return str(content)
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    if len(texts) < len(content) or not all(isinstance(text, str) for text in texts):
        return None
    return "\n".join(map(str, texts))


def model_content(message: Message, files: FileContents) -> str | list[dict[str, Any]]:
    """The content of a message as a model takes it: a text, or parts if it has pictures.

    Documents and texts stand before the question, each with its name. A file that is not in `files`
    is named only.
    """
    text, pictures = _text_and_pictures(message, files)
    return _content(text, pictures)


def _text_and_pictures(message: Message, files: FileContents) -> tuple[str, list[dict[str, Any]]]:
    texts: list[str] = []
    pictures: list[dict[str, Any]] = []
    for file in message.files:
        content = files.get(file["id"])
        if isinstance(content, FileBytes):
            pictures.append({"type": "image_url", "image_url": {"url": content}})
        elif content is not None:
            texts.append(f"{_named(file)}\n\n{content}\n\n[End of {file['name']}]")
        else:
            texts.append(_named(file))
    return "\n\n".join(filter(None, [*texts, said(message)])), pictures


def _content(text: str, pictures: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if not pictures:
        return text
    return [*([{"type": "text", "text": text}] if text else []), *pictures]


def has_pictures(message: Message) -> bool:
    """Whether files of a stored message are pictures."""
    return any(file["kind"] == IMAGE for file in message.files)


def wire_messages(
    system: str | None, history: list[Message], files: FileContents | None = None
) -> tuple[list[dict[str, Any]], tuple[SignedMembers, ...]]:
    """The messages as a model takes them, and what upstreams signed of them. `files` has what the
    model gets of the files of these messages.

    A message of a program goes out as it was sent. Of all others the roles alternate, because many
    chat templates insist on it. A question that got no answer is not sent with the next one. The
    API has no pictures in answers, so those of an answer are sent with the next question.
    """
    wire: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    signed: list[SignedMembers] = []
    whole = True  # the last message must stay as it is
    shown: list[dict[str, Any]] = []  # pictures of answers that no question has brought yet
    answered = _answered(history)
    later = _later(answered) if any(message.parts for message in answered) else {}
    for message in answered:
        text, pictures = _text_and_pictures(message, files or {})
        if message.parts:
            for step, members in wire_of_parts(message.parts, later[message.id]):
                if members and message.upstream:
                    place = len(wire), message.upstream, message.model
                    signed.append(SignedMembers(*place, members))
                wire += step
            shown += pictures
            whole = True
            continue
        if message.role == "assistant" and not message.sent:
            content: Any = text or "\n".join(map(_named, message.files))
            shown += pictures
        else:
            content = _content(text, [*shown, *pictures])
            shown = []
        if message.sent:
            wire.append(message.sent)
        elif (not whole or message is history[0]) and wire and wire[-1]["role"] == message.role:
            # The beginning of an answer by a program, and the rest of it by the model.
            between = "" if message.role == "assistant" else "\n\n"
            wire[-1]["content"] = joined(wire[-1]["content"], content, between)
        else:
            wire.append({"role": message.role, "content": content})
        whole = message.sent is not None
        if message.signed and message.upstream:
            index = len(wire) - 1
            signed.append(SignedMembers(index, message.upstream, message.model, message.signed))
    return wire, tuple(signed)


def _later(history: list[Message]) -> dict[str, dict[str, dict[str, Any]]]:
    """For each answer with calls, what the answers after it tell of them."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    later: dict[str, dict[str, Any]] = {}
    for message in reversed(history):
        if message.parts:
            found[message.id] = later
        later = decided_later(message.parts, later)
    return found


def joined(first: Any, second: Any, between: str) -> Any:
    """Two contents as one."""
    if isinstance(first, str) and isinstance(second, str):
        return first + between + second
    return [*_parts(first), *_parts(second)]


def picture_count(messages: Iterable[Mapping[str, Any]]) -> int:
    """How many pictures messages have, as they are sent."""
    return sum(
        bool(part.get("type") in PICTURES)
        for message in messages
        if isinstance(content := message.get("content"), list)
        for part in content
        if isinstance(part, dict)
    )


def lines_of_parts(message: Message) -> list[str]:
    """What a message has beside its text, each as one line for a person: files, and the parts of a
    message of a program, with its calls of tools."""
    return [_named(file) for file in files_of(message)] + _sent_lines(message.sent or {})


def refusal_text(message: Mapping[str, Any]) -> str:
    """The refusal of a model, which a program sends back instead of a text or with it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [message]
    texts = (part.get("refusal") for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str))


def is_plain(message: Mapping[str, Any]) -> bool:
    """Whether a message as it is sent is a role and a text, and nothing else."""
    content = message.get("content")
    return message.keys() == {"role", "content"} and isinstance(content, str) and content != ""


def _texts(content: Any) -> Iterator[str]:
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return (text for text in texts if isinstance(text, str))


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _file_bytes(part: Any) -> FileBytes | None:
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else None
    return url if isinstance(url, FileBytes) else None


def _named(file: Mapping[str, Any]) -> str:
    """A line that stands for a file."""
    what = "Picture" if file["kind"] == IMAGE else "File"
    return f"[{what}: {file['name']}]"


def _sent_lines(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    lines = [f"[{_kind(part)}]" for part in parts if not _has_text(part)]
    calls = message.get("tool_calls")
    legacy = {"function": message.get("function_call")}
    for call in [*(calls if isinstance(calls, list) else []), legacy]:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            lines.append(f"[{function.get('name')}({function.get('arguments')})]")
    return lines


def _has_text(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text", part.get("refusal")), str)


def _kind(part: Mapping[str, Any]) -> str:
    """What a part is: the type of a picture that is in the message, else its own type."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if isinstance(url, str) and url.startswith("data:"):
        return url[5:].split(";")[0].split(",")[0][:LONGEST_TYPE]
    return str(part.get("type", "part"))[:LONGEST_TYPE]


def _answered(history: list[Message]) -> list[Message]:
    """The history without the answers that have no text, and without the questions before them."""
    kept: list[Message] = []
    for message in history:
        if message.role != "assistant" or says_something(message):
            kept.append(message)
        elif kept and kept[-1].role == "user" and kept[-1].id == message.parent_id:
            kept.pop()
    return kept
