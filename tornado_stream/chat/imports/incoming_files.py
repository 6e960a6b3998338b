"""Files of messages that an export brings with it.

The rule: a file is stored before the conversation that has it. One that this server does not take
is named in the text instead, and told with the result.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tornado_stream.chat.imports.members import part
from tornado_stream.chat.imports.results import Coming, Skipped
from tornado_stream.chat.imports.trees import Found
from tornado_stream.chat.imports.wire import FileBegins
from tornado_stream.files.service import Files
from tornado_stream.files.upload import Upload
from tornado_stream.store.base import Store, StoreError
from tornado_stream.values.errors import ChatError, TooMany
from tornado_stream.values.files import StoredFile
from tornado_stream.values.messages import Message

#: Seconds until an import tries again whose user has too many uploads at the moment.
PATIENCE = 0.2


class IncomingFiles:
    """The files of the next conversation of an owner. All methods belong to the IOLoop's thread."""

    def __init__(self, files: Files, store: Store, owner: str) -> None:
        """`store` is the owner's."""
        self._files = files
        self._store = store
        self._owner = owner
        self._stored: dict[str, StoredFile] = {}  # by the id there
        self._refused: dict[str, str] = {}  # by the id there: why
        self._is_ours = False
        self._is_known = False
        self._file = FileBegins("", "", 0, ())
        self._left = 0  # bytes of it that have not come
        self._upload: Upload | None = None

    async def expect(self, coming: Coming) -> None:
        """Files of a conversation follow. Those of messages that are there already are not needed,
        and neither are those of an export that comes back into its own server."""
        self._stored, self._refused = {}, {}
        self._is_ours = await self._store.conversation(coming.original) is not None
        self._is_known = await self._store.conversation(coming.id) is not None

    async def begin(self, file: FileBegins) -> None:
        """Begin to store a file, if it is needed and can be. Raises `StoreError`."""
        self._file, self._left = file, file.size
        if await self._is_needed(file):
            try:
                self._upload = await self._begun(file.size)
            except StoreError:
                raise
            except ChatError as error:
                self._refused[file.id] = error.code

    async def add(self, data: bytes) -> None:
        """Store the next bytes of the file. One that has more than was told is damaged."""
        self._left -= len(data)
        if self._left < 0:
            await self.end(is_whole=False)
        if self._upload and (writing := self._upload.write(data)):
            await writing

    async def end(self, *, is_whole: bool) -> None:
        """The file is whole, or damaged. Raises `StoreError`."""
        upload, self._upload = self._upload, None
        if upload is None:
            return
        if not is_whole:
            self._refused[self._file.id] = "damaged"
            await upload.end()
            return
        try:
            stored, _ = await self._files.add(self._owner, self._file.name, upload)
        except StoreError:
            raise
        except ChatError as error:  # its type is none that is taken, or the user has too many
            self._refused[self._file.id] = error.code
            return
        self._stored[self._file.id] = stored

    def placed(self, found: Found) -> tuple[Found, list[Skipped]]:
        """The conversation with the files that it has here, and those that could not be stored."""
        lost: list[Skipped] = []
        messages = [self._message(one, found, lost) for one in found.messages]
        self._stored, self._refused = {}, {}
        return replace(found, messages=messages), lost

    def _message(self, message: Message, found: Found, lost: list[Skipped]) -> Message:
        most = self._files.max_files if message.role != "assistant" else 0
        kept: list[dict[str, Any]] = []
        texts = [message.content]
        for file in message.files:
            id, why = file["id"], self._refused.get(file["id"])
            if id in self._stored and not (most and len(kept) >= most):
                kept.append(_here(file, self._stored[id]))
                continue
            texts.append(file.get("instead") or part("file", file["name"]))
            if why or id in self._stored:
                title = f"{found.conversation.title}: {file['name']}"
                lost.append(Skipped(title, why or "too_many_files"))
        parts = [self._part(part, found, lost) for part in message.parts]
        content = "\n\n".join(filter(None, texts))
        return replace(message, files=kept, parts=parts, content=content)

    def _part(self, part: dict[str, Any], found: Found, lost: list[Skipped]) -> dict[str, Any]:
        """A part of an answer, with those pictures of a call's result that are here."""
        result = part.get("result")
        if not result or not result["files"]:
            return part
        here = [_here(one, self._stored[one["id"]]) for one in result["files"] if self._has(one)]
        lost += [
            Skipped(f"{found.conversation.title}: {one['name']}", self._refused[one["id"]])
            for one in result["files"]
            if one["id"] in self._refused
        ]
        return part | {"result": result | {"files": here}}

    def _has(self, file: dict[str, Any]) -> bool:
        return file["id"] in self._stored

    async def _is_needed(self, file: FileBegins) -> bool:
        if self._is_ours or not self._is_known:
            return not self._is_ours
        for id in file.messages:
            if await self._store.message(id) is None:
                return True
        return False

    async def _begun(self, size: int) -> Upload:
        while True:
            try:
                return self._files.begin(self._owner, size)
            except TooMany:
                await asyncio.sleep(PATIENCE)


def _here(file: dict[str, Any], stored: StoredFile) -> dict[str, Any]:
    """A file as its message has it here. An export of this program tells all but the id."""
    return stored.in_message() if "instead" in file else file | {"id": stored.id}
