"""Bodies of requests that have pictures in them."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import orjson
import pytest

from tornado_stream.providers.openai.pieces import READ, SLICE, PiecedBody, encode_pieces
from tornado_stream.providers.openai.provider import encode_request
from tornado_stream.values.content import FileBytes
from tornado_stream.values.errors import NotFound, ProviderError
from tornado_stream.values.messages import ChatRequest


def picture(data: bytes, reads: list[int] | None = None) -> FileBytes:
    async def read(start: int, size: int) -> bytes:
        if reads is not None:
            reads.append(size)
        return data[start : start + size]

    return FileBytes("image/png", len(data), read)


async def written(body: PiecedBody) -> tuple[bytes, int]:
    """All bytes, and the size of the largest piece."""
    pieces: list[bytes] = []

    async def write(data: bytes) -> None:
        pieces.append(data)

    await body.produce(write)
    return b"".join(pieces), max(map(len, pieces))


def with_pictures(*pictures: Any, text: str = "") -> dict[str, Any]:
    return {"text": text, "parts": [{"image_url": {"url": one}} for one in pictures], "last": 1}


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [1, 2, 3, SLICE - 1, SLICE, SLICE + 1, READ, READ + 1, 3 * READ])
async def test_it_is_the_json_of_data_urls(size):
    datas = [os.urandom(size), b"", os.urandom(10)]
    reads: list[int] = []
    body = encode_pieces(with_pictures(*(picture(data, reads) for data in datas), text="é\n" * 999))
    assert body
    data, largest = await written(body)
    urls = [f"data:image/png;base64,{base64.b64encode(one).decode()}" for one in datas]
    assert json.loads(data) == with_pictures(*urls, text="é\n" * 999)
    assert len(body) == len(data)
    assert largest <= 48 * 1024 and max(reads) <= READ
    assert (await written(body))[0] == data  # it can be written again


def test_a_body_without_pictures_is_none():
    assert encode_pieces({"a": 1}) is None
    with pytest.raises(orjson.JSONEncodeError):
        encode_pieces({"a": object()})
    request = ChatRequest([{"role": "user", "content": "a"}])
    assert isinstance(encode_request(request, model="m", include_usage=False), bytes)


@pytest.mark.gen_test
async def test_a_long_text_goes_out_in_pieces_too():
    body = encode_pieces(with_pictures(picture(b"x"), text="t" * 3_000_000))
    assert body
    data, largest = await written(body)
    assert len(data) == len(body) and largest <= 256 * 1024


@pytest.mark.gen_test
@pytest.mark.parametrize("short", [True, False])
async def test_a_picture_that_is_gone_or_shorter_is_an_error(short):
    async def read(start: int, size: int) -> bytes:
        if short:
            return b"x" * (size - 1)
        raise NotFound("gone")

    body = encode_pieces(with_pictures(FileBytes("image/png", 100, read)))
    assert body
    with pytest.raises(ProviderError):
        await written(body)
