"""Which program wrote a conversation. Pure.

The rule: the content tells, never the name of a file.
"""

from __future__ import annotations

from typing import Any, Protocol

from tornado_stream.chat.imports import chatgpt, claude, librechat, llama_cpp, open_webui, own
from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.node_files import take_pictures
from tornado_stream.chat.imports.trees import Found, Tree, Unreadable, grown

NO_ARCHIVE = Attachments()


class Format(Protocol):
    """What the module of a format has."""

    #: The word for the program; it is part of the ids of what is imported.
    SOURCE: str

    def matches(self, record: dict[str, Any]) -> bool:
        """Whether an object is a conversation of this program."""

    def read(self, record: dict[str, Any], archive: Attachments) -> Tree:
        """The conversation of an object that matches. Pure: of the archive, only names are asked
        for."""


FORMATS: tuple[Format, ...] = (chatgpt, claude, open_webui, llama_cpp, librechat, own)


def format_of(record: dict[str, Any]) -> Format | None:
    """The format of a conversation; None if it is none that is known."""
    return next((one for one in FORMATS if one.matches(record)), None)


def read_conversation(
    record: dict[str, Any], owner: str, archive: Attachments = NO_ARCHIVE
) -> Found | None:
    """The conversation of an object; None if it is none that is known. Raises `Unreadable`."""
    form = format_of(record)
    if form is None:
        return None
    title = title_of(record)
    try:
        tree = form.read(record, archive)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable("damaged", title) from error
    if not tree.id:
        raise Unreadable("damaged", title)
    if not tree.own:
        for node in tree.nodes:
            take_pictures(node)
    return grown(tree, owner, form.SOURCE)


def title_of(record: dict[str, Any]) -> str:
    """The title of an object that may be a conversation."""
    inner = record.get("chat") or record.get("conv")
    for one in (record, inner if isinstance(inner, dict) else {}):
        for member in ("title", "name"):
            if isinstance(value := one.get(member), str) and value.strip():
                return " ".join(value[:400].split())[:200]
    return ""
