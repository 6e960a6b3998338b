"""Whole responses, head and body, as reports have them: each is sent byte for byte.

They are skipped where the corpus is absent; test_upstream.py has responses of the same kinds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from corpus import CORPUS

REPORTS = CORPUS / "reports"

DONE = ("done", "Half an ans", "")
#: State, text and error code of each.
RIGHT = {
    "ce-br.http": ("cut_off", "", "malformed_response"),
    "ce-deflate-raw.http": DONE,
    "ce-gzip-but-plain.http": ("cut_off", "", "malformed_response"),
    "ce-gzip-members.http": ("done", "Half an answer", ""),
    "ce-gzip-upper.http": DONE,
    "ce-utf8.http": DONE,
    "dup-cl-te.http": ("error", "", "malformed_response"),  # RFC 9112 section 6.3: an attack
    "499-cf.http": ("error", "", "upstream_5xx"),
    "header-space-colon.http": ("error", "", "malformed_response"),
    "http10.http": DONE,
    "lf-only-head.http": ("error", "", "malformed_response"),
    "no-reason.http": DONE,
    "redirect-307.http": ("error", "", "not_an_api"),
    "redirect-308-slash.http": ("error", "", "not_an_api"),
    "status-201.http": DONE,
    "status-204.http": ("error", "", "not_an_api"),
}
SAYS = {
    "ce-br.http": "(br)",
    "redirect-307.http": "to http://127.0.0.1:9100/v2/chat/completions",
    "redirect-308-slash.http": "to /v1/chat/completions/",
    "status-204.http": "204 No Content",
}


@pytest.fixture
def replayer(io_loop: Any) -> Iterator[str]:
    """The base URL of a server that answers with the file that the model names."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        (name,) = (name for name in RIGHT if b'"' + name.encode() + b'"' in body)
        writer.write((REPORTS / name).read_bytes())
        writer.close()
        await writer.wait_closed()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    server = io_loop.run_sync(start)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()


@pytest.mark.skipif(not REPORTS.exists(), reason="the corpus is absent")
@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.gen_test
async def test_a_recorded_response(serve, settings, replayer, name):
    chat = serve(replace(settings, base_url=replayer))
    answer = await chat.ask(model=name)
    error = answer.end["error"] or {"code": "", "message": ""}
    assert (answer.end["state"], answer.text, error["code"]) == RIGHT[name]
    assert SAYS.get(name, "") in error["message"]
