"""The program that takes the text out of documents: a process of its own for bytes of strangers.

What breaks the parser ends only this process, which has no secret, little memory and little time.
The server runs this file by its path, so it must not import anything of this package.

Input: the document as stdin, and as arguments its kind (`pdf` or `docx`) and the most characters of
its text. Output: one line of JSON on stdout, `{"text", "pages", "pages_read", "shortened"}`, or
`{"failed": reason}`, which a person reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zipfile
from typing import IO, Any
from xml.etree.ElementTree import ParseError, XMLParser

#: Bytes of memory, and seconds of processor time.
MEMORY, SECONDS = 512 * 1024 * 1024, 20
#: Bytes of XML in a Word document, after decompression, and of one step.
MAX_XML, STEP = 64 * 1024 * 1024, 64 * 1024
#: The namespaces of Word's elements, in its own documents and in strict ones, and of alternatives.
WORD = (
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",
)
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
NO_TEXT = "It has no text that could be taken out. It may be a scan: send pictures of its pages."
DAMAGED = "It is damaged, or not what its first bytes say."


class Unreadable(Exception):
    """The document cannot be read; the message is for a person."""


class Enough(Exception):
    """The text has as many characters as it may have."""


def main() -> None:
    kind, most = sys.argv[1], int(sys.argv[2])
    set_limits()
    try:
        result = read_pdf(most) if kind == "pdf" else read_docx(sys.stdin.buffer, most)
        if not result["text"].strip():
            result = {"failed": NO_TEXT, "pages": result["pages"]}
    except Unreadable as error:
        result = {"failed": str(error)}
    except MemoryError:
        result = {"failed": "It needs too much memory."}
    except Exception:
        result = {"failed": DAMAGED}
    text = json.dumps(result, ensure_ascii=False)
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()
    os._exit(0)  # no destructor of a library may crash now


def set_limits() -> None:
    """Less memory, time and files for this process, where the system knows such limits."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    try:
        import resource
    except ImportError:  # Windows; the server ends the process when its time is over
        return
    limits = (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for limit, value in limits:
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of memory
            resource.setrlimit(limit, (value, value))


def read_pdf(most: int) -> dict[str, Any]:
    """The text of a PDF, page after page."""
    try:
        import pypdfium2
    except ImportError:
        raise Unreadable(
            "PDFs cannot be read on this server: the package pypdfium2 is missing (pip install "
            "'.[files]' in the directory of main.py)."
        ) from None
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise Unreadable("It is locked with a password." if locked else DAMAGED) from None
    texts: list[str] = []
    length = 0
    pages = len(document)
    for number in range(pages):
        try:
            page = document[number]
            text = page.get_textpage().get_text_bounded()
        except pypdfium2.PdfiumError:
            text = ""
        texts.append(_lines(text))
        length += len(texts[-1]) + 2
        if length >= most:
            break
    text = "\n\n".join(texts)
    return {
        "text": text[:most],
        "pages": pages,
        "pages_read": len(texts),
        "shortened": len(texts) < pages or len(text) > most,
    }


def read_docx(file: IO[bytes], most: int) -> dict[str, Any]:
    """The text of a Word document: paragraphs as lines, the cells of a table with tabs."""
    text = WordText(most)
    shortened = False
    try:
        with zipfile.ZipFile(file) as archive:
            part = archive.getinfo("word/document.xml")
            if part.file_size > MAX_XML:
                raise Unreadable("It is too large when it is unpacked.")
            parser = XMLParser(target=text)
            left = MAX_XML
            with archive.open(part) as xml:
                while data := xml.read(STEP):
                    left -= len(data)
                    if left < 0:
                        raise Unreadable("It is too large when it is unpacked.")
                    parser.feed(data)
            parser.close()
    except Enough:
        shortened = True
    except KeyError:
        raise Unreadable("It is no Word document: it has no text part.") from None
    except (zipfile.BadZipFile, ParseError, RuntimeError, NotImplementedError):
        raise Unreadable(DAMAGED) from None
    return {"text": text.close(), "pages": None, "pages_read": None, "shortened": shortened}


class WordText:
    """Collects the text of Word's XML. A DOCTYPE is refused: no Word document has one, and with it
    a short text can stand for gigabytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[str] = []
        self._length = 0
        self._in_text = False
        self._ignored = 0  # depth of what repeats an alternative

    def doctype(self, *_: object) -> None:
        raise Unreadable("It has a DOCTYPE, which no Word document has.")

    def start(self, tag: str, _: object) -> None:
        if tag == FALLBACK or self._ignored:
            self._ignored += 1
        name = _word_name(tag)
        self._in_text = name == "t"
        if name in ("br", "cr", "tab"):
            self._add("\t" if name == "tab" else "\n")

    def data(self, text: str) -> None:
        if self._in_text:
            self._add(text)

    def end(self, tag: str) -> None:
        name = _word_name(tag)
        self._in_text = False
        if name in ("p", "tr"):
            self._add("\n")
        elif name == "tc" and self._parts and self._parts[-1] == "\n":
            self._parts[-1] = "\t"
        if self._ignored:
            self._ignored -= 1

    def close(self) -> str:
        return _lines("".join(self._parts)[: self._most])

    def _add(self, text: str) -> None:
        if self._ignored:
            return
        self._parts.append(text)
        self._length += len(text)
        if self._length > self._most:
            raise Enough


def _word_name(tag: str) -> str:
    return next((tag[len(space) :] for space in WORD if tag.startswith(space)), "")


def _lines(text: str) -> str:
    """A text with one kind of line ends, and without what is in no text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c >= " " or c in "\n\t").replace("\ufffe", "")


if __name__ == "__main__":
    main()
