"""`import FILE`: conversations of another program become those of one user.

The rule: the import is the same as that of the page. Beside a running server the file is left to
it, and the command shows how far it is; without one the command imports it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import BinaryIO

from tornado_stream.auth.audit import recording
from tornado_stream.auth.users import FILE
from tornado_stream.auth.users_file import read_users
from tornado_stream.chat.imports.journal import READING, Import, Journal, export_name
from tornado_stream.chat.imports.service import FOLDER, Imports, place
from tornado_stream.chat.presets import Presets
from tornado_stream.commands.stored import has_store, opened_store
from tornado_stream.commands.verbs import Failed
from tornado_stream.config_file import ConfigFile
from tornado_stream.files.folder import FileFolder
from tornado_stream.files.service import Files
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.base import DirectoryInUse, DiskFull, OpenError
from tornado_stream.values.messages import LOCAL_OWNER

#: Bytes that are copied at once, and seconds between two looks at how far the import is.
PIECE, PAUSE = 1024 * 1024, 0.3
#: What the reasons of docs/import.md mean, for a person.
REASONS = {
    "damaged": "it is damaged",
    "damaged_archive": "the archive cannot be opened; perhaps the download was cut",
    "empty": "nobody has said anything in it",
    "encrypted": "it has a password",
    "failed": "reading it took too much time or memory",
    "file_too_large": "the file is larger than --max-file allows; its conversation is there",
    "file_type": "files of this kind are not taken; its conversation is there",
    "files_full": "the user's files are as many as --max-user-files allows; the text is there",
    "full": "it is larger than --max-stored-conversation or --max-messages allow",
    "no_conversations": "it has no conversations of a program that docs/import.md names",
    "not_known": "its form is not known",
    "not_saved": "the database could not be written; the same file goes on where it was",
    "too_large": "it is too large",
    "too_many_files": "its message has as many files as --max-files allows; the others are there",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="the .zip, .json or .jsonl of another program"
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        default=LOCAL_OWNER,
        help=f"whose conversations they become [{LOCAL_OWNER}]",
    )


def run(options: argparse.Namespace, settings: Settings) -> None:
    file = options.file.absolute()
    with recording(settings, "conversations_import") as about:
        owner = _owner(settings, options.user)
        try:
            with file.open("rb") as export:
                with _acting_as_server(settings.data_dir):
                    journal = _copied(export, file, owner, settings)
            ended = _run(journal, settings)
        except OSError as error:
            raise OpenError(f"cannot read {file} ({error.strerror or error})") from error
        _tell(file, ended)
        about(owner)


def _owner(settings: Settings, user: str) -> str:
    users = read_users(settings.data_dir / FILE)
    if user in users:
        return users.owner_id(user)
    if user != LOCAL_OWNER:
        raise SettingError(f"there is no user {user}; --user names who gets the conversations")
    if not has_store(settings):
        raise OpenError(
            f"no server has used {settings.data_dir} yet; --data-dir names the server's data "
            "directory"
        )
    return user


@contextmanager
def _acting_as_server(data_dir: Path) -> Iterator[None]:
    """As root, make files that belong to the owner of the data directory, who runs the server."""
    if os.name != "posix" or os.geteuid():
        yield
        return
    state, group = data_dir.stat(), os.getegid()
    os.setegid(state.st_gid)
    os.seteuid(state.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def _copied(export: BinaryIO, file: Path, owner: str, settings: Settings) -> Journal:
    """An import of the file, which is in the data directory when this returns."""
    size = os.fstat(export.fileno()).st_size
    if settings.max_import and size > settings.max_import:
        raise SettingError(f"{file} has more bytes than --max-import allows")
    folder = FileFolder(settings.data_dir, FOLDER)
    try:
        part = folder.new_part(size)
        name = None
        try:
            while data := export.read(PIECE):
                part.write(data)
            part.sync()
            journal = place(folder, part, owner, file.name)
            name = export_name(journal.about.id)
        finally:
            part.close(name)
    except (OSError, DiskFull) as error:
        raise OpenError(f"cannot copy {file} to {folder.path} ({error})") from error
    return journal


def _run(journal: Journal, settings: Settings) -> Import:
    """Import, or wait until the server has; returns how it has ended."""
    while journal.about.state == READING:
        with suppress(DirectoryInUse):
            asyncio.run(_import_here(journal, settings))
        sleep(PAUSE)
        journal.read()
    return journal.about


async def _import_here(journal: Journal, settings: Settings) -> None:
    store = await opened_store(settings)
    presets = Presets(ConfigFile(settings), store)
    files = Files(
        store,
        settings.data_dir,
        max_file=settings.max_file,
        max_files=settings.max_files,
        max_user_files=settings.max_user_files,
        max_file_text=settings.max_file_text,
    )
    imports = Imports(store, presets, files, settings.data_dir)
    about = journal.about
    try:
        await imports.open()
        while imports.get(about.owner, about.id).state == READING:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE)
    finally:
        await imports.close()
        files.close()
        await store.close()


def _tell(file: Path, about: Import, say: Callable[[str], None] = print) -> None:
    """Say how an import has ended. Raises `Failed` unless it is done."""
    why = REASONS.get(about.why, about.why)
    for one in about.skipped:
        say(f"not imported: {one.title or 'a conversation without a title'}: {REASONS[one.why]}")
    counts = (
        f"{about.imported:,} conversations imported, {about.known:,} known already, "
        f"{about.skipped_count:,} not imported"
    )
    if about.state == "stopped":
        raise Failed(f"the import of {file} was stopped: {counts}")
    if about.why and not (about.imported or about.known):
        raise Failed(f"nothing was imported from {file}: {why}")
    if about.why:
        raise Failed(f"the import of {file} ended too early, {why}: {counts}")
    say(f"{file}: {counts}")
