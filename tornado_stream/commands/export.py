"""`export FILE`: all conversations of one user as a zip archive, made beside a running server."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

from tornado_stream.auth.audit import recording
from tornado_stream.auth.users import FILE
from tornado_stream.auth.users_file import read_users
from tornado_stream.chat.conversation_archive import ConversationArchive
from tornado_stream.commands.verbs import Failed
from tornado_stream.files.folder import FileFolder
from tornado_stream.generations.recovery import text_so_far
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.base import OpenError
from tornado_stream.store.private_files import sync_directory
from tornado_stream.store.snapshot import (
    DATABASE,
    BadDatabase,
    read_conversations,
    read_file_sums,
    read_settings,
)
from tornado_stream.values.messages import LOCAL_OWNER, files_of

#: Bytes of a file that are copied at once.
PIECE = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="the archive; it must not exist yet"
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        default=LOCAL_OWNER,
        help=f"whose conversations; also the id of a user who was removed [{LOCAL_OWNER}]",
    )


def run(options: argparse.Namespace, settings: Settings) -> None:
    file = options.file.absolute()
    if os.path.lexists(file):
        raise SettingError(f"{file} exists; an export replaces no file, so name another one")
    with recording(settings, "conversations_export") as about:
        _export(file, options.user, settings, about)


def _export(file: Path, user: str, settings: Settings, about: Callable[[str], None]) -> None:
    users = read_users(settings.data_dir / FILE)
    known = user in users or user == LOCAL_OWNER
    owner = users.owner_id(user) if user in users else user
    database = settings.data_dir / DATABASE
    if not database.is_file():
        raise OpenError(f"there is no {database}; --data-dir names the server's data directory")
    try:
        descriptor, name = tempfile.mkstemp(prefix=".tornado-stream-", dir=file.parent)
    except OSError as error:
        raise OpenError(f"cannot write {file} ({error.strerror or error})") from error
    new = Path(name)
    try:
        count = _write(descriptor, database, owner)
        if not count and not known:
            raise SettingError(f"there is no user {owner}, and no conversation of such an id")
        os.replace(new, file)
        sync_directory(file.parent)
    except BadDatabase as error:
        raise Failed(f"nothing was exported: {error}") from error
    except OSError as error:
        raise OpenError(f"cannot write {file} ({error.strerror or error})") from error
    finally:
        new.unlink(missing_ok=True)
    about(owner)
    print(f"{file}: {count:,} conversation{'' if count == 1 else 's'} of {user}")


def _write(descriptor: int, database: Path, owner: str) -> int:
    """Write the archive; returns how many conversations there are."""
    count, archive = 0, ConversationArchive()
    files: dict[str, dict[str, Any]] = {}
    with os.fdopen(descriptor, "wb") as file, closing(read_conversations(database, owner)) as all:
        for conversation, messages, running in all:
            texts = {stored.message.id: text_so_far(stored) for stored in running}
            known = [texts.get(message.id, message) for message in messages]
            file.write(archive.add(conversation, known))
            files |= {one["id"]: one for message in known for one in files_of(message)}
            count += 1
        sums = read_file_sums(database, owner) if files else {}
        for id, one in files.items():
            if id in sums:
                _write_file(archive, file, database.parent, one, *sums[id])
        presets, defaults = read_settings(database, owner)
        file.write(archive.settings(presets, defaults, time.time_ns() // 1_000_000))
        file.write(archive.close())
        file.flush()
        os.fsync(file.fileno())
    return count


def _write_file(
    archive: ConversationArchive,
    target: IO[bytes],
    data_dir: Path,
    file: dict[str, Any],
    sum: str,
    uploaded_at: int,
) -> None:
    """Write the bytes of a file of a message into the archive, if they are still there."""
    with suppress(FileNotFoundError), FileFolder(data_dir).path_of(sum).open("rb") as source:
        archive.begin_file(file, uploaded_at)
        while piece := source.read(PIECE):
            target.write(archive.add_bytes(piece))
        target.write(archive.end_file())
