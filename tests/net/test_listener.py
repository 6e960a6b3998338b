"""Connections that are accepted, those that are refused, and running out of descriptors."""

from __future__ import annotations

import resource
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from client import until
from torture.server import ServerProcess

from tornado_stream.net.client_connections import ClientConnections, address_key
from tornado_stream.net.listener import FREED, Listener, keep_alive

from .test_client_connections import connections, queues, to_end

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def listener(settings, count):
    """A listener with `count` open connections from each of these addresses."""
    made = ClientConnections(settings)
    made.per_address = {
        key: count for key in ("127.0.0.1", "::/64", "10.0.0.1", "2001:db8::/64", "")
    }
    return Listener(settings, made, lambda *_: None)


@pytest.fixture
def start(tmp_path, upstream, io_loop):
    """Starts `python main.py`."""
    servers: list[ServerProcess] = []

    async def begin(*arguments: str) -> ServerProcess:
        server = ServerProcess(tmp_path, upstream.url, *arguments)
        servers.append(server)
        await server.start()
        return server

    yield begin
    for server in servers:
        server.kill()


def connect(stack: ExitStack, port: int, count: int, data: bytes = b"") -> list[socket.socket]:
    """New connections, each of which has sent `data`."""
    made = []
    for _ in range(count):
        sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        sock.sendall(data)
        made.append(sock)
    return made


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.gen_test
async def test_idle_connections_make_room_and_busy_ones_do_not(serve, settings):
    chat = serve(replace(settings, max_connections=3))
    first = await chat.connect()
    for stream in (first, second := await chat.connect()):
        await stream.write(HEALTH)
        await stream.read_until(b"}")
    reader = await chat.send(model="say=a;hold;say=b")
    await reader.until("delta")
    assert queues(chat)[0] == 2
    assert (await chat.request("GET", "/readyz")).status == 200  # in place of the first one
    assert await to_end(first) == b"" and not second.closed()
    busy = [await chat.send(model="say=a;hold;say=b") for _ in range(2)]
    for stream in busy:
        await stream.until("delta")
    refused = await chat.request("GET", "/readyz")
    assert refused.status == 503 and refused.headers["retry-after"] == "5"
    assert refused.json()["error"]["code"] == "too_many_connections"
    assert refused.headers["connection"] == "close"
    assert len(connections(chat).open) == 3
    for stream in (reader, *busy):
        stream.close()
    await until(lambda: not connections(chat).open)
    assert (await chat.request("GET", "/readyz")).status == 200


@pytest.mark.gen_test
async def test_an_address_with_too_many_connections_is_refused(serve, settings):
    chat = serve(replace(settings, max_connections_per_address=2))
    kept = [await chat.connect() for _ in range(2)]
    refused = await chat.request("GET", "/readyz")
    assert refused.status == 429 and refused.headers["retry-after"] == "5"
    assert refused.json()["error"]["code"] == "too_many_connections"
    kept[0].close()
    await until(lambda: len(connections(chat).open) == 1)
    assert (await chat.request("GET", "/readyz")).status == 200


@pytest.mark.parametrize(
    ("most", "count", "address", "full"),
    [
        (None, 9999, ("127.0.0.1", 1), False),
        (None, 9999, ("::1", 1, 0, 0), False),
        (None, 255, ("10.0.0.1", 1), False),
        (None, 256, ("10.0.0.1", 1), True),
        (None, 256, ("2001:db8::5", 1, 0, 0), True),
        (None, 9999, "", False),
        (0, 9999, ("10.0.0.1", 1), False),
        (5, 5, ("127.0.0.1", 1), True),
        (5, 4, ("127.0.0.1", 1), False),
    ],
)
def test_the_limit_of_an_address(settings, most, count, address, full):
    settings = replace(settings, max_connections_per_address=most)
    assert listener(settings, count)._is_address_full(address, address_key(address)) is full
    if isinstance(address, tuple):
        trusting = replace(settings, trusted_proxies=(ip_network(address[0]),))
        assert not listener(trusting, count)._is_address_full(address, address_key(address))


@linux
def test_accepted_connections_inherit_tcp_keep_alive():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        keep_alive(listening, 90)
        with socket.create_connection(listening.getsockname()):
            with listening.accept()[0] as accepted:
                names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
                options = [getattr(socket, name) for name in names]
                values = [accepted.getsockopt(socket.IPPROTO_TCP, o) for o in options]
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert values == [30, 10, 3, 90_000]


@linux
@pytest.mark.gen_test
async def test_a_thousand_slow_heads_do_not_keep_a_newcomer_out(start):
    server = await start("--max-connections", "500")
    with ExitStack() as stack:
        connect(stack, server.client.port, 1000, b"GET / HTTP/1.1\r\nX: ")
        for _ in range(3):
            # The server accepts it as soon as one of the others has had its second.
            began, status = time.monotonic(), 503
            while status == 503:
                status = (await server.client.request("GET", "/healthz")).status
            assert status == 200 and time.monotonic() - began < 10
    assert server.log.read_text().count("more are refused") <= 1


@linux
@pytest.mark.gen_test
async def test_out_of_descriptors(start, upstream):
    """Streams go on, the model is reached, the loop does not spin, and the log stays short. With
    descriptors again, the server accepts again."""
    server = await start()
    chat = server.client
    stream = await chat.send(model="gap=0.25;count=100000")
    first = await stream.until("delta")
    asking = await chat.connect()  # a second question waits behind the first answer
    for model in ("say=a;hold", "say=b"):
        body = {"message": "hi", "model": model}
        await asking.write(chat.encode("POST", "/stream", body, {}))
    await asking.read_until(b"event: delta")
    most = descriptors(server.pid) + FREED
    hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, hard))
    path = f"/stream/{stream.answer.start['generation_id']}"
    with ExitStack() as stack:
        # They all read the stream, so none of them can make room for another.
        readers = connect(stack, chat.port, 2 * FREED, chat.encode("GET", path, None, {}))
        for reader in readers[:FREED]:
            assert reader.recv(1) == b"H"
        upstream.released.set()
        for _ in range(2):
            await asking.read_until(b'"state":"done"')
        before, began = cpu(server.pid), time.monotonic()
        while time.monotonic() < began + 1.5:
            await stream.until("delta")
        share = (cpu(server.pid) - before) / (time.monotonic() - began)
        assert share < 0.1, "a loop that spins takes 0.9"
        assert server.log.read_text().count("no connection can be accepted") == 1
    began = time.monotonic()
    assert (await chat.request("GET", "/healthz")).status == 200
    assert time.monotonic() - began < 10 * 2
    assert (await stream.until("delta")).id > first.id
    stream.close()
    asking.close()


@linux
@pytest.mark.gen_test
async def test_a_hundred_readers_that_take_nothing(start):
    server = await start("--write-timeout", "0.5")
    chat = server.client
    answer = await chat.ask(model="fill=100x10000")  # a megabyte, more than the kernel holds
    path = f"/stream/{answer.start['generation_id']}"
    before, few = rss(server.pid), descriptors(server.pid) + 10
    with ExitStack() as stack:
        connect(stack, chat.port, 100, chat.encode("GET", path, None, {}))
        await until(lambda: descriptors(server.pid) > few)
        began = time.monotonic()
        assert (await chat.ask(model="say=still here")).text == "still here"
        assert time.monotonic() - began < 5
        await until(lambda: descriptors(server.pid) < few, what="they are not let go")
    assert rss(server.pid) - before < 50 * 1024 * 1024
