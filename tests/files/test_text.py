"""The texts of files: by their bytes, or by the process for documents."""

from __future__ import annotations

import importlib.util
import io
import os
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from deadlines import at_most
from pictures import docx, paragraph, pdf

from tornado_stream.files import child, foreign
from tornado_stream.files.foreign import ForeignProcess
from tornado_stream.files.text import document_text, text_of
from tornado_stream.files.types import DOCX, PDF
from tornado_stream.values.files import ReadText

needs_pdf = pytest.mark.skipif(
    importlib.util.find_spec("pypdfium2") is None, reason="pypdfium2 is not installed"
)


@pytest.fixture
def read(tmp_path: Path):
    """Reads bytes as a document of this type."""

    def read(data: bytes, type: str, limit: int = 100_000) -> ReadText:
        path = tmp_path / "document"
        path.write_bytes(data)
        return document_text(path, type, limit)

    return read


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        ("é北京".encode(), "é北京"),
        ("é北京".encode("utf-8-sig"), "é北京"),
        ("é北京".encode("utf-16"), "é北京"),
        ("\ufeffé北京".encode("utf-16-be"), "é北京"),
        ("“naïve” €".encode("cp1252"), "“naïve” €"),
    ],
)
def test_texts_of_every_encoding(tmp_path, data, text):
    path = tmp_path / "text"
    path.write_bytes(data)
    assert text_of(path, 100) == ReadText(text)


def test_a_text_has_a_limit(tmp_path):
    path = tmp_path / "text"
    for data in ("北" * 11, "北" * 100_000):
        path.write_bytes(data.encode())
        assert text_of(path, 10) == ReadText("北" * 10, shortened=True)
    path.write_bytes("北".encode() * 10)
    assert text_of(path, 10) == ReadText("北" * 10)


@pytest.mark.parametrize("data", [b"a" * 5000 + b"\0", b" \n"])
def test_what_is_no_text_says_so(tmp_path, data):
    path = tmp_path / "text"
    path.write_bytes(data)
    read = text_of(path, 100_000)
    assert read.text == "" and read.detail


def test_a_word_document(read):
    cell = "<w:tc>{}</w:tc>".format
    table = f"<w:tbl><w:tr>{cell(paragraph('a'))}{cell(paragraph('b'))}</w:tr></w:tbl>"
    other = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    twice = (
        f'<mc:AlternateContent xmlns:mc="{other}"><mc:Choice><w:r><w:t>once</w:t></w:r>'
        "</mc:Choice><mc:Fallback><w:r><w:t>twice</w:t></w:r></mc:Fallback></mc:AlternateContent>"
    )
    deleted = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
    body = f"{paragraph('北京')}{table}<w:p>{twice}{deleted}<w:r><w:tab/><w:t>x</w:t></w:r></w:p>"
    assert read(docx(body), DOCX) == ReadText("北京\na\tb\t\nonce\tx\n")


def test_a_long_word_document(read):
    body = "".join(paragraph(f"paragraph {n}") for n in range(1000))
    assert read(docx(body), DOCX).text.count("paragraph") == 1000
    short = read(docx(body), DOCX, 100)
    assert len(short.text) == 100 and short.shortened


@needs_pdf
def test_a_pdf(read):
    done = read(pdf("first page", "second page"), PDF)
    assert done == ReadText("first page\n\nsecond page", "", 2, 2)
    short = read(pdf("first page", "second page", "third"), PDF, 15)
    assert short == ReadText("first page\n\nsec", "", 3, 2, True)


@needs_pdf
def test_a_pdf_without_text_says_so(read):
    done = read(pdf("", ""), PDF)
    assert (done.text, done.detail, done.pages) == ("", child.NO_TEXT, 2)


