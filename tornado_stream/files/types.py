"""What a file is, by its bytes. Reads a few of them; never decodes a picture.

The rule: the name of a file decides nothing. What is none of the known types is refused, and what
a browser could run, such as HTML and SVG, is text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from tornado_stream.values.errors import UnsupportedBody
from tornado_stream.values.files import DOCUMENT, IMAGE, TEXT

PNG, JPEG, GIF, WEBP = "image/png", "image/jpeg", "image/gif", "image/webp"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PLAIN = "text/plain"
#: Bytes at the beginning and at the end of a file by which it is recognized.
HEAD, TAIL = 4096, 65_557
#: Pixels of a picture on one side, and in all: models refuse more, and browsers decode it slowly.
MAX_SIDE, MAX_PIXELS = 16_384, 100_000_000
#: Pixels for which a model counts about one token.
PIXELS_A_TOKEN = 750
#: Segments of a JPEG file that are looked at to find its size.
MAX_SEGMENTS = 500
#: How a text in UTF-16 begins, which has bytes that no other text has.
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Characters that are in no text: control characters, but for those of white space and terminals.
_CONTROL = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class FileType:
    """A media type, which of the kinds of `values.files` that is, and about how many tokens a model
    counts for a picture."""

    type: str
    kind: str
    tokens: int = 0


def file_type(file: BinaryIO) -> FileType:
    """The type of a file, which is read from its beginning. Raises `UnsupportedBody`
    `file_type`, and `OSError`."""
    file.seek(0)
    head = file.read(HEAD)
    for type, size in ((PNG, _png), (JPEG, _jpeg), (GIF, _gif), (WEBP, _webp)):
        if _begins_as(type, head):
            return _picture(type, size(file, head))
    if b"%PDF-" in head[:1024]:
        return FileType(PDF, DOCUMENT)
    if head.startswith(b"PK\x03\x04") and _is_docx(file, head):
        return FileType(DOCX, DOCUMENT)
    if head and _is_text(head):
        return FileType(PLAIN, TEXT)
    raise refused(
        "This is none of the files that can be added: pictures (PNG, JPEG, WebP, GIF), PDFs, Word "
        "documents (.docx), and texts of every kind."
    )


def _begins_as(type: str, head: bytes) -> bool:
    if type == WEBP:
        return head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    starts = {PNG: b"\x89PNG\r\n\x1a\n", JPEG: b"\xff\xd8\xff", GIF: (b"GIF87a", b"GIF89a")}
    return head.startswith(starts[type])  # type: ignore[arg-type]


def _picture(type: str, size: tuple[int, int]) -> FileType:
    width, height = size
    if not (width and height):
        raise refused("This picture is damaged.")
    if max(size) > MAX_SIDE or width * height > MAX_PIXELS:
        raise refused(
            f"This picture has {width:,} × {height:,} pixels: {MAX_SIDE:,} on a side and "
            f"{MAX_PIXELS:,} in all are the most."
        )
    return FileType(type, IMAGE, -(-width * height // PIXELS_A_TOKEN))


def _png(file: BinaryIO, head: bytes) -> tuple[int, int]:
    if head[12:16] != b"IHDR":
        return 0, 0
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _gif(file: BinaryIO, head: bytes) -> tuple[int, int]:
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def _webp(file: BinaryIO, head: bytes) -> tuple[int, int]:
    form = head[12:16]
    if form == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if form == b"VP8L" and head[20:21] == b"\x2f":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        sides = head[26:28], head[28:30]
        width, height = (int.from_bytes(side, "little") & 0x3FFF for side in sides)
        return width, height
    return 0, 0


def _jpeg(file: BinaryIO, head: bytes) -> tuple[int, int]:
    """The size in the first frame's header, which follows segments of any length."""
    file.seek(2)
    for _ in range(MAX_SEGMENTS):
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            break
        kind = marker[1]
        if kind == 0xFF:  # a fill byte
            file.seek(-1, 1)
            continue
        if kind == 1 or 0xD0 <= kind <= 0xD8:  # markers without a length
            continue
        length = int.from_bytes(file.read(2), "big")
        if length < 2 or kind in (0xD9, 0xDA):
            break
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            frame = file.read(5)
            return int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")
        file.seek(length - 2, 1)
    return 0, 0


def _is_docx(file: BinaryIO, head: bytes) -> bool:
    """Whether a zip archive lists the text of a Word document. Its list is at its end."""
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL))
    return b"word/document.xml" in head or b"word/document.xml" in file.read(TAIL)


def _is_text(head: bytes) -> bool:
    encoding = "utf-16" if head.startswith(UTF_16) else "utf-8"
    decode = codecs.getincrementaldecoder(encoding)().decode
    try:  # a character may be cut at the end of the head
        text = decode(head)
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    return not has_control_characters(text)


def has_control_characters(text: str) -> bool:
    """Whether a text has characters that no text has."""
    return _CONTROL.search(text) is not None


def refused(message: str) -> UnsupportedBody:
    return UnsupportedBody(message, code="file_type")
