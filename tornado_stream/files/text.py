"""The texts of files: of a text by its bytes, of a document by a process of its own.

All functions block. The rule: nothing of this server reads a document; `child.py` does.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from tornado_stream.files.foreign import ForeignProcess
from tornado_stream.files.types import DOCX, PDF, UTF_16, has_control_characters
from tornado_stream.values.files import ReadText

CHILD = Path(__file__).with_name("child.py")
#: The words of `child.py` for media types.
KINDS = {PDF: "pdf", DOCX: "docx"}
#: Characters of a text where there is no limit.
NO_LIMIT = 100_000_000
#: Bytes of a character in UTF-8 and in UTF-16, and of a character in JSON, at most.
WIDEST, IN_JSON = 4, 6


def text_of(path: Path, limit: int) -> ReadText:
    """The first `limit` characters of a text. Raises `OSError`."""
    limit = limit or NO_LIMIT
    with path.open("rb") as file:
        data = file.read(limit * WIDEST + WIDEST)
        is_cut = bool(file.read(1))
    text = _decoded(data)
    if has_control_characters(text):
        return ReadText(detail="It is no text: it has characters that no text has.")
    if not text.strip():
        return ReadText(detail="It is empty.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return ReadText(text[:limit], shortened=is_cut or len(text) > limit)


def _decoded(data: bytes) -> str:
    """A text in UTF-8 or UTF-16, or else in the encoding that Windows had before. A character that
    is cut at the end is left out."""
    encoding = "utf-16" if data.startswith(UTF_16) else "utf-8-sig"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def document_text(
    path: Path,
    type: str,
    limit: int,
    started: Callable[[ForeignProcess], None] = lambda process: None,
) -> ReadText:
    """The first `limit` characters of a document. `started` gets the process that reads it. Never
    raises."""
    limit = limit or NO_LIMIT
    try:
        with path.open("rb") as file:
            process = ForeignProcess(CHILD, (KINDS[type], str(limit)), file)
        started(process)
        output, code = process.run(limit * IN_JSON + 4096)
    except OSError:
        return ReadText(detail="It cannot be read on this server now. Upload it again.")
    result = _parsed(output)
    if "text" in result:
        fields = ("pages", "pages_read", "shortened")
        return ReadText(result["text"], **{name: result[name] for name in fields})
    return ReadText(detail=result.get("failed") or _why(code), pages=result.get("pages"))


def _parsed(output: bytes) -> dict[str, Any]:
    try:
        result = orjson.loads(output)
    except orjson.JSONDecodeError:
        return {}
    return result if isinstance(result, dict) else {}


def _why(code: int) -> str:
    """Why the process ended without a word."""
    if code in (-24, -9, -15):  # SIGXCPU; or killed, because its time was over
        return "It takes too long to read."
    return "It cannot be read: it is damaged, or made to do harm."
