"""Many clients read one answer: all get the same events, and none delays another."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
import time
from dataclasses import replace
from typing import Any

import pytest
from client import Client, until
from deadlines import LONG, at_most

from .conftest import Limits
from .reader import Dechunker, Reader
from .truth import answer_to, question

MIB = 1024 * 1024
#: The length of an answer that does not fit into the kernel's buffers, in characters.
LARGE = 3_000_000 if LONG else 1_000_000


@pytest.mark.gen_test
async def test_three_tabs_and_one_that_joins_late(
    limits: Limits, summary: Any, make_truth: Any, serve: Any, settings: Any
) -> None:
    truth = await make_truth()
    chat = serve(replace(settings, base_url=truth.url))
    message = question(f"any{limits.seed}:tabs", 1500, 3)
    first = Reader(chat, {"message": message})
    asking = asyncio.ensure_future(first.run())
    await until(lambda: first.started)
    tabs = [Reader(chat, id=first.id) for _ in range(2)]
    reading = [asyncio.ensure_future(tab.run()) for tab in tabs]
    await until(lambda: first.last_number > 30)
    late = await Reader(chat, id=first.id).run()
    await asyncio.gather(asking, *reading)
    after = await Reader(chat, id=first.id).run()
    assert first.text == answer_to(message) and first.state == "done"
    for tab in (*tabs, late, after):
        assert tab.log == first.log
    assert truth.asked[first.id] == 1
    summary.row("tabs", readers=5, events=len(first.log), same_sequence="yes")


class Stalled:
    """A client that reads nothing until the test says so."""

    def __init__(self, chat: Client, id: str) -> None:
        self._sock = socket.socket()
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self._sock.connect(("127.0.0.1", chat.port))
        self._sock.sendall(chat.encode("GET", f"/stream/{id}", None, {}))
        self._sock.setblocking(False)
        self.address = self._sock.getsockname()
        self.frames = b""
        self.whole = False

    def cost(self, chat: Client) -> int:
        """The bytes that Tornado's and the kernel's buffers hold for this client."""
        assert chat.application
        for handler in chat.application.streams:
            stream = handler._socket
            if stream.socket and stream.socket.getpeername() == self.address:
                waiting = fcntl.ioctl(stream.socket, termios.TIOCOUTQ, struct.pack("I", 0))
                return len(stream._write_buffer) + int(struct.unpack("I", waiting)[0])
        return 0

    async def read(self) -> None:
        """Read everything, until the end or until the server closes the connection."""
        loop, dechunker, head = asyncio.get_running_loop(), Dechunker(), b""
        try:
            while not dechunker.done and (data := await loop.sock_recv(self._sock, 65536)):
                if head is not None:
                    head += data
                    if b"\r\n\r\n" not in head:
                        continue
                    data, head = head.partition(b"\r\n\r\n")[2], None
                self.frames += dechunker.feed(data)
        except ConnectionError:
            pass
        self.whole = dechunker.done
        self.frames = self.frames.partition(b"\n\n")[2]  # the opening comment

    def close(self) -> None:
        self._sock.close()


@pytest.mark.parametrize("write_timeout", [20.0, 0.5], ids=["same-connection", "after-deadline"])
@pytest.mark.gen_test
async def test_a_reader_that_stops_reading(
    write_timeout: float,
    limits: Limits,
    summary: Any,
    make_truth: Any,
    serve: Any,
    settings: Any,
) -> None:
    """A client that stops reading delays no other and costs at most 1 MiB. Later it reads on, on
    the same connection, or on a new one after the write timeout."""
    if limits.long:
        write_timeout = 30.0 if write_timeout < 1 else 60.0
    keeps = write_timeout in (20.0, 60.0)
    truth = await make_truth()
    chat = serve(replace(settings, base_url=truth.url, write_timeout=write_timeout))
    message = question(f"any{limits.seed}:large", LARGE, 0)
    reader = Reader(chat, {"message": message})
    asking = asyncio.ensure_future(reader.run())
    await until(lambda: reader.started)
    stalled = [Stalled(chat, reader.id) for _ in range(3)]
    cost = 0
    while not asking.done():
        cost = max(cost, *(each.cost(chat) for each in stalled))
        await asyncio.sleep(0.005)
    await asking
    assert reader.text == answer_to(message) and reader.connections == 1
    # The answer has ended, and the stalled clients are still at its beginning.
    prompt = question(f"any{limits.seed}:prompt", 500, 0)
    began = time.monotonic()
    other = await Reader(chat, {"message": prompt}).run()
    delay = time.monotonic() - began
    assert other.text == answer_to(prompt) and delay < at_most(0.5)
    cost = max(cost, *(each.cost(chat) for each in stalled))
    assert 0 < cost <= MIB
    if not keeps:
        await until(lambda: not any(each.cost(chat) for each in stalled), write_timeout + 20)
    whole = (await chat.request("GET", f"/stream/{reader.id}?live=0")).body.partition(b"\n\n")[2]
    for each in stalled:
        await each.read()
        assert each.whole == keeps and whole.startswith(each.frames)
        if not keeps:
            frames = each.frames[: each.frames.rfind(b"\n\n") + 2]
            last = frames.count(b"\n\n")
            rest = await chat.request(
                "GET", f"/stream/{reader.id}", None, {"Last-Event-ID": f"{last}"}
            )
            assert frames + rest.body.partition(b"\n\n")[2] == whole
        else:
            assert each.frames == whole
        each.close()
    summary.row(
        "stalled readers, " + ("same connection" if keeps else f"let go after {write_timeout:g} s"),
        answer_bytes=len(whole),
        largest_cost_bytes=cost,
        another_answer_s=f"{delay:.2f}",
    )
