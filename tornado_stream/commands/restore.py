"""`restore FILE`: a backup becomes the data directory of a server that does not run yet.

The rule: nothing is written before the backup is known to be whole, and the files get their names
only after all of them are on the disk and checked. The database gets its name last.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tornado_stream.auth.audit import recording
from tornado_stream.commands.archive import MEMBERS, Archive
from tornado_stream.commands.backup import check_room, described, unpack
from tornado_stream.files.folder import FOLDER
from tornado_stream.settings import Settings
from tornado_stream.store.base import OpenError
from tornado_stream.store.lock import DirectoryLock
from tornado_stream.store.opening import RESTORE_PART
from tornado_stream.store.private_files import make_directory, sync_directory, unusable
from tornado_stream.store.snapshot import DATABASE, Contents

#: What an empty data directory may have: locks, the space in reserve, the time of the last check,
#: fetched weights, and what a file system puts there.
NO_DATA = {"lock", "users.json.lock", "reserve", "checked", "models", "lost+found", RESTORE_PART}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a file that `backup` wrote")


def run(options: argparse.Namespace, settings: Settings) -> None:
    data_dir = settings.data_dir
    ours = set(NO_DATA)
    if settings.audit_log and settings.audit_log.absolute().parent == data_dir.absolute():
        make_directory(data_dir)
        ours.add(settings.audit_log.name)
    with recording(settings, "restore"):
        _run(options, data_dir, ours)


def _run(options: argparse.Namespace, data_dir: Path, ours: set[str]) -> None:
    _refuse_data(data_dir, ours)
    with Archive(options.file.absolute()) as archive:
        archive.check()
        with _locked(data_dir):
            _refuse_data(data_dir, ours)
            contents = _restore(archive, data_dir)
        made = archive.manifest
    print(f"{data_dir}: {described(contents, made.attached[0])}, as they were at {made.created_at}")


def _restore(archive: Archive, data_dir: Path) -> Contents:
    part = data_dir / RESTORE_PART
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        try:
            check_room(archive, part)
            contents = unpack(archive, part)
            _rename(part, data_dir)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            sync_directory(data_dir)
        return contents
    except OSError as error:
        raise unusable(data_dir, error) from error


def _rename(part: Path, data_dir: Path) -> None:
    """Give the files their names. What a failure leaves, it removes."""
    names = [name for name in (FOLDER, *MEMBERS) if (part / name).exists()]
    for path in part.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        _give_to_owner(path, data_dir)
    shutil.rmtree(data_dir / FOLDER, ignore_errors=True)  # of a restoration that was killed
    try:
        for name in names:
            os.replace(part / name, data_dir / name)
    except BaseException:
        for name in names:
            if name == FOLDER:
                shutil.rmtree(data_dir / name, ignore_errors=True)
            else:
                (data_dir / name).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """The data directory, created if it is missing, and locked against a server that starts.

    If the block raises, a directory that was created here is removed.
    """
    existed = data_dir.exists()
    make_directory(data_dir)
    lock = DirectoryLock(data_dir)
    try:
        _give_to_owner(data_dir / "lock", data_dir)
        yield
    except BaseException:
        if not existed:
            with suppress(OSError):
                (data_dir / "lock").unlink()
                data_dir.rmdir()
        raise
    finally:
        lock.release()


def _refuse_data(data_dir: Path, ours: set[str]) -> None:
    """Raises `OpenError` if the directory has data, which is everything but `ours`.

    A killed restore leaves its folder, and perhaps files beside it; but never a database, because
    that comes last.
    """
    try:
        present = {path.name for path in data_dir.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(data_dir, error) from error
    left = {FOLDER, *MEMBERS} - {DATABASE} if RESTORE_PART in present else set()
    left |= {name for name in present if name.startswith(("instance-", "control"))}  # of processes
    if data := sorted(present - ours - left):
        raise OpenError(
            f"the data directory {data_dir} is not empty (it has {data[0]}); move it away, or "
            "restore into another one with --data-dir"
        )


def _give_to_owner(path: Path, directory: Path) -> None:
    """If root restores, the files belong to the owner of the directory, like the server's own."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = directory.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