def zip_of(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1 if n else str()};" * 10}">' for n in range(9)
)
HOSTILE = {
    "nothing": b"",
    "no archive": b"PK\x03\x04" + b"\0" * 100,
    "cut": docx(paragraph("x"))[:-30],
    "no text part": zip_of("word/other.xml", b"<x/>"),
    "no XML": zip_of("word/document.xml", b"\0\1\2"),
    "a bomb": zip_of("word/document.xml", b" " * (child.MAX_XML + 1)),
    "a DOCTYPE": docx(paragraph("&a8;"), before=f"{LAUGHS}]>"),
    "a DOCTYPE in UTF-16": zip_of("word/document.xml", "<!DOCTYPE x><x/>".encode("utf-16")),
    "deep": docx("<w:p>" * 200_000),
    "a file of the system": docx(
        paragraph("&f;"), before='<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    ),
}
HOSTILE_PDF = {
    "nothing": b"%PDF-1.4",
    "cut": pdf("a" * 500)[:300],
    "a page that is its own parent": pdf("x").replace(b"Kids[4 0 R]", b"Kids[2 0 R]"),
    "many pages": pdf("x").replace(b"Count 1/", b"Count 2000000000/"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_word_documents_end(read, name):
    done = read(HOSTILE[name], DOCX)
    assert not done.text and done.detail, done


@needs_pdf
@pytest.mark.wide
def test_a_pdf_of_much_more_than_its_bytes_ends(read):
    """Some hundred kilobytes that become 200 MB."""
    page = b"BT /F 12 Tf (a) Tj ET " + b" " * 200_000_000
    packed = zlib.compress(page, 1)
    head, tail = pdf("x").split(b"<</Length ")[0], b"\nendstream endobj\n"
    stream = b"<</Length %d/Filter/FlateDecode>>stream\n%b" % (len(packed), packed)
    done = read(head + stream + tail + b"trailer<</Root 1 0 R>>%%EOF", PDF)
    assert len(packed) < 2_000_000 and (done.detail or done.text.strip() == "a"), done


@needs_pdf
@pytest.mark.parametrize("name", HOSTILE_PDF)
def test_hostile_pdfs_end(read, name):
    done = read(HOSTILE_PDF[name], PDF)
    assert done.detail or done.text


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "program.py"
    path.write_text(text)
    return path


def run(tmp_path: Path, text: str, most: int = 1000, longest: float = 60) -> tuple[bytes, int]:
    with open(os.devnull, "rb") as nothing:
        process = ForeignProcess(program(tmp_path, text), (), nothing, longest=longest)
        return process.run(most)


def test_a_process_has_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    output, code = run(tmp_path, "import os; print('secret' in str(os.environ), os.getsid(0))")
    words = output.split()
    assert words[0] == b"False" and int(words[1]) != os.getsid(0) and code == 0


def test_a_process_that_says_too_much_or_nothing_is_ended(tmp_path):
    endless = "while True: print('x' * 10000)"
    output, code = run(tmp_path, endless)  # it may notice that nobody reads before it is killed
    assert output == b"" and code != 0
    began = time.monotonic()
    output, code = run(tmp_path, "import time; time.sleep(600)", longest=0.2)
    assert (output, code) == (b"", -9) and time.monotonic() - began < 60


def test_a_process_that_crashes_is_told_from_a_slow_one(tmp_path, monkeypatch):
    document = tmp_path / "document"
    document.write_bytes(b"x")
    for text, word in [
        ("import os; os.abort()", "damaged"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "too long"),
        ("print('[]')", "damaged"),
    ]:
        monkeypatch.setattr("tornado_stream.files.text.CHILD", program(tmp_path, text))
        assert word in document_text(document, PDF, 100).detail


def test_the_limits_hold(tmp_path):
    """The program gets neither more memory than it may have, nor a file to write."""
    text = (
        f"import sys; sys.path.insert(0, {str(Path(child.__file__).parent)!r})\n"
        "import child; child.set_limits()\n"
        "try: bytearray(child.MEMORY + 1)\n"
        "except MemoryError: print('no memory')\n"
        "import signal, resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"try: open({str(tmp_path / 'new')!r}, 'wb', 0).write(b'x')\n"
        "except OSError: print('no file')\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU))\n"
    )
    output, _ = run(tmp_path, text)
    assert output.decode().splitlines() == [
        "no memory",
        "no file",
        f"({child.SECONDS}, {child.SECONDS})",
    ]


def test_a_document_that_is_gone_is_told(tmp_path):
    assert document_text(tmp_path / "none", PDF, 10).detail
    assert foreign.LONGEST > child.SECONDS


@needs_pdf
@pytest.mark.timed
def test_a_hundred_pages_take_little_time(read):
    pages = [f"page {n} " + "of many words " * 30 for n in range(100)]
    began = time.monotonic()
    done = read(pdf(*pages), PDF, 1_000_000)
    took = time.monotonic() - began
    assert done.pages == done.pages_read == 100 and done.text.count("page ") == 100
    assert took <= at_most(3)
