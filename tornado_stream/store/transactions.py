"""One transaction on a connection, whatever state an earlier failure left it in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@contextmanager
def transaction(db: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Commit what the block writes, or none of it if the block raises.

    The connection can be used again afterwards, even if the COMMIT or the ROLLBACK fails.
    """
    if db.in_transaction:  # the rollback of the previous transaction had failed
        db.rollback()
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.rollback()
