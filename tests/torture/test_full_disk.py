"""A file system that is really full: the server refuses, reads, deletes and goes on.

The tests mount a tmpfs, and are skipped where that is not allowed.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from deadlines import DEADLINE

from tornado_stream.server import main
from tornado_stream.store import open_store
from tornado_stream.values.messages import Conversation

from .conftest import Limits
from .reader import Reader
from .server import ServerProcess
from .truth import question

pytestmark = pytest.mark.wide


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[ServerProcess, int], None]]:
    """Mounts a tmpfs of some MiB as the data directory of a server."""
    mounted: list[Path] = []

    def make(server: ServerProcess, mebibytes: int) -> None:
        server.data_dir.mkdir(mode=0o700, exist_ok=True)
        options = f"size={mebibytes}m,mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(server.data_dir)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except OSError:
            pytest.skip("there is no mount(8)")
        if done.returncode:
            pytest.skip("a tmpfs cannot be mounted here")
        mounted.append(server.data_dir)

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(server: ServerProcess, option: str) -> None:
    command = ["mount", "-o", f"remount,{option}", str(server.data_dir)]
    subprocess.run(command, check=True, capture_output=True)


def fill(server: ServerProcess) -> Path:
    """Leave not a byte free on the disk of the server; returns the file that did it."""
    path = server.data_dir / "ballast"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            while True:
                try:
                    os.write(file.fileno(), bytes(size))
                except OSError:
                    break
    return path


async def readiness(server: ServerProcess) -> str:
    return str((await server.client.request("GET", "/readyz")).json()["status"])


async def metric(server: ServerProcess, name: str) -> float:
    text = (await server.client.request("GET", "/metrics")).body.decode()
    found = re.search(rf"^tornado_stream_{name} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


async def ask(server: ServerProcess, name: str, tokens: int = 40) -> Reader:
    return await Reader(server.client, {"message": question(f"any:{name}", tokens, 1)}).read_once()


async def ask_until_refused(server: ServerProcess, name: str) -> list[Reader]:
    """Ask long questions until one is refused; returns the readers of the others."""
    asked = []
    for n in range(1000):
        words = random.Random(f"{name}{n}").randbytes(15_000).hex()
        text = question(f"any:{name}{n}", 20, 1) + " " + words
        reader = await Reader(server.client, {"message": text}).read_once()
        if not reader.events:
            return asked
        asked.append(reader)
    raise AssertionError("the disk was never full")


async def until_full(server: ServerProcess, name: str) -> list[Reader]:
    """Ask until a question is refused and `/readyz` says so; returns what was asked.

    When the server finds the disk full, it empties the write-ahead log, which gives it some room.
    """
    asked = []
    async with asyncio.timeout(60):
        while True:
            asked += await ask_until_refused(server, f"{name}{len(asked)}-")
            late = await ask(server, "late")
            if late.events:
                asked.append(late)
            elif await readiness(server) == "not_saving":
                return asked


async def read_all(server: ServerProcess, readers: list[Reader]) -> None:
    """The list, each conversation, and each answer can be read."""
    assert (await server.client.request("GET", "/api/conversations")).status == 200
    for reader in readers:
        path = f"/api/conversations/{reader.start['conversation_id']}"
        assert (await server.client.request("GET", path)).status == 200
        again = await Reader(server.client, id=reader.id).read_once()
        if reader.end["saved"]:
            assert again.log == reader.log


async def delete(server: ServerProcess, reader: Reader) -> int:
    path = f"/api/conversations/{reader.start['conversation_id']}"
    response = await server.client.request("DELETE", path)
    if response.status != 204:
        print(response.body)  # for the report of a test that fails
    return response.status


async def until_ready(server: ServerProcess) -> None:
    """The server offers again what the disk refused, and is ready then."""
    async with asyncio.timeout(DEADLINE):
        while (status := await readiness(server)) != "ready":
            assert status == "not_saving"
            await asyncio.sleep(0.05)


@pytest.mark.gen_test(timeout=300)
async def test_a_full_disk_is_no_dead_end(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, mount: Any
) -> None:
    """Fill the disk, be refused, read, delete, go on, and again: no space comes from outside."""
    server = start_server(await make_truth())
    mount(server, 24)
    await server.start()
    assert await readiness(server) == "ready" and await metric(server, "database_reserve") == 1
    kept = [await ask(server, "first")]
    deleted = 0
    for round in range(4 if limits.long else 2):
        kept += await until_full(server, f"round{round}-")
        if round == 0:
            fill(server)
        await read_all(server, kept[:3])
        for _ in range(24):
            assert await delete(server, kept.pop()) == 204
            deleted += 1
        await until_ready(server)
        kept.append(await ask(server, f"after{round}"))
        assert kept[-1].end["saved"]
    await read_all(server, kept[:3])
    assert "Traceback" not in server.log.read_text()
    summary.row("full tmpfs", rounds=round + 1, deleted=deleted, refused_deletions=0)


@pytest.mark.gen_test(timeout=300)
async def test_a_start_on_a_full_disk_reads_and_deletes(
    make_truth: Any, start_server: Any, mount: Any
) -> None:
    server = start_server(await make_truth())
    mount(server, 24)
    await server.start()
    kept = [await ask(server, f"kept{n}") for n in range(3)]
    running = Reader(server.client, {"message": question("any:running", 4000, 20)})
    following = asyncio.ensure_future(running.read_once())
    while not running.events:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    ballast = fill(server)
    server.kill()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)  # it may have noticed the kill
    for start in range(2):
        fill(server)
        await server.start()
        fill(server)
        assert await readiness(server) == "not_saving", start
        assert not (await ask(server, "late")).events
        await read_all(server, kept)
        again = await Reader(server.client, id=running.id).read_once()
        assert again.state == "interrupted"
        server.kill()
    ballast.unlink()
    await server.start()
    assert await readiness(server) == "ready"
    again = await Reader(server.client, id=running.id).read_once()
    assert again.state == "interrupted"
    assert (await ask(server, "last")).end["saved"]
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.gen_test(timeout=300)
async def test_a_read_only_disk_is_served(
    make_truth: Any, start_server: Any, mount: Any, killed: bool
) -> None:
    """After a clean end, and after a crash: then the write-ahead log has commits alone."""
    server = start_server(await make_truth())
    mount(server, 24)
    await server.start()
    kept = [await ask(server, f"kept{n}") for n in range(3)]
    if killed:
        server.kill()
    else:
        server.signal(15)
        assert await server.wait() == 0
    remount(server, "ro")
    await server.start()
    assert await readiness(server) == "not_saving"
    assert await metric(server, "database_read_only") == 1
    await read_all(server, kept)
    assert not (await ask(server, "late")).events
    assert await delete(server, kept[0]) == 503
    log = server.log.read_text()
    assert "cannot be written" in log and "restart" in log and "Traceback" not in log
    server.kill()
    remount(server, "rw")
    await server.start()
    assert await readiness(server) == "ready" and (await ask(server, "last")).end["saved"]


@pytest.mark.gen_test(timeout=300)
async def test_a_start_without_any_space_at_all_reads(
    make_truth: Any, start_server: Any, mount: Any
) -> None:
    """After a clean end SQLite has to create files, for which there is no room."""
    server = start_server(await make_truth())
    mount(server, 24)
    await server.start()
    kept = [await ask(server, f"kept{n}") for n in range(3)]
    server.signal(15)
    assert await server.wait() == 0
    (server.data_dir / "reserve").unlink()
    ballast = fill(server)
    await server.start()
    assert await readiness(server) == "not_saving"
    await read_all(server, kept)
    assert (await server.client.request("GET", "/api/conversations?q=truth")).status == 200
    log = server.log.read_text()
    assert "cannot be written (the disk is full)" in log and "Traceback" not in log
    server.signal(15)
    assert await server.wait() == 0
    ballast.unlink()
    await server.start()
    assert await readiness(server) == "ready"
    await read_all(server, kept)


@pytest.mark.parametrize("option", ["full", "ro"])
def test_commands_read_a_disk_that_is_full_or_read_only(mount, tmp_path, option, capsys):
    """What is there can be brought to another disk."""
    disk = SimpleNamespace(data_dir=tmp_path / "disk")
    mount(disk, 2)

    async def fill() -> None:
        store = open_store(disk.data_dir)
        await store.create(Conversation("c1", "Bread", None, None, 1, 1))
        await store.close()

    asyncio.run(fill())
    if option == "full":
        with suppress(OSError), (disk.data_dir / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    else:
        remount(disk, "ro")
    flags = ["--data-dir", str(disk.data_dir)]
    assert main(["check", *flags]) == 0
    assert main(["backup", str(tmp_path / "b.zip"), *flags]) == 0
    assert main(["export", str(tmp_path / "e.zip"), *flags]) == 0
    assert "1 conversation of local" in capsys.readouterr().out
    assert main(["backup", str(disk.data_dir / "b.zip"), *flags]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "damaged" not in said
