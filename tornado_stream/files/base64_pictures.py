"""Writes a picture that an upstream sent in base64 to the disk, and says what it is.

All functions block, for some milliseconds at a time: they run on a thread, and each slice gives the
loop its turn.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Iterable, Iterator

from tornado_stream.files.folder import FileFolder, PartFile
from tornado_stream.files.types import FileType, file_type, refused
from tornado_stream.values.errors import TooLarge, UnsupportedBody, in_bytes
from tornado_stream.values.files import IMAGE

#: Bytes of base64 that are decoded at once.
SLICE = 64 * 1024
#: The form for URLs has other characters for two of the values.
_PLAIN = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\\"


def write_picture(
    folder: FileFolder, base64: Iterable[bytes], most: int
) -> tuple[PartFile, str, FileType]:
    """Write the bytes of this base64, of at most so many, to the disk: the file, its sha256, and
    what it is. Raises `UnsupportedBody` (`picture_damaged`, `file_type`), `TooLarge`
    `file_too_large`, `StoreError` and `OSError`."""
    part = folder.new_part(most)
    try:
        for data in _decoded(base64):
            part.write(data)
            if part.size > most:
                raise too_large(most)
        return part, part.sync(), _picture_type(part)
    except BaseException:
        part.close()
        raise


def _picture_type(part: PartFile) -> FileType:
    found = file_type(part.file)
    if found.kind != IMAGE:
        raise refused("The model sent a file that is no picture.")
    return found


def too_large(most: int) -> TooLarge:
    return TooLarge(f"This picture is larger than {in_bytes(most)}.", code="file_too_large")


def _decoded(base64: Iterable[bytes]) -> Iterator[bytes]:
    rest = escape = b""
    try:
        for piece in base64:
            for start in range(0, len(piece), SLICE):
                part = escape + piece[start : start + SLICE]
                escape = b"\\" if part.endswith(b"\\") else b""
                rest += _cleaned(part.removesuffix(b"\\"))
                whole = (len(rest) - 1) // 4 * 4  # the last four may be padded
                yield a2b_base64(rest[:whole], strict_mode=True)
                rest = rest[whole:]
        rest = rest.rstrip(b"=")
        yield a2b_base64(rest + b"=" * (-len(rest) % 4), strict_mode=True)
    except Error:
        raise UnsupportedBody("This picture is damaged.", code="picture_damaged") from None


def _cleaned(piece: bytes) -> bytes:
    """Base64 without what JSON may put into it."""
    if b"\\" in piece:
        piece = piece.replace(b"\\n", b"").replace(b"\\r", b"")
    return piece.translate(_PLAIN, _BLANKS)
