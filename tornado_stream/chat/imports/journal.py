"""How far an import has come, in a file that survives a crash of the process.

The rule: a line is written before a conversation is stored, and one behind. So after a crash the
import goes on where it was, and counts each conversation once. Of several processes, one writes:
it has locked the file. All calls block.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from tornado_stream.chat.imports.results import Skipped
from tornado_stream.files.folder import FileFolder, lock
from tornado_stream.store.private_files import make_private, sync_directory

#: The endings of a journal's name, and of one that is not whole yet.
ENDING, UNFINISHED = ".journal", ".new"
#: What `Import.state` can be.
READING, DONE, FAILED, STOPPED = "reading", "done", "failed", "stopped"
#: Conversations that are not imported whose titles and reasons are kept.
MAX_SKIPPED = 500
#: What a line can begin with.
_BEGUN, _IMPORTED, _KNOWN, _SKIPPED, _PRESETS, _END = (
    "begun",
    "imported",
    "known",
    "skip",
    "presets",
    "end",
)


@dataclass
class Import:
    """An import of an owner, as users see it. `found` counts conversations, of which some were
    `imported` and some are `known` already. `skipped_count` has those that could not be imported,
    and presets and files that could not. `left_out` counts nodes that were hidden there. `why` says
    why the import failed. `began_at` is in milliseconds since the epoch."""

    id: str
    owner: str
    name: str
    size: int
    began_at: int
    state: str = READING
    why: str = ""
    found: int = 0
    imported: int = 0
    known: int = 0
    presets: int = 0
    left_out: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    skipped_count: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        shown = [{"title": one.title, "why": one.why} for one in self.skipped]
        return {name: getattr(self, name) for name in _SHOWN} | {"skipped": shown}


_SHOWN = [one.name for one in fields(Import) if one.name not in ("owner", "skipped")]


class Journal:
    """The file of one import. `about` is its state as it was read or written last; `done` is how
    many results of the export are settled. Raises `OSError` and, if the file is none of an import,
    `ValueError`."""

    def __init__(self, path: Path) -> None:
        """Read an import that was begun before."""
        self.path = path
        self._file: BinaryIO | None = None
        self.about = Import("", "", "", 0, 0)
        self.read()

    def read(self) -> None:
        """Read the file again: another process may have written into it."""
        self.done = 0
        self._was_new: bool | None = None  # of the result that was begun and is not settled
        lines = self.path.read_bytes().split(b"\n")
        about = Import(**_first(lines[0]))
        for line in lines[1:-1]:  # behind the last line end stands what a crash has cut
            with suppress(ValueError, TypeError, IndexError):
                self._take(about, *orjson.loads(line))
        vars(self.about).update(vars(about))  # who shows it keeps the object

    @property
    def is_claimed(self) -> bool:
        """Whether this process has taken it over."""
        return self._file is not None

    def claim(self) -> bool:
        """Take the import over until `close`. False if another process has it."""
        file = self.path.open("r+b", buffering=0)
        if not lock(file, when_unknown=True):
            file.close()
            return False
        self._file = file
        self.read()
        if file.seek(0, os.SEEK_END) and not self.path.read_bytes().endswith(b"\n"):
            file.write(b"\n")  # what a crash has cut gets a line of its own, which is no JSON
        return True

    @classmethod
    def create(cls, path: Path, about: Import) -> Journal:
        """Begin a new import. It is on the disk when this returns, and no other process sees a
        part of it."""
        new = path.with_suffix(UNFINISHED)
        make_private(new)
        members = ("id", "owner", "name", "size", "began_at")
        with new.open("wb") as file:
            file.write(orjson.dumps({name: getattr(about, name) for name in members}) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        sync_directory(path.parent)
        return cls(path)

    def begun(self, is_new: bool) -> None:
        """The next conversation is about to be stored; whether it is not there yet. Any thread may
        call this."""
        self._write(_BEGUN, is_new)

    def settled(self, *, added: bool, left_out: int, lost: Sequence[Skipped] = ()) -> None:
        """The conversation is there, without the files that are `lost`; whether something was added
        now."""
        added = added or bool(self._was_new)
        files = [[one.title, one.why] for one in lost]
        self._write(_IMPORTED if added else _KNOWN, left_out, files)

    def skipped(self, title: str, why: str) -> None:
        self._write(_SKIPPED, title, why)

    def presets(self, count: int, skipped: list[Skipped]) -> None:
        """So many presets were added; the others that were not there could not be."""
        self._write(_PRESETS, count, [[one.title, one.why] for one in skipped])

    def end(self, state: str, why: str = "") -> None:
        self._write(_END, state, why)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, *line: Any) -> None:
        assert self._file, "it is not claimed"
        self._file.write(orjson.dumps(line) + b"\n")
        self._take(self.about, *line)

    def _take(self, about: Import, kind: str, *rest: Any) -> None:
        if kind == _BEGUN:
            # After a crash, the second try finds what the first has stored.
            self._was_new = bool(rest[0]) or self._was_new
            return
        if kind == _END:
            about.state, about.why = rest
            return
        self.done, self._was_new = self.done + 1, None
        if kind == _PRESETS:
            about.presets += rest[0]
            for title, why in rest[1]:
                _skip(about, title, why)
            return
        about.found += 1
        if kind == _SKIPPED:
            _skip(about, *rest)
        else:
            about.left_out += rest[0]
            for title, why in rest[1] if len(rest) > 1 else ():
                _skip(about, title, why)
            about.imported += kind == _IMPORTED
            about.known += kind == _KNOWN


def _skip(about: Import, title: str, why: str) -> None:
    about.skipped_count += 1
    if len(about.skipped) < MAX_SKIPPED:
        about.skipped.append(Skipped(title, why))


def _first(line: bytes) -> dict[str, Any]:
    data = orjson.loads(line)
    if not isinstance(data, dict) or not isinstance(data.get("owner"), str):
        raise ValueError("this is no journal of an import")
    return data


def export_name(id: str) -> str:
    """The name of the bytes of an import in their folder."""
    return id.replace("-", "")


def stop_mark(folder: FileFolder, id: str) -> Path:
    """The file by which one process asks another one to stop an import."""
    return folder.path / f"{id}.stop"
