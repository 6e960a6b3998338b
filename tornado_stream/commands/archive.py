"""The file of a backup: a zip with the files of a data directory, and a manifest of their sums.

The rule: what an archive says is checked before it is believed. Only the names in `MEMBERS` are
known, no path is taken from an archive, and no member can be longer than the manifest says.
"""

from __future__ import annotations

import hashlib
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from tornado_stream import __version__
from tornado_stream.auth import users
from tornado_stream.commands.verbs import Failed
from tornado_stream.settings import SettingError
from tornado_stream.store.private_files import make_private
from tornado_stream.store.snapshot import DATABASE

#: The files of a data directory that belong to a backup, in the order of their restoration.
USERS = users.FILE
MEMBERS = (USERS, DATABASE)
MANIFEST = "manifest.json"
#: The version of this format.
FORMAT = 1
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
    """What a backup says of itself. `created_at` is in UTC, in the form of ISO 8601."""

    format: int
    program: str
    created_at: str
    schema: int
    files: dict[str, Member]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(member.size for member in self.files.values())


def write_archive(target: Path, sources: Mapping[str, Path], schema: int) -> None:
    """Write the archive. Raises `OSError`."""
    make_private(target)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        files = {name: _add(archive, name, source) for name, source in sources.items()}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        manifest = Manifest(FORMAT, f"tornado-stream {__version__}", now, schema, files)
        archive.writestr(_info(MANIFEST), orjson.dumps(manifest, option=orjson.OPT_INDENT_2))


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
        """Compare every member with the manifest; writes nothing. Raises `Failed`."""
        for name in self.manifest.files:
            for _ in self._pieces(name):
                pass

    def extract(self, folder: Path) -> None:
        """Write the members into the folder, as files that only their owner can read.

        Raises `Failed`, and `OSError` if the folder cannot be written.
        """
        for name in self.manifest.files:
            make_private(folder / name)
            with (folder / name).open("wb") as target:
                for piece in self._pieces(name):
                    target.write(piece)

    def _pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a member, never more than the manifest says; then its sum is compared."""
        expected, digest, size = self.manifest.files[name], hashlib.sha256(), 0
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
        names = sorted(info.filename for info in self._zip.infolist())
        if names != sorted([*files, MANIFEST]) or not {DATABASE} <= files.keys() <= set(MEMBERS):
            raise Failed(f"{self.path} is no backup: it does not hold the files of one")
        return Manifest(
            FORMAT,
            str(entries["program"]),
            str(entries["created_at"]),
            int(entries["schema"]),
            files,
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
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as file, archive.open(_info(name), "w", force_zip64=True) as target:
        while piece := file.read(PIECE):
            size += len(piece)
            digest.update(piece)
            target.write(piece)
    return Member(size, digest.hexdigest())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.gmtime()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info
