"""What reading an export yields besides conversations. Pure, and loaded with the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Why a conversation, a file of one, or a whole export is not imported: see docs/import.md.
REASONS = (
    "damaged",
    "damaged_archive",
    "empty",
    "encrypted",
    "failed",
    "file_too_large",
    "file_type",
    "files_full",
    "full",
    "no_conversations",
    "not_known",
    "not_saved",
    "too_large",
    "too_many_files",
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A conversation that is not imported, or a file of one; `why` is one of `REASONS`."""

    title: str
    why: str


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """The presets and the defaults of an export of this program, as they stand in it."""

    presets: list[Any]
    defaults: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Coming:
    """The next conversation has files, which come before it: its id there, and its new one."""

    original: str
    id: str
