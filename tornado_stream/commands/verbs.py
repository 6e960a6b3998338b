"""The commands of the form `python main.py VERB …`, and how one of them is run.

The rule: a command is a row of `VERBS` and a module beside this one, named after its verb, which
is imported only when the command runs. The first argument decides: without a verb, the server
starts as ever.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn, Protocol, cast

from tornado_stream.own_command import program
from tornado_stream.settings import SettingError, Settings, default_data_dir

#: What each command does, by its verb. The text is part of `--help`.
VERBS = {
    "backup": "Write a backup of the data directory beside a running server, or verify one.",
    "check": "Look for damage of the database, also beside a running server.",
    "export": "Write all conversations of one user into a zip archive, beside a running server.",
    "import": "Import conversations of another program for one user, beside a running server.",
    "move": "Move the data directory's conversations into PostgreSQL.",
    "restore": "Restore a backup into an empty data directory.",
    "users": "Add, list and remove users, their tokens and their sessions.",
}


#: The commands that read or write the files of a data directory, and what does so for PostgreSQL.
_FILES = {
    "backup": "pg_dump",
    "check": "pg_amcheck",
    "export": "the page: Settings, Export",
    "restore": "pg_restore",
}


class Failed(Exception):
    """What the command was asked to look at is not right: exit status 1. The message says what."""


class Command(Protocol):
    """What the module of a command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace, settings: Settings) -> None:
        """Raises `Failed`, `SettingError` or `OpenError`."""


def run_verb(argv: Sequence[str], read_settings: Callable[[list[str]], Settings]) -> int:
    """Run the command whose verb is the first argument; returns the exit status.

    `read_settings` makes the settings of flags and the environment. Raises `SettingError` and
    `OpenError`.
    """
    verb, *rest = argv
    command = cast("Command", import_module(f"tornado_stream.commands.{verb}"))
    parser = _Parser(
        prog=f"{program()} {verb}",
        description=VERBS[verb],
        epilog="Exit status: 0 done, 1 damaged, 2 it could not be done; one line says why.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--data-dir",
        metavar="PATH",
        help=f"the server's data directory [{default_data_dir()}] $TORNADO_STREAM_DATA_DIR".replace(
            "%", "%%"
        ),
    )
    command.add_arguments(parser)
    options = parser.parse_args(rest)
    for name, value in vars(options).items():
        if isinstance(value, str) and name != "data_dir" and not _is_text(value):
            raise SettingError(f"{name} is not text in UTF-8: {value!a}")
    settings = read_settings(["--data-dir", options.data_dir] if options.data_dir else [])
    if settings.database and verb in _FILES:
        raise SettingError(
            f"{verb} is for a data directory, and TORNADO_STREAM_DATABASE names a database; "
            f"use {_FILES[verb]}"
        )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file can be any bytes
    try:
        with _Terminated():
            command.run(options, settings)
            sys.stdout.flush()
    except Failed as error:
        print(f"tornado-stream: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # of the output; a command tells those of its files
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        why = error.strerror or error
        print(f"tornado-stream: the output could not be written ({why})", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def verbs_help() -> str:
    """The commands, for the end of the server's `--help`."""
    return "Commands: " + " ".join(f"`{verb} --help`: {text}" for verb, text in VERBS.items())


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingError(f"{message}; see {self.prog} --help")


class _Terminated:
    """While the block runs, SIGTERM and SIGHUP raise `SystemExit`, so that temporary files are
    removed. A SIGHUP that is ignored (nohup) stays so."""

    def __enter__(self) -> None:
        self._before = {}
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(
                    number, lambda number, _: sys.exit(128 + number)
                )

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
