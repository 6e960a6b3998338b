"""The file of a backup: a zip with the files of a data directory, and a manifest of their sums.

The rule: what an archive says is checked before it is believed. Only the names in `MEMBERS` and
those of users' files are known, and no member can be longer than the archive says. The bytes of a
user's file are named by their sum, so the manifest has only their number and size.
"""

from __future__ import annotations

import hashlib
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from tornado_stream import __version__
from tornado_stream.auth import users
from tornado_stream.commands.verbs import Failed
from tornado_stream.files.folder import FOLDER
from tornado_stream.settings import SettingError
from tornado_stream.store.private_files import make_directory, make_private
from tornado_stream.store.snapshot import DATABASE

#: The files of a data directory that belong to a backup, in the order of their restoration.
USERS = users.FILE
MEMBERS = (USERS, DATABASE)
MANIFEST = "manifest.json"
#: The names of users' files.
FILE = re.compile(rf"{FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})")
#: The version of this format; that of an archive without users' files is 1.
FORMAT = 2
#: Bytes that are read at a time, and the most bytes of a manifest.
PIECE, LONGEST_MANIFEST = 1 << 20, 1 << 16
#: zlib's fastest level. The logs in the database are compressed already.
LEVEL = 1


@dataclass(frozen=True)
class Member:
    """The length in bytes and the SHA-256 of a file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `created_at` is in UTC, in the form of ISO 8601. `attached` is
    how many files of users it has, and how many bytes these have together."""

    format: int
    program: str
    created_at: str
    schema: int
    files: dict[str, Member]
    attached: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(member.size for member in self.files.values()) + self.attached[1]


def write_archive(
    target: Path, sources: Mapping[str, Path], schema: int, attached: Iterable[Path] = ()
) -> Manifest:
    """Write the archive. `attached` are files of users, under the names of their sums; one that is
    deleted meanwhile is left out. Raises `OSError`."""
    make_private(target)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        files = {name: _add(archive, name, source) for name, source in sources.items()}
        sizes = []
        for path in attached:
            with suppress(FileNotFoundError), path.open("rb") as file:
                name = f"{FOLDER}/{path.name[:2]}/{path.name}"
                sizes.append(_copy(archive, _info(name, zipfile.ZIP_STORED), file).size)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        number, counted = FORMAT if sizes else 1, (len(sizes), sum(sizes))
        program = f"tornado-stream {__version__}"
        manifest = Manifest(number, program, now, schema, files, counted)
        archive.writestr(_info(MANIFEST), orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


class Archive:
    """An open archive with a valid manifest. Leave the `with` block to close it.

    Raises `SettingError` if the file cannot be opened, and `Failed` if it is no whole archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):
                raise OSError("it is no file")  # a device or a pipe may have no end
            self._file = path.open("rb")
        except OSError as error:
            raise SettingError(f"cannot read {path} ({error.strerror or error})") from None
        try:
            with self._whole():
                self._zip = zipfile.ZipFile(self._file)
                self.manifest = self._read_manifest()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    def check(self) -> None:
        """Compare every member with its sum; writes nothing. Raises `Failed`."""
        for name in (*self.manifest.files, *self._attached):
            for _ in self._pieces(name):
                pass

    def extract(self, folder: Path) -> None:
        """Write the members into the folder, as files that only their owner can read.

        Raises `Failed`, and `OSError` if the folder cannot be written.
        """
        for name in (*self.manifest.files, *self._attached):
            if name in self._attached:
                make_directory(folder / FOLDER)
                make_directory((folder / name).parent)
            make_private(folder / name)
            with (folder / name).open("wb") as target:
                for piece in self._pieces(name):
                    target.write(piece)

    def _pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a member, never more than its size; then its sum is compared."""
        expected = self.manifest.files.get(name) or self._attached[name]
        digest, size = hashlib.sha256(), 0
        with self._whole(), self._zip.open(name) as member:
            while piece := member.read(PIECE):
                size += len(piece)
                digest.update(piece)
                if size > expected.size:
                    break
                yield piece
        if Member(size, digest.hexdigest()) != expected:
            raise Failed(f"{self.path} is damaged: the sum of {name} is wrong")

    def _read_manifest(self) -> Manifest:
        with self._zip.open(MANIFEST) as file:
            entries = orjson.loads(file.read(LONGEST_MANIFEST))
        if int(entries["format"]) > FORMAT:
            raise Failed(f"{self.path} was written by a newer Tornado Stream; update this program")
        files = {name: _member(entry) for name, entry in entries["files"].items()}
        infos = self._zip.infolist()
        self._attached = {
            info.filename: Member(info.file_size, found[2])
            for info in infos
            if (found := FILE.fullmatch(info.filename))
        }
        count, size = map(int, entries.get("attached", (0, 0)))
        told = {DATABASE} <= files.keys() <= set(MEMBERS)
        names = sorted(info.filename for info in infos)
        whole = sum(member.size for member in self._attached.values())
        if names != sorted([*files, *self._attached, MANIFEST]) or not told:
            raise Failed(f"{self.path} is no backup: it does not hold the files of one")
        if (count, size) != (len(self._attached), whole):
            raise Failed(f"{self.path} is damaged: some files of users are missing")
        return Manifest(
            FORMAT,
            str(entries["program"]),
            str(entries["created_at"]),
            int(entries["schema"]),
            files,
            (count, size),
        )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What the block raises because the file is damaged becomes a `Failed`."""
        try:
            yield
        except _DAMAGE as error:
            raise Failed(
                f"{self.path} is damaged, cut short, or no backup of this program"
            ) from error


#: What zipfile and the decoders raise for a file that is damaged, or made to harm.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted member
)


def _member(entry: dict[str, Any]) -> Member:
    size, digest = int(entry["size"]), str(entry["sha256"])
    if size < 0 or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("a member's size or sum")
    return Member(size, digest)


def _add(archive: zipfile.ZipFile, name: str, source: Path) -> Member:
    with source.open("rb") as file:
        return _copy(archive, _info(name), file)


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: BinaryIO) -> Member:
    digest, size = hashlib.sha256(), 0
    with archive.open(info, "w", force_zip64=True) as target:
        while piece := file.read(PIECE):
            size += len(piece)
            digest.update(piece)
            target.write(piece)
    return Member(size, digest.hexdigest())


def _info(name: str, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.gmtime()[:6])
    info.compress_type = compression
    info.external_attr = 0o600 << 16
    return info
