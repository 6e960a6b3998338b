"""The files of the database are removed, replaced or lost while the server runs."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from .conftest import Limits
from .reader import Reader
from .server import ServerProcess
from .test_full_disk import ask, metric, read_all, readiness
from .truth import answer_to, question

pytestmark = pytest.mark.wide

#: Seconds within which the server notices, and after which the main file has every commit.
NOTICED, SECURED = 5.0, 61.0


async def until_noticed(server: ServerProcess) -> None:
    """Wait for the line in the log: the server must notice it without a request or a write."""
    async with asyncio.timeout(NOTICED + 10):
        while "was removed or replaced" not in server.log.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("what", ["removed", "replaced", "directory"])
@pytest.mark.gen_test(timeout=300)
async def test_a_replaced_database_is_noticed(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, what: str
) -> None:
    server = start_server(await make_truth())
    await server.start()
    kept = [await ask(server, f"kept{n}") for n in range(3)]
    database = server.data_dir / "chat.db"
    began = time.monotonic()
    if what == "directory":
        other, sockets = server.data_dir.with_name("other"), shutil.ignore_patterns("*.sock")
        shutil.copytree(server.data_dir, other, ignore=sockets)
        server.data_dir.rename(server.data_dir.with_name("away"))
        other.rename(server.data_dir)
    else:
        database.rename(server.data_dir / "away")
        if what == "replaced":
            with closing(sqlite3.connect(server.data_dir / "away")) as source:
                with closing(sqlite3.connect(database)) as target:
                    source.backup(target)
            for suffix in ("-wal", "-shm"):
                (server.data_dir / f"away{suffix}").unlink(missing_ok=True)
    await until_noticed(server)
    noticed = time.monotonic() - began
    if limits.long:
        assert noticed <= NOTICED
    assert await readiness(server) == "not_saving"
    assert await metric(server, "database_replaced") == 1
    assert not (await ask(server, "late")).events
    assert (await server.client.request("GET", "/api/conversations")).status == 200
    server.kill()
    await server.start()
    assert await readiness(server) == "ready"
    if what == "directory":
        await read_all(server, kept)
    assert (await ask(server, "last")).end["saved"]
    assert "Traceback" not in server.log.read_text()
    summary.row(f"database: {what}", noticed_ms=int(noticed * 1000), told_saved_wrongly=0)


@pytest.mark.gen_test(timeout=300)
async def test_answers_that_run_then_are_whole_and_say_that_they_are_not_saved(
    make_truth: Any, start_server: Any
) -> None:
    server = start_server(await make_truth())
    await server.start()
    readers = [
        Reader(server.client, {"message": question(f"any:running{n}", 600, 5)}) for n in range(5)
    ]
    reading = [asyncio.ensure_future(reader.run()) for reader in readers]
    while not all(reader.events for reader in readers):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    (server.data_dir / "chat.db").rename(server.data_dir / "away")
    await asyncio.gather(*reading)
    for reader in readers:
        assert reader.body and reader.text == answer_to(reader.body["message"])
        assert reader.state == "done" and not reader.end["saved"]
    (server.data_dir / "away").rename(server.data_dir / "chat.db")
    async with asyncio.timeout(20):
        while await readiness(server) != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    server.kill()
    await server.start()
    for reader in readers:
        again = await Reader(server.client, id=reader.id).read_once()
        assert (again.state, again.text) == ("done", reader.text)


@pytest.mark.gen_test(timeout=300)
async def test_the_write_ahead_log_can_be_lost_after_a_minute_of_quiet(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any
) -> None:
    if not limits.long:
        pytest.skip("it takes a minute; tests/store/test_checks.py has a short form")
    server = start_server(await make_truth())
    await server.start()
    kept = [await ask(server, f"kept{n}") for n in range(20)]
    await asyncio.sleep(SECURED)
    server.kill()
    for suffix in ("-wal", "-shm"):
        (server.data_dir / f"chat.db{suffix}").unlink()
    await server.start()
    await read_all(server, kept)
    summary.row("write-ahead log lost after 61 s", answers=len(kept), lost=0)
