"""Bodies of requests that have files in them: JSON whose pictures are read while it is sent.

The rule: memory holds some slices of one picture and never a whole one, whatever is sent. The
length of the body is known before its first byte.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tornado_stream.values.content import FileBytes
from tornado_stream.values.errors import ChatError, ProviderError

#: Bytes of a picture that are sent at once, which are 48 KiB in base64, and that are read at once.
SLICE = 36 * 1024
READ = 10 * SLICE
#: Bytes of other JSON that are written at once.
PIECE = 256 * 1024
#: Digits of the number of a file in the JSON.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class PiecedBody:
    """Texts of JSON, with a file after each of them but the last (`upstream.Body`)."""

    texts: list[bytes]
    files: list[FileBytes]

    def __len__(self) -> int:
        files = sum(len(_head(file)) + -(-file.size // 3) * 4 for file in self.files)
        return files + sum(map(len, self.texts))

    async def produce(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write all of it. Raises `ProviderError` if a file is gone."""
        for place, text in enumerate(self.texts):
            for start in range(0, len(text), PIECE):
                await write(text[start : start + PIECE])
            if place < len(self.files):
                await _write_file(self.files[place], write)


def encode_pieces(body: dict[str, Any]) -> PiecedBody | None:
    """A body that has `FileBytes`; None if it has none. Raises `orjson.JSONEncodeError`."""
    files: list[FileBytes] = []
    mark = ""

    def encode(value: Any) -> str:
        nonlocal mark
        if not isinstance(value, FileBytes):
            raise TypeError
        files.append(value)
        mark = mark or secrets.token_hex(16)  # no text of a request can have it
        return f"{mark}{len(files) - 1:0{_DIGITS}}"

    data = orjson.dumps(body, default=encode, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    if not files:
        return None
    first, *parts = data.split(mark.encode())
    order = [int(part[:_DIGITS]) for part in parts]
    return PiecedBody([first, *(part[_DIGITS:] for part in parts)], [files[n] for n in order])


def _head(file: FileBytes) -> bytes:
    return f"data:{file.type};base64,".encode()


async def _write_file(file: FileBytes, write: Callable[[bytes], Awaitable[None]]) -> None:
    await write(_head(file))
    for start in range(0, file.size, READ):
        wanted = min(READ, file.size - start)
        try:
            data = await file.read(start, wanted)
        except ChatError:
            data = b""
        if len(data) != wanted:
            raise ProviderError("server_error", "A picture of this conversation is gone.")
        for at in range(0, wanted, SLICE):
            await write(b64encode(data[at : at + SLICE]))
