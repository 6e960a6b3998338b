"""Errors of PostgreSQL and of the way to it: what they mean, and in words for a person.

The rule: no message of the server or the driver is shown, because it may contain parts of a
conversation, or the password.
"""

from __future__ import annotations

import errno
import os
import socket

import asyncpg

from tornado_stream.store.base import AlreadyStored, DiskFull, StoreError
from tornado_stream.values.errors import ChatError

#: Classes of SQLSTATE after which a connection is of no use: it broke, the server is stopping or
#: starting, it has no room for a connection, or the transaction was ended from outside.
_LOST = ("08", "57", "53300", "25P03", "25006", "58")
#: The server ended one of two transactions that waited for each other. It has done none of it.
_ROLLED_BACK = ("40001", "40P01")
#: What is wrong where a connection cannot be made, by the beginning of the SQLSTATE.
_MEANINGS = {
    "28": "the server refuses the user or the password",
    "3D": "the server has no such database",
    "42501": "the user may not create tables in this database",
    "53300": "the server takes no more connections",
    "57P03": "the server is starting or stopping",
    "0A": "the server has no extension pg_trgm; install PostgreSQL's contrib package",
    "58": "the server has no extension pg_trgm; install PostgreSQL's contrib package",
}


class Unreachable(StoreError):
    """PostgreSQL did not answer in time. Whether a write was done is not known."""

    def __init__(self) -> None:
        super().__init__("The database cannot be reached now. Send it again shortly.")


def is_lost(error: Exception) -> bool:
    """Whether the connection is of no use after this error. An error that nobody foresaw counts:
    a driver whose time-out ran while the server died raises one of its own."""
    if isinstance(error, ChatError):
        return False
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or "08"
        return state != "57014" and state.startswith(_LOST)
    return True


def was_rolled_back(error: Exception) -> bool:
    """Whether the same transaction can simply be tried again."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _ROLLED_BACK


def is_of_the_way(error: Exception) -> bool:
    """Whether this error comes from the way to the server, not from a mistake of this program."""
    return not isinstance(
        error, (ChatError, ValueError, TypeError, KeyError, NameError, AssertionError)
    )


def as_store_error(error: asyncpg.PostgresError) -> StoreError:
    """What the server refused, as an error for a person."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return AlreadyStored()
    if isinstance(error, asyncpg.DiskFullError):
        return DiskFull()
    return StoreError(f"The database refused this (SQLSTATE {error.sqlstate}).")


def is_of(error: StoreError, constraint: str) -> bool:
    """Whether this constraint of the schema refused a row."""
    return getattr(error.__cause__, "constraint_name", None) == constraint


def reason(error: Exception) -> str:
    """Why the database cannot be opened."""
    if isinstance(error, asyncpg.PostgresError):
        for state, meaning in _MEANINGS.items():
            if (error.sqlstate or "").startswith(state):
                return meaning
        return f"the server refused it (SQLSTATE {error.sqlstate})"
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    if isinstance(error, socket.gaierror):
        return "the name of its host is not known"
    if isinstance(error, OSError):
        return f"the server cannot be reached ({os.strerror(error.errno or errno.EIO)})"
    return f"the connection failed ({type(error).__name__})"
