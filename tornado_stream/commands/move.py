"""`move --to URL`: the conversations of a data directory go into PostgreSQL, and are compared."""

from __future__ import annotations

import argparse
import asyncio

from tornado_stream.commands.verbs import Failed
from tornado_stream.generations.registry import Generations
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store import load_postgres, open_store
from tornado_stream.store.base import OpenError
from tornado_stream.store.snapshot import DATABASE
from tornado_stream.values.urls import parse_database_url, shown_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        metavar="URL",
        help="an empty database, as postgresql://user@host/database; else the one that "
        "TORNADO_STREAM_DATABASE names, which other users of the machine cannot see",
    )


def run(options: argparse.Namespace, settings: Settings) -> None:
    try:
        url = parse_database_url(options.to) if options.to else settings.database
    except ValueError as error:
        raise SettingError(f"--to cannot be that value: {error}") from None
    if url is None:
        raise SettingError("name the new database with --to, or by TORNADO_STREAM_DATABASE")
    path = settings.data_dir / DATABASE
    if not path.is_file():
        raise OpenError(f"there is no {path}; --data-dir names the server's data directory")
    load_postgres()
    rows = asyncio.run(_move(settings, url))
    print(
        f"{shown_database(url)} has {rows['conversations']} conversations with "
        f"{rows['messages']} messages, each compared with {path}. Start the server with this "
        f"database and this data directory: its users go there too, its files stay in it"
    )


async def _move(settings: Settings, url: str) -> dict[str, int]:
    """The data directory is this process's meanwhile: no server may write there."""
    from tornado_stream.store.postgres.moving import NotTheSame, move

    store = open_store(settings.data_dir, synchronous=settings.synchronous)
    try:
        await Generations(store).recover()
        return await move(settings.data_dir / DATABASE, url)
    except NotTheSame as error:
        raise Failed(str(error)) from error
    finally:
        await store.close()
