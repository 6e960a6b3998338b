"""`check`: looks for damage of the database, also beside a running server."""

from __future__ import annotations

import argparse
import sys

from tornado_stream.commands.verbs import Failed
from tornado_stream.settings import Settings
from tornado_stream.store.base import OpenError
from tornado_stream.store.checks import check_whole
from tornado_stream.store.snapshot import DATABASE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments of its own."""


def run(options: argparse.Namespace, settings: Settings) -> None:
    path = settings.data_dir / DATABASE
    if not path.is_file():
        raise OpenError(
            f"there is no database in {settings.data_dir}; name its directory with --data-dir"
        )
    problems = check_whole(path)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise Failed(f"{path} is damaged or empty; make a copy of it, and restore a backup")
    print(f"{path} is whole")
