"""A TCP proxy that damages connections as networks do, chosen by one seeded random generator.

The words are those of toxiproxy: latency, jitter, slicer, bandwidth, slow_close. A connection is
cut after a number of bytes or seconds, in one of four ways: `reset` sends RST to both sides;
`close` closes both sides properly; `fin` closes this direction and leaves the other one open;
`hold` passes nothing on for a while, then closes both sides. `tamper` changes the bytes, which no
network does: tests use it to check that the comparison notices wrong text.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

READ_SIZE = 64 * 1024
#: With this SO_LINGER, close() sends RST and does not wait.
LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass
class Toxics:
    """The damage to one direction of one connection. Times are in seconds, `slice` is the largest
    write in bytes, `bandwidth` is in bytes a second. The direction is cut in the way `cut` after
    `cut_after` bytes or `cut_at` seconds."""

    latency: float = 0.0
    jitter: float = 0.0
    slice: int = 0
    bandwidth: float = 0.0
    cut: str = ""
    cut_after: int | None = None
    cut_at: float | None = None
    hold: float = 0.1
    slow_close: float = 0.0
    tamper: Callable[[bytes], bytes] | None = None


@dataclass
class Plan:
    """The damage to a connection: `up` is the direction from the client, `down` to the client."""

    up: Toxics = field(default_factory=Toxics)
    down: Toxics = field(default_factory=Toxics)


#: Chooses a plan from the first bytes of the client; None asks for more bytes.
Chooser = Callable[[bytes], Plan | None]


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes connections on to the port `target`.

    `choose` is called once for each connection. `cuts` counts the cuts by their kind. Both
    `choose` and `target` may be set at any time, as when a server starts again on another port.
    """

    def __init__(self, target: int, rng: random.Random, choose: Chooser | None = None) -> None:
        self.target = target
        self.cuts: dict[str, int] = {}
        self.accepted = 0
        self.port = 0
        self.rng = rng
        self.choose: Chooser = choose or (lambda first: Plan())
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Cut the open connections and stop listening."""
        assert self._server
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0.01)  # let the aborted transports close their sockets

    @property
    def all_cuts(self) -> int:
        return sum(self.cuts.values())

    def count(self, kind: str) -> None:
        self.cuts[kind] = self.cuts.get(kind, 0) + 1

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        connection = _Connection(self, reader, writer)
        task = asyncio.ensure_future(connection.run())
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        task.add_done_callback(lambda task: connection.close())


class _Connection:
    """A connection of a client, with its connection to the target."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._writers = [writer]
        self._cut = ""

    async def run(self) -> None:
        pumps: list[asyncio.Task[None]] = []
        try:
            first, plan = await self._read_plan()
            reader, writer = await asyncio.open_connection("127.0.0.1", self._proxy.target)
            self._writers.append(writer)
            for each in self._writers:
                sock = each.get_extra_info("socket")
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pumps = [
                asyncio.ensure_future(self._pump(self._reader, writer, plan.up, first)),
                asyncio.ensure_future(self._pump(reader, self._writer, plan.down, b"")),
            ]
            await asyncio.gather(*pumps)
        except (OSError, EOFError):
            self._cut = self._cut or "reset"  # one side was reset, so reset the other
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    def close(self) -> None:
        """Close both sides, with RST if the cut was a reset."""
        for writer in self._writers:
            if self._cut == "reset" and not writer.is_closing():
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            writer.transport.abort()

    async def _read_plan(self) -> tuple[bytes, Plan]:
        first = b""
        while (plan := self._proxy.choose(first)) is None:
            data = await self._reader.read(READ_SIZE)
            if not data:
                raise EOFError
            first += data
        return first, plan

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        toxics: Toxics,
        data: bytes,
    ) -> None:
        """Pass one direction on, until it ends or is cut."""
        loop = asyncio.get_running_loop()
        due = None if toxics.cut_at is None else loop.time() + toxics.cut_at
        left = toxics.cut_after
        try:
            async with asyncio.timeout_at(due):
                while True:
                    data = toxics.tamper(data) if toxics.tamper else data
                    for piece in self._slices(data, toxics.slice):
                        piece = piece if left is None else piece[:left]
                        await self._delay(toxics, len(piece))
                        writer.write(piece)
                        await writer.drain()
                        if left is not None:
                            left -= len(piece)
                            if not left:
                                raise TimeoutError
                    if not (data := await reader.read(READ_SIZE)):
                        break
        except TimeoutError:
            await self._do_cut(writer, toxics)
        else:
            await asyncio.sleep(toxics.slow_close)
            if writer.can_write_eof():
                writer.write_eof()

    def _slices(self, data: bytes, size: int) -> list[bytes]:
        if not size:
            return [data] if data else []
        pieces = []
        while data:
            n = self._proxy.rng.randint(1, size)
            pieces.append(data[:n])
            data = data[n:]
        return pieces

    async def _delay(self, toxics: Toxics, size: int) -> None:
        delay = toxics.latency + toxics.jitter * self._proxy.rng.random()
        if toxics.bandwidth:
            delay += size / toxics.bandwidth
        if delay:
            await asyncio.sleep(delay)

    async def _do_cut(self, writer: asyncio.StreamWriter, toxics: Toxics) -> None:
        self._proxy.count(toxics.cut)
        if toxics.cut == "fin":
            writer.write_eof()
            return  # the other direction stays open until one side closes
        if toxics.cut == "hold":
            await asyncio.sleep(toxics.hold)
        self._cut = toxics.cut
        raise EOFError


@asynccontextmanager
async def proxied(
    target: int, rng: random.Random, choose: Chooser | None = None
) -> AsyncIterator[Proxy]:
    """Runs a proxy; it is closed at the end of the block."""
    proxy = await Proxy(target, rng, choose).start()
    try:
        yield proxy
    finally:
        await proxy.close()


def random_toxics(rng: random.Random) -> Toxics:
    """Random damage to one direction, often none, without a cut."""
    toxics = Toxics()
    if rng.random() < 0.3:
        toxics.latency, toxics.jitter = rng.choice([(0.001, 0.0), (0.0, 0.004), (0.003, 0.01)])
    if rng.random() < 0.5:
        toxics.slice = rng.choice([7, 40, 200, 1000])
    if toxics.slice == 7:  # there are many writes, and latency would delay each
        toxics.latency = toxics.jitter = 0.0
    if rng.random() < 0.15:
        toxics.bandwidth = rng.choice([50_000, 200_000])
    return toxics


def random_cut(rng: random.Random, toxics: Toxics, size: int, seconds: float) -> Toxics:
    """Add a cut to `toxics`, within the first `size` bytes or the first `seconds`."""
    toxics.cut = rng.choice(["reset", "fin", "hold"])
    toxics.hold = rng.uniform(0.0, 0.2)
    if rng.random() < 0.25:
        toxics.cut_at = rng.uniform(0.0, seconds)
    else:
        toxics.cut_after = rng.randint(1, size)
    return toxics
