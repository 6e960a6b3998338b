"""The files of JSON in an export: the file itself, or those in a zip archive.

The rule: no name in an archive means anything. A file is JSON by its first bytes, and how much may
be unpacked is bounded. All calls are synchronous.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from tornado_stream.chat.imports.attachments import Attachments, is_bomb, is_own
from tornado_stream.chat.imports.trees import Unreadable

#: Bytes of all files of JSON of an archive together.
MAX_UNPACKED = 2 * 1024**3
#: Files of an archive.
MAX_FILES = 100_000
#: Bytes that say whether a file is JSON; those at its beginning that mean nothing.
PEEK, BLANKS = 64, b"\xef\xbb\xbf \t\r\n\0"


@dataclass(frozen=True, slots=True)
class File:
    """A file of JSON. `read` returns its next bytes, b"" at the end, and raises any error of a
    damaged archive; `why` says why it is not read."""

    name: str
    read: Callable[[int], bytes]
    why: str = ""
    #: The files of the archive that messages may have.
    attachments: Attachments = field(default_factory=Attachments)


def files(file: BinaryIO) -> Iterator[File]:
    """The files of JSON in an export; each is closed when the next one is taken. Raises `OSError`,
    and `Unreadable` if it is no export."""
    start = file.read(PEEK)
    file.seek(0)
    if not start.startswith(b"PK"):
        if not _is_json(start):
            raise Unreadable("not_known")
        yield File("", file.read)
        return
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Unreadable("damaged_archive") from error
    with archive:
        yield from _files(archive)


def _files(archive: zipfile.ZipFile) -> Iterator[File]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise Unreadable("too_large")
    total = 0
    attachments = Attachments(archive, entries)
    for entry in entries:
        name = entry.filename.rpartition("/")[2][:200]
        if entry.is_dir() or is_own(entry.filename):
            continue
        if entry.flag_bits & 1:
            if name.endswith((".json", ".jsonl")):
                yield File(name, _nothing, "encrypted")
            continue
        with ExitStack() as stack:
            try:
                opened = cast(zipfile.ZipExtFile, stack.enter_context(archive.open(entry)))
                start = opened.peek(PEEK)
            except Exception:  # whatever the libraries say of a damaged archive
                if name.endswith((".json", ".jsonl")):
                    yield File(name, _nothing, "damaged")
                continue
            if not _is_json(start):
                continue
            total += entry.file_size
            if is_bomb(entry) or total > MAX_UNPACKED:
                yield File(name, _nothing, "too_large")
                continue
            yield File(name, opened.read, attachments=attachments)


def _is_json(start: bytes) -> bool:
    return start.lstrip(BLANKS)[:1] in (b"{", b"[")


def _nothing(size: int) -> bytes:
    return b""
