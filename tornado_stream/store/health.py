"""What a store knows of its health. The rule: these are values, and nothing here reads a disk."""

from __future__ import annotations

from dataclasses import dataclass

#: What the metrics tell of it: the end of the name, the member of `StoreHealth`, and the help.
GAUGES = (
    ("read_only", "read_only", "1 while the disk of the database cannot be written."),
    ("replaced", "replaced", "1 while the file of the database is not the one that was opened."),
    ("damaged", "damaged", "1 if the last check of the database found damage."),
    ("checked_timestamp_seconds", "checked_at", "When the last whole check of the database ended."),
    ("unsecured_seconds", "unsecured", "For how long commits were in the write-ahead log alone."),
    (
        "commits_on_loop",
        "commits_on_loop",
        "1 while small commits are made on the event loop, because they are quick.",
    ),
    ("reserve", "reserve_held", "1 while space on the disk is kept for deletions."),
)


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What is wrong with the database, as far as the store knows. Times are in seconds.

    `checked_at` is when the last whole check ended, since the epoch; 0 if there was none.
    `unsecured` is for how long the oldest commit has been in the write-ahead log alone.
    `commits_on_loop` says whether small commits are made on the event loop, because they are quick.
    """

    read_only: bool = False
    replaced: bool = False
    damaged: bool = False
    checked_at: float = 0.0
    unsecured: float = 0.0
    reserve_held: bool = True
    commits_on_loop: bool = False
