"""What a file is, by its bytes alone."""

from __future__ import annotations

import io

import pytest
from pictures import docx, gif, jpeg, pdf, png, webp

from tornado_stream.files.types import DOCX, HEAD, MAX_SIDE, PDF, PLAIN, FileType, file_type
from tornado_stream.values.errors import UnsupportedBody


def type_of(data: bytes) -> FileType:
    return file_type(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "type"),
    [
        (png(300, 200), "image/png"),
        (jpeg(300, 200), "image/jpeg"),
        (jpeg(300, 200, before=200_000), "image/jpeg"),
        (gif(300, 200), "image/gif"),
        (webp(300, 200), "image/webp"),
        (webp(300, 200, b"VP8L"), "image/webp"),
        (webp(300, 200, b"VP8 "), "image/webp"),
    ],
)
def test_pictures_and_their_sizes(data, type):
    assert type_of(data) == FileType(type, "image", 80)


@pytest.mark.parametrize(
    ("data", "type", "kind"),
    [
        (pdf("a"), PDF, "document"),
        (b"\xef\xbb\xbf junk before\n" + pdf("a"), PDF, "document"),
        (docx("<w:p/>"), DOCX, "document"),
        (docx("<w:p/>", **{f"media/{n}": "x" * 900 for n in range(200)}), DOCX, "document"),
        (b"plain", PLAIN, "text"),
        ("é北京".encode(), PLAIN, "text"),
        (("a" * (HEAD - 1) + "北").encode(), PLAIN, "text"),  # cut within a character
        ("é\t\n".encode("utf-16"), PLAIN, "text"),
        ("naïve".encode("cp1252"), PLAIN, "text"),
        (b"\x1b[31mred\x1b[0m log\r\n", PLAIN, "text"),
        (b"<svg onload='alert(1)'/>", PLAIN, "text"),
        (b"<!doctype html><script>alert(1)</script>", PLAIN, "text"),
    ],
)
def test_documents_and_texts(data, type, kind):
    assert type_of(data) == FileType(type, kind)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\x7fELF\x02\x01\x01\0",
        b"PK\x03\x04 another archive",
        b"\x1f\x8b\x08\0\0\0\0\0",
        png(1, 1)[:12],
        jpeg(1, 1)[:8],
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8" + b"\xff\xd0" * 10_000,
        gif(0, 5),
        webp(5, 5)[:20],
        bytes(range(256)),
    ],
)
def test_everything_else_is_refused(data):
    with pytest.raises(UnsupportedBody) as error:
        type_of(data)
    assert error.value.code == "file_type" and error.value.status == 415


@pytest.mark.parametrize("size", [(60_000, 60_000), (MAX_SIDE + 1, 1), (16_000, 16_000)])
def test_pictures_of_too_many_pixels_are_refused(size):
    head = png(2, 2)
    data = head[:16] + size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + head[24:]
    with pytest.raises(UnsupportedBody, match="pixels"):
        type_of(data)
