"""Files that the messages of an export have: beside its JSON in an archive, or within the JSON.

The rule: a name in an archive is a key by which a file is found, never a path, and a file is what
its bytes are. All calls are synchronous.
"""

from __future__ import annotations

import re
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import IO

#: By how much a file of an archive of more than `SMALL` bytes may be larger than it was packed to.
MAX_RATIO, SMALL = 200, 1024 * 1024
#: Where exports of this program have the files of messages: the id begins the name.
_OWN = re.compile(r"files/([0-9a-f-]{36}) (.*)", re.S)
#: How ChatGPT names files: `file-XXX-cat.png`, `file_XXX.dat`. Messages point at the id before the
#: name, as `file-service://file-XXX` or `sediment://file_XXX`.
_POINTED = re.compile(r"(file[-_][0-9A-Za-z]+)[-.]?(.*)", re.S)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that messages have, of `size` bytes. `id` is what its messages call it there, `name`
    what it is called. `read` returns its next bytes, b"" at the end, and raises any error of a
    damaged file. `messages` are the ids of the messages that have it."""

    id: str
    size: int
    read: Callable[[int], bytes]
    name: str = ""
    messages: tuple[str, ...] = ()


class Attachments:
    """The files of an archive, by what messages call them. Without an archive there are none."""

    def __init__(
        self, archive: zipfile.ZipFile | None = None, entries: Iterable[zipfile.ZipInfo] = ()
    ) -> None:
        self._archive = archive
        self._entries: dict[str, tuple[str, zipfile.ZipInfo]] = {}
        for entry in entries:
            if not (entry.is_dir() or entry.flag_bits & 1 or is_bomb(entry)):
                for key, name in _keys(entry.filename):
                    self._entries.setdefault(key, (name, entry))

    def name(self, id: str) -> str | None:
        """What a file is called, "" if nothing tells; None if the archive does not have it."""
        found = self._entries.get(_pointed(id))
        return found[0] if found else None

    def find(self, id: str) -> Attachment | None:
        """A file of the archive, which is opened when it is first read."""
        found = self._entries.get(_pointed(id))
        if found is None or self._archive is None:
            return None
        return Attachment(id, found[1].file_size, _Opened(self._archive, found[1]).read)


def inline(id: str, base64: str) -> Attachment:
    """A file that stands within the JSON. One that is no base64 is damaged."""
    try:
        data = b64decode(base64.translate(_FOR_URLS), validate=True)
    except ValueError:
        return Attachment(id, -1, lambda size: b"")
    return Attachment(id, len(data), BytesIO(data).read)


def is_own(filename: str) -> bool:
    """Whether this is the name of a file of a message in an export of this program."""
    return _OWN.match(filename) is not None


def is_bomb(entry: zipfile.ZipInfo) -> bool:
    """Whether a file of an archive unpacks to more than it should."""
    return entry.file_size > max(SMALL, MAX_RATIO * entry.compress_size)


#: Base64 for URLs has other characters for two of the values; JSON may have lines in it.
_FOR_URLS = {ord("-"): "+", ord("_"): "/", ord("\r"): None, ord("\n"): None}


class _Opened:
    """A file of an archive, which is opened when it is first read."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        self._archive, self._entry = archive, entry
        self._file: IO[bytes] | None = None

    def read(self, size: int) -> bytes:
        self._file = self._file or self._archive.open(self._entry)
        if not (data := self._file.read(size)):
            self._file.close()
        return data


def _keys(filename: str) -> list[tuple[str, str]]:
    """What messages may call a file, and its name there."""
    if own := _OWN.match(filename):
        return [(own[1], own[2])]
    base = filename.replace("\\", "/").rpartition("/")[2]
    pointed = _POINTED.match(base)
    named = "" if base.endswith(".dat") else (pointed and pointed[2]) or base
    return [(base, base), *([(pointed[1], named)] if pointed else [])]


def _pointed(id: str) -> str:
    """The key of what a message calls a file, which may be a path or a pointer."""
    base = id.rpartition("/")[2]
    found = _POINTED.search(base) if "://" in id else None
    return found[1] if found else base
