"""Files for tests: small pictures and documents, made here byte by byte."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from random import Random
from typing import Any

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def png(
    width: int = 2, height: int = 2, color: bytes = b"\x20\x80\xc0", *, noise: bytes = b""
) -> bytes:
    """A picture of one colour. `noise` is in a chunk that programs skip, to make it larger."""
    row = b"\0" + color * width
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        _chunk(b"prIv", noise) if noise else b"",
        _chunk(b"IDAT", zlib.compress(row * height)),
        _chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def answer_picture(size: int) -> bytes:
    """The picture that the fake upstream sends: always the same for a size."""
    return png(noise=Random(size).randbytes(size))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def jpeg(width: int, height: int, *, before: int = 0) -> bytes:
    """The head of a JPEG file, with so many bytes of other segments before its size."""
    segments = b""
    while before > 0:
        part = min(before, 65_000)
        segments += b"\xff\xe1" + struct.pack(">H", part + 2) + b"e" * part
        before -= part
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + segments + b"\xff" + frame + b"\xff\xd9"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


def webp(width: int, height: int, form: bytes = b"VP8X") -> bytes:
    sides = {
        b"VP8X": b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
        b"VP8L": b"\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little") + b"\0" * 5,
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height),
    }
    body = b"WEBP" + form + struct.pack("<I", 10) + sides[form]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pdf(*pages: str) -> bytes:
    """A PDF with a line of Latin letters on each page."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects.append(f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode())
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    for n, text in enumerate(pages):
        stream = f"BT /F 12 Tf 72 720 Td ({text}) Tj ET".encode()
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * n} 0 R"
            "/Resources<</Font<</F 3 0 R>>>>>>".encode()
        )
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream))
    data = b"%PDF-1.4\n"
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj%b endobj\n" % (number, one)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )


def docx(body: str, *, before: str = "", **more: Any) -> bytes:
    """A Word document with these elements in its body."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f'{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        )
        for name, data in more.items():
            archive.writestr(name, data)
    return file.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
