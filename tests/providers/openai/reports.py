"""Responses of upstreams after public reports, replayed byte for byte through the whole server.

`Replayer` is a server of raw sockets: it sends the file that the request's model names, as it is
(`.http`: head and body) or as the body of an event stream (`.sse`), and closes the connection.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

from client import Answer, Client
from corpus import CORPUS

REPORTS = CORPUS / "reports"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
ASK = {"messages": [{"role": "user", "content": "hi"}]}


class Replayer:
    """`requests` counts the questions. `url` is the base URL."""

    def __init__(self) -> None:
        self.requests = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> Replayer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def close(self) -> None:
        assert self._server
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if not length:
                return  # a client of another test, whose server had this port before
            body = json.loads(await reader.readexactly(int(length[1])))
            self.requests += 1
            writer.write(response(body["model"]))
            await writer.drain()
            writer.write_eof()
            await reader.read()
        except (OSError, EOFError):
            pass  # the server has closed the connection
        finally:
            writer.close()


def response(name: str) -> bytes:
    data = (REPORTS / name).read_bytes()
    return data if name.endswith(".http") else HEAD + data


@dataclass
class Outcome:
    """What the page, a program that streams, and one that does not, get of one case.

    `chunks` are those of the stream without `[DONE]`, and `whole` is the JSON of the whole
    response. If the status is not 200, both are the body of the error.
    """

    answer: Answer
    stream_status: int
    chunks: list[dict[str, Any]]
    whole_status: int
    whole: dict[str, Any]

    @property
    def tool_calls(self) -> list[tuple[str, str]]:
        """Name and arguments of each call, as the page joins them."""
        calls: dict[int, list[str]] = {}
        for delta in self._deltas():
            for part in delta.get("tool_calls", ()):
                call = calls.setdefault(part["index"], ["", ""])
                call[0] += part["name"]
                call[1] += part["arguments"]
        return [(name, arguments) for _, (name, arguments) in sorted(calls.items())]

    @property
    def sources(self) -> list[str]:
        return [source["url"] for delta in self._deltas() for source in delta.get("sources", ())]

    def _deltas(self) -> list[dict[str, Any]]:
        return [event.data for event in self.answer.events if event.name == "delta"]

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The choices of the stream's chunks."""
        lists = [chunk.get("choices") for chunk in self.chunks]
        return [choice for choices in lists if isinstance(choices, list) for choice in choices]

    def streamed(self, member: str) -> str:
        """The texts of this member of all deltas, joined; what is no text is left out."""
        values = [(choice.get("delta") or {}).get(member) for choice in self.choices]
        return "".join(value for value in values if isinstance(value, str))

    @property
    def streamed_error(self) -> dict[str, Any] | None:
        return self.chunks[-1].get("error") if self.chunks else None

    @property
    def finish_reason(self) -> str | None:
        reasons = [choice.get("finish_reason") for choice in self.choices]
        return next((reason for reason in reversed(reasons) if reason), None)


async def outcome(chat: Client, name: str) -> Outcome:
    """Ask for the case in each of the three ways."""
    body, path = {**ASK, "model": name}, "/v1/chat/completions"
    answer = await chat.ask("hi", model=name)
    stream = await chat.request("POST", path, {**body, "stream": True})
    whole = await chat.request("POST", path, body)
    if stream.status != 200:
        return Outcome(answer, stream.status, [stream.json()], whole.status, whole.json())
    events = [e for e in stream.body.decode().split("\n\n") if e.startswith("data: ")]
    assert events[-1] == "data: [DONE]", name
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    return Outcome(answer, 200, chunks, whole.status, whole.json())


def sent_chunks(name: str) -> list[dict[str, Any]]:
    """The chunks with a choice that the file has, errors left out."""
    lines = (REPORTS / name).read_text("utf-8-sig").splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    chunks = [json.loads(text) for text in data]
    return [chunk for chunk in chunks if chunk.get("choices") and not chunk.get("error")]
