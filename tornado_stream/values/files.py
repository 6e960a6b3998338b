"""Files of users: pictures, texts and documents that belong to questions. Pure values.

The rule: a file is what its bytes are. Its name is only shown, and its type comes from its first
bytes. Two files of one owner with the same bytes are one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tornado_stream.values.pictures import AnswerImage

#: What `StoredFile.kind` can be.
IMAGE, TEXT, DOCUMENT = "image", "text", "document"
#: What `StoredFile.state` can be.
READING, READY, FAILED = "reading", "ready", "failed"
#: The members of a file that its message keeps, and that the API shows there.
SHOWN = ("id", "name", "type", "size", "kind", "tokens", "pages", "pages_read", "shortened")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose bytes are on the disk, under their `sha256` in hexadecimal.

    `type` is a media type, `size` in bytes. The text of a text or a document is taken out after the
    upload: until then the state is `reading`. `detail` says to a person why it `failed`. `tokens`
    is about how many tokens a model reads, `pages` how many pages a document has, of which the
    text has the first `pages_read`. `shortened` says that the text is not whole. `uploaded_at` is
    when the bytes last came, in milliseconds since the epoch.
    """

    id: str
    sha256: str
    name: str
    size: int
    type: str
    kind: str
    uploaded_at: int
    state: str = READY
    detail: str = ""
    tokens: int = 0
    pages: int | None = None
    pages_read: int | None = None
    shortened: bool = False

    def to_json(self) -> dict[str, Any]:
        """The file as the API shows it."""
        return {name: getattr(self, name) for name in (*SHOWN, "state", "detail")}

    def in_message(self) -> dict[str, Any]:
        """The file as its message has it."""
        return {name: getattr(self, name) for name in SHOWN}

    def in_answer(self) -> AnswerImage:
        """A picture as the events of an answer have it."""
        return image_of(self.in_message())


def file_of(image: AnswerImage) -> dict[str, Any]:
    """A picture of an answer as its message has it."""
    file = {"id": image["file_id"], "kind": IMAGE, "shortened": False, **image}
    return {name: file.get(name) for name in SHOWN}


def image_of(file: Mapping[str, Any]) -> AnswerImage:
    """The opposite of `file_of`."""
    names = ("type", "name", "size", "tokens")
    return cast("AnswerImage", {"file_id": file["id"]} | {name: file[name] for name in names})


@dataclass(frozen=True, slots=True)
class ReadText:
    """What was taken out of a file. Without a text, `detail` says why."""

    text: str = ""
    detail: str = ""
    pages: int | None = None
    pages_read: int | None = None
    shortened: bool = False
