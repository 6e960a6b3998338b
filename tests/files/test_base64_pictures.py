"""Base64 of every kind becomes the same bytes on the disk, or a clear error and no file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from pictures import answer_picture, png

from tornado_stream.files.base64_pictures import SLICE, write_picture
from tornado_stream.files.folder import FileFolder
from tornado_stream.values.errors import TooLarge, UnsupportedBody

DATA = answer_picture(300_001)
PLAIN = base64.b64encode(DATA)


@pytest.fixture
def folder(tmp_path: Path) -> FileFolder:
    return FileFolder(tmp_path)


@pytest.mark.parametrize("size", [1, 2, 3, 1000, SLICE + 1, 1 << 30])
@pytest.mark.parametrize(
    "encoded",
    [
        PLAIN[:4000],
        base64.urlsafe_b64encode(DATA)[:4000],
        PLAIN[:3998] + b"==",
        PLAIN.replace(b"/", b"\\/")[:4000],
        b"\\n".join(PLAIN[n : n + 76] for n in range(0, 3990, 76)),
    ],
    ids=["plain", "for URLs", "padded", "escaped", "in lines"],
)
def test_every_form_of_base64(folder: FileFolder, encoded: bytes, size: int) -> None:
    pieces = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    part, sha256, found = write_picture(folder, pieces, 1 << 20)
    data = part.path.read_bytes()
    assert DATA.startswith(data) and len(data) > 2900
    assert sha256 == hashlib.sha256(data).hexdigest() and found.type == "image/png"
    part.close()


@pytest.mark.parametrize("end", [b"*", b"A=A", "é".encode(), b"A"])
def test_what_is_no_base64_leaves_nothing(folder: FileFolder, end: bytes) -> None:
    for data in (png(), DATA):
        whole = base64.b64encode(data).rstrip(b"=")
        damaged = whole[: len(whole) // 4 * 4] + end
        with pytest.raises(UnsupportedBody) as error:
            write_picture(folder, [damaged], 1 << 20)
        assert error.value.code == "picture_damaged"
    assert list(folder.path.iterdir()) == []


def test_a_limit_and_another_type_leave_nothing(folder: FileFolder) -> None:
    with pytest.raises(TooLarge):
        write_picture(folder, [PLAIN], len(DATA) - 1)
    with pytest.raises(UnsupportedBody) as error:
        write_picture(folder, [base64.b64encode(b"a text")], 1 << 20)
    assert error.value.code == "file_type"
    assert list(folder.path.iterdir()) == []
    write_picture(folder, [PLAIN], len(DATA))[0].close()
