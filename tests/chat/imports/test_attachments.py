"""Files beside the JSON of an export: found by what messages call them, wherever they are."""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode

import pytest

from tornado_stream.chat.imports.attachments import Attachment, Attachments, inline

ID = "0f3c9d1e-1111-4222-8333-444455556666"


def archive(*names: str, data: bytes = b"") -> zipfile.ZipFile:
    """An archive whose files have their names as bytes, or these bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writing:
        for name in names:
            writing.writestr(name, data or name.encode())
    return zipfile.ZipFile(packed)


def content(file: Attachment | None) -> bytes | None:
    return file and b"".join(iter(lambda: file.read(7), b""))


@pytest.mark.parametrize(
    ("entry", "called", "name"),
    [
        # ChatGPT: uploaded, drawn, drawn later, and in the archives of 2026.
        ("file-Ab12-cat.png", "file-service://file-Ab12", "cat.png"),
        ("dalle-generations/file-Ab12-77aa.webp", "file-service://file-Ab12", "77aa.webp"),
        ("user-Xy/file_00ff-77aa.png", "sediment://file_00ff", "77aa.png"),
        ("file_00ff-sanitized.jpg", "sediment://9d#file_00ff#p_0.jpg", "sanitized.jpg"),
        ("file_00ff.dat", "sediment://file_00ff", ""),
        ("x/file-Ab12-cat.png", "file-Ab12", "cat.png"),
        # LibreChat, packed with the files of its server.
        ("images/u1/77aa__car.png", "/images/u1/77aa__car.png", "77aa__car.png"),
        ("C:\\x\\car.png", "car.png", "car.png"),
        # An export of this program.
        (f"files/{ID} a b.png", ID, "a b.png"),
    ],
)
def test_a_file_is_found_by_what_messages_call_it(entry, called, name):
    with archive("other.png", "file-Zz-cat.png", "file_11-77aa.png", "x/", entry) as packed:
        files = Attachments(packed, packed.infolist())
        assert files.name(called) == name
        found = files.find(called)
        assert found and (found.id, found.size) == (called, len(packed.read(entry)))
        assert content(found) == packed.read(entry)
        for other in ("file-service://file-A", "sediment://file_", "../other.txt", "", "files/"):
            assert files.name(other) is None and files.find(other) is None


def test_what_is_a_bomb_or_encrypted_is_not_there():
    with archive("bomb.png", data=bytes(9_000_000)) as packed:
        assert Attachments(packed, packed.infolist()).name("bomb.png") is None
    with archive("secret.png") as packed:
        packed.infolist()[0].flag_bits |= 1
        assert Attachments(packed, packed.infolist()).find("secret.png") is None
    assert Attachments().name("x") is None and Attachments().find("x") is None


def test_bytes_within_the_json():
    data = bytes(range(256)) * 3
    plain = b64encode(data).decode()
    for text in (plain, plain.replace("+", "-").replace("/", "_"), f"{plain[:76]}\r\n{plain[76:]}"):
        file = inline("x", text)
        assert (file.size, content(file)) == (len(data), data)
    for damaged in ("A", "AA*A", "é"):
        file = inline("x", damaged)
        assert (file.size, content(file)) == (-1, b""), "its size says that it is damaged"
