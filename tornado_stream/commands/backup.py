"""`backup FILE`: the data directory in one file, made beside a running server."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tornado_stream.auth.audit import recording
from tornado_stream.auth.users_file import read_users
from tornado_stream.commands.archive import MEMBERS, USERS, Archive, write_archive
from tornado_stream.commands.verbs import Failed
from tornado_stream.files.folder import FileFolder
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.base import OpenError
from tornado_stream.store.private_files import sync_directory
from tornado_stream.store.snapshot import (
    DATABASE,
    BadDatabase,
    Contents,
    check_database,
    copy_database,
    file_sums,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup; it must not exist yet")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="read the backup FILE, compare its sums, check its database, and write nothing; it "
        "is unpacked in the directory for temporary files ($TMPDIR)",
    )


def run(options: argparse.Namespace, settings: Settings) -> None:
    file = options.file.absolute()
    if options.verify:
        _verify(file)
    else:
        with recording(settings, "backup"):
            _write(file, settings.data_dir)


def _write(file: Path, data_dir: Path) -> None:
    if os.path.lexists(file):
        raise SettingError(f"{file} exists; a backup replaces no file, so name another one")
    with _temporary_folder(file.parent) as folder:
        contents = _collect(data_dir, folder)
        sources = {name: folder / name for name in MEMBERS if (folder / name).exists()}
        new = folder / "backup"
        files = FileFolder(data_dir)
        attached = map(files.path_of, file_sums(folder / DATABASE))
        made = write_archive(new, sources, contents.schema, attached)
        with new.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(new, file)
        sync_directory(file.parent)
    print(f"{file}: {described(contents, made.attached[0])}; {shown_size(file.stat().st_size)}")


def _collect(data_dir: Path, folder: Path) -> Contents:
    """Put copies of the files of the data directory into the folder, and check them."""
    try:
        copy_database(data_dir / DATABASE, folder / DATABASE)
        if (data_dir / USERS).exists():
            shutil.copyfile(data_dir / USERS, folder / USERS)
        return checked(folder)
    except BadDatabase as error:
        raise Failed(f"no backup was written: {error} ({data_dir})") from error


def _verify(file: Path) -> None:
    with Archive(file) as archive:
        archive.check()
        with _temporary_folder(None) as folder:
            check_room(archive, folder)
            contents = unpack(archive, folder)
        made = archive.manifest
        shown = described(contents, made.attached[0])
        print(f"{file} is whole: {shown}; {made.created_at}, {made.program}")


def unpack(archive: Archive, folder: Path) -> Contents:
    """Extract and check the files. Raises `Failed`, `OpenError`, `OSError`."""
    archive.extract(folder)
    try:
        return checked(folder)
    except BadDatabase as error:
        raise Failed(f"{archive.path} cannot be restored: {error}") from error


def checked(folder: Path) -> Contents:
    """Check copies of the database and of the users' file. Raises `BadDatabase`, `OpenError`."""
    try:
        read_users(folder / USERS)
    except OpenError as error:
        raise BadDatabase(f"{USERS} is damaged") from error
    return check_database(folder / DATABASE)


def check_room(archive: Archive, folder: Path) -> None:
    """Refuse an archive that would fill the disk. Raises `OpenError`."""
    free, needed = shutil.disk_usage(folder).free, archive.manifest.size
    if needed > free:
        raise OpenError(
            f"{archive.path} needs {shown_size(needed)} in {folder.parent}, where "
            f"{shown_size(free)} are free"
        )


def described(contents: Contents, files: int = 0) -> str:
    counted = {"conversation": contents.conversations, "message": contents.messages}
    if files:
        counted["file"] = files
    return ", ".join(f"{n:,} {word}{'s' if n != 1 else ''}" for word, n in counted.items())


def shown_size(size: int) -> str:
    """A number of bytes for a person, in kB below a megabyte and never 0 of something."""
    if size < 1_000_000:
        return f"{-(-size // 1000)} kB"
    return f"{size / 1e6:,.1f} MB"


@contextmanager
def _temporary_folder(parent: Path | None) -> Iterator[Path]:
    """A private folder that is removed at the end. Raises `OpenError` if it cannot be written."""
    try:
        with tempfile.TemporaryDirectory(prefix=".tornado-stream-", dir=parent) as folder:
            yield Path(folder)
    except OSError as error:
        where = parent or tempfile.gettempdir()
        raise OpenError(f"cannot write into {where} ({error.strerror or error})") from error
