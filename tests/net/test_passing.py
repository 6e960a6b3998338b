"""Descriptors that are passed between processes, here two channels of one process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from tornado_stream.net import passing
from tornado_stream.net.doors import Door
from tornado_stream.net.passing import (
    MAX_PACKET,
    Channel,
    Refused,
    call,
    close_all,
    connect,
    in_memory,
    read_whole,
)

pytestmark = pytest.mark.skipif(not passing.SUPPORTED, reason="this system cannot pass them")


def echo(channel, message, descriptors, reply) -> None:
    """Answer with what came."""
    reply({**message, "said": True}, descriptors)
    close_all(descriptors)


def nobody(channel, message, descriptors, reply) -> None:
    close_all(descriptors)


def descriptors_open() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def pair(io_loop):
    """The two ends of a connection between processes."""

    async def make(first, second) -> tuple[Channel, Channel]:
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channels.extend([Channel(one, first), Channel(other, second)])
        return channels[-2], channels[-1]

    channels: list[Channel] = []
    yield make
    for channel in channels:
        channel.close()


@pytest.mark.gen_test
async def test_both_sides_ask_and_answer_with_descriptors(pair):
    heard = []

    def keep(channel, message, descriptors, reply) -> None:
        heard.append((message["text"], [read_whole(one) for one in descriptors]))
        reply({"heard": len(heard)}, ())

    before = descriptors_open()
    one, other = await pair(keep, echo)
    data = bytes(range(256)) * 5000
    descriptor = in_memory(data)
    asked = [other.ask({"text": str(n)}, [descriptor] * n) for n in range(5)]
    os.close(descriptor)
    assert [(await answer)["heard"] for answer in asked] == [1, 2, 3, 4, 5]
    assert heard == [(str(n), [data] * n) for n in range(5)]
    assert (await one.ask({"text": "é"}))["said"]
    assert one.waiting == other.waiting == 0
    assert one.peer == os.getpid()
    assert descriptors_open() == before + 2


@pytest.mark.gen_test
async def test_more_than_the_system_holds_is_sent_later(pair):
    one, other = await pair(echo, nobody)
    asyncio.get_running_loop().remove_reader(one._sock)
    text = "x" * (MAX_PACKET // 2)
    read, write = os.pipe()
    asked = [other.ask({"text": text, "n": n}, [write]) for n in range(50)]
    os.close(write)
    await asyncio.sleep(0.05)
    assert other._unsent and other.waiting == 50
    asyncio.get_running_loop().add_reader(one._sock, one._read)
    assert [(await answer)["n"] for answer in asked] == list(range(50))
    assert os.read(read, 1) == b""  # nobody has the other end any more
    os.close(read)


@pytest.mark.gen_test
async def test_what_the_dead_have_not_answered_fails(pair):
    one, other = await pair(nobody, nobody)
    closed = []
    other.on_closed.append(lambda: closed.append(True))
    asked = [other.ask({"n": n}) for n in range(3)]
    await asyncio.sleep(0.01)
    one.close()
    for answer in asked:
        with pytest.raises(Refused, match="has closed"):
            await answer
    with pytest.raises(Refused, match="has closed"):
        await other.ask({})
    assert other.closed and closed == [True]
    other.close()


@pytest.mark.parametrize("packet", [b"{", b"[]", b"\xff", b"x" * (MAX_PACKET + 1)])
@pytest.mark.gen_test
async def test_a_malformed_packet_closes_the_channel_and_leaks_nothing(packet):
    before = descriptors_open()
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel = Channel(one, echo)
    read, write = os.pipe()
    passing.send_packet(other, packet, [write, write])
    os.close(write)
    while not channel.closed:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert os.read(read, 1) == b""
    os.close(read)
    other.close()
    assert descriptors_open() == before


@pytest.mark.gen_test
async def test_a_bug_in_an_answer_closes_the_channel(pair, caplog):
    def fails(channel, message, descriptors, reply) -> None:
        raise KeyError("owner")

    one, other = await pair(echo, fails)
    with pytest.raises(Refused):
        await one.ask({"knows": 1})
    assert "cannot be answered" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("length", [10, 150])
@pytest.mark.gen_test
async def test_a_door_hears_its_own_user(tmp_path, monkeypatch, length, caplog):
    directory = tmp_path / ("d" * length)
    directory.mkdir()
    path = directory / "control.sock"
    with pytest.raises(Refused):
        connect(path, 1)
    path.write_text("left by somebody")
    door = Door(path, echo)
    assert path.stat().st_mode & 0o777 == 0o600
    sock = connect(path, 5)
    answer, _ = await asyncio.to_thread(call, sock, {"text": "a"})
    assert answer["said"]
    sock.close()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(Refused, match="another user"):
        connect(path, 5)
    with suppress(Refused):
        await asyncio.sleep(0.05)
    assert "a process of another user is not heard" in caplog.text and not door.channels
    monkeypatch.undo()
    sock = connect(path, 5)
    door.close()
    door.close()
    with pytest.raises(Refused):
        await asyncio.to_thread(call, sock, {"text": "a"})
    sock.close()
    assert not path.exists()
    with pytest.raises(Refused):
        connect(path, 1)


@pytest.mark.gen_test
async def test_many_may_ask_while_a_door_is_busy(tmp_path):
    door = Door(tmp_path / "door.sock", echo)
    waiting = [connect(door.path, 1.0) for _ in range(200)]  # the loop does not run meanwhile
    channels = [Channel(one, nobody) for one in waiting]
    answers = await asyncio.gather(*(one.ask({"number": n}) for n, one in enumerate(channels)))
    assert [answer["number"] for answer in answers] == list(range(200))
    for channel in channels:
        channel.close()
    door.close()


@pytest.mark.gen_test
async def test_what_is_passed_survives_its_sender(tmp_path):
    """A process sends a connection and dies: the receiver has it."""
    got = []

    def take(channel, message, descriptors, reply) -> None:
        got.append(descriptors)

    door = Door(tmp_path / "control.sock", take)
    program = (
        "import sys, socket; from pathlib import Path; from tornado_stream.net.passing import *\n"
        "one, other = socket.socketpair(); other.sendall(b'hello')\n"
        "sock = connect(Path(sys.argv[1]), 5); send_packet(sock, b'{}', [one.fileno()])"
    )
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, door.path], check=True, cwd=os.getcwd()
    )
    while not got:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    with socket.socket(fileno=got[0][0]) as passed:
        assert passed.recv(99) == b"hello"
        assert passed.recv(99) == b""
    door.close()
