"""`export FILE`: all conversations of one user as a zip archive, made beside a running server."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tornado_stream.auth.audit import recording
from tornado_stream.auth.users import FILE
from tornado_stream.auth.users_file import read_users
from tornado_stream.chat.conversation_archive import ConversationArchive
from tornado_stream.commands.verbs import Failed
from tornado_stream.generations.recovery import text_so_far
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.base import OpenError
from tornado_stream.store.snapshot import (
    DATABASE,
    BadDatabase,
    read_conversations,
    sync_directory,
)
from tornado_stream.values.messages import LOCAL_OWNER


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
    with os.fdopen(descriptor, "wb") as file, closing(read_conversations(database, owner)) as all:
        for conversation, messages, running in all:
            texts = {stored.message.id: text_so_far(stored) for stored in running}
            known = [texts.get(message.id, message) for message in messages]
            file.write(archive.add(conversation, known))
            count += 1
        file.write(archive.close())
        file.flush()
        os.fsync(file.fileno())
    return count
