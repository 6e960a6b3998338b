"""Files of the user: uploading one, reading it and its text, deleting it.

The rule: no file is served as what a browser runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from tornado_stream.files.service import Files
from tornado_stream.files.types import DOCX, GIF, JPEG, PDF, PNG, WEBP
from tornado_stream.files.upload import Upload
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.pieces import PiecesHandler
from tornado_stream.handlers.uploads import UploadHandler
from tornado_stream.values.file_names import content_disposition, file_name
from tornado_stream.values.files import StoredFile

#: Types that browsers show, and that run nothing.
SHOWN = frozenset({PNG, JPEG, WEBP, GIF})
#: The endings of names that have none.
ENDINGS = {PNG: "png", JPEG: "jpg", WEBP: "webp", GIF: "gif", PDF: "pdf", DOCX: "docx"}
#: Characters of an ending in a name.
LONGEST_ENDING = 10


class _FileHandler(BaseHandler):
    @property
    def files(self) -> Files:
        return self.application.files


class FilesHandler(_FileHandler, UploadHandler):
    """Uploads a file; lists those that no message has yet."""

    def begin_upload(self, size: int) -> Upload:
        return self.files.begin(self.owner, size)

    async def get(self) -> None:
        files = await self.files.unused(self.owner)
        self.set_header("Cache-Control", "no-cache")
        self.write_json({"files": [file.to_json() for file in files]})

    async def post(self) -> None:
        name = self.get_query_argument("name", "")
        file, is_new = await self.files.add(self.owner, name, self.upload)
        self.set_status(201 if is_new else 200)
        self.write_json(file.to_json())


class FileHandler(_FileHandler, PiecesHandler):
    """The bytes of one file."""

    async def get(self, id: str) -> None:
        file = await self.files.get(self.owner, id.lower())
        await send_file(self, file, self.files.pieces(file))

    async def delete(self, id: str) -> None:
        await self.files.delete(self.owner, id.lower())
        self.set_status(204)


class FileTextHandler(_FileHandler):
    """The text of one file, as models get it."""

    async def get(self, id: str) -> None:
        text = await self.files.text(self.owner, id.lower())
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.write(text)


async def send_file(
    handler: PiecesHandler,
    file: StoredFile,
    pieces: AsyncGenerator[bytes, None],
    *,
    cache: str = "max-age=31536000, immutable",
) -> None:
    """Respond with a file, whose bytes are these pieces, or with 304. `cache` is for how long a
    browser may keep it."""
    handler.set_header("Cache-Control", f"private, {cache}")
    handler.set_header("ETag", f'"{file.sha256}"')
    if handler.check_etag_header():
        handler.set_status(304)
        return
    charset = "" if file.type in ENDINGS else "; charset=utf-8"
    handler.set_header("Content-Type", file.type + charset)
    handler.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
    name = content_disposition(_name(file), "inline" if file.type in SHOWN else "attachment")
    handler.set_header("Content-Disposition", name)
    handler.set_header("Content-Length", str(file.size))
    if handler.request.method != "HEAD":
        handler.write(await handler.send_pieces(pieces))


def _name(file: StoredFile) -> str:
    """The name under which a browser saves the file."""
    stem, dot, ending = file.name.rpartition(".")
    if not (dot and stem and ending.isalnum() and len(ending) <= LONGEST_ENDING):
        stem, ending = file.name, ENDINGS.get(file.type, "txt")
    return file_name(stem, ending, at=file.uploaded_at, default="file")
