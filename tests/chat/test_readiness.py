"""A server is ready unless it drains, cannot save, or cannot reach its upstream."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from dataclasses import replace

import pytest
from client import Client, refusing_port

from tornado_stream import app as app_module
from tornado_stream.chat import readiness
from tornado_stream.providers import upstream as upstream_module
from tornado_stream.store.sqlite import SQLiteStore


async def status(chat: Client) -> str:
    response = await chat.request("GET", "/readyz")
    word = response.json()["status"]
    assert response.status == (200 if word == "ready" else 503)
    return word


class Disk:
    """A database that fails with `error` or takes `delay` seconds; `writes` counts the trials."""

    def __init__(self) -> None:
        self.error = ""
        self.delay = 0.0
        self.hangs: threading.Event | None = None  # until it is set
        self.writes = 0

    def open(self, path, *, database=None, **more) -> SQLiteStore:
        assert database is None  # else the store is in PostgreSQL
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, statement, *args):
                if statement.startswith("PRAGMA user_version"):
                    disk.writes += 1
                    time.sleep(disk.delay)
                    if disk.hangs:
                        disk.hangs.wait()
                    if disk.error:
                        raise sqlite3.OperationalError(disk.error)
                return super().execute(statement, *args)

        return SQLiteStore(path, connection_class=Connection, **more)


@pytest.fixture
def disk(monkeypatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(app_module, "open_store", made.open)
    monkeypatch.setattr(readiness, "TRIAL_LASTS", 0.0)
    return made


@pytest.mark.gen_test
async def test_ready_and_draining(chat):
    assert await status(chat) == "ready"
    chat.application.generations.draining = True
    assert await status(chat) == "draining"


@pytest.mark.gen_test
async def test_a_disk_that_refuses_writes_and_recovers(disk, serve, settings):
    chat = serve(settings)
    assert await status(chat) == "ready"
    for error in ("database or disk is full", "attempt to write a readonly database"):
        disk.error = error
        assert await status(chat) == "not_saving"
    disk.error = ""
    assert await status(chat) == "ready"


@pytest.mark.gen_test
async def test_damage_that_a_check_has_found(chat):
    chat.application.store._database._checker.damage = ["Page 7: never used"]
    assert await status(chat) == "damaged"
    metrics = (await chat.request("GET", "/metrics")).body
    assert b"tornado_stream_database_damaged 1.0" in metrics
    chat.application.store._database._checker.damage = []
    assert await status(chat) == "ready"


@pytest.mark.gen_test
async def test_simultaneous_requests_share_one_trial(disk, serve, settings, monkeypatch):
    monkeypatch.setattr(readiness, "TRIAL_LASTS", 60.0)
    chat = serve(settings)
    disk.delay = 0.05
    assert set(await asyncio.gather(*(status(chat) for _ in range(20)))) == {"ready"}
    assert await status(chat) == "ready" and disk.writes == 1


@pytest.mark.gen_test
async def test_a_disk_that_hangs_does_not_block_the_loop(disk, serve, settings, monkeypatch):
    monkeypatch.setattr(readiness, "TRIAL_LIMIT", 0.02)
    chat = serve(settings)
    disk.hangs = threading.Event()
    asked = asyncio.ensure_future(status(chat))
    assert (await chat.request("GET", "/healthz")).status == 200
    assert await asked == "not_saving"
    disk.hangs.set()


@pytest.mark.gen_test
async def test_a_loop_that_stood_still_is_no_failure_of_the_database(
    disk, serve, settings, monkeypatch
):
    monkeypatch.setattr(readiness, "TRIAL_LIMIT", 0.3)
    chat = serve(settings)
    check = chat.application.store.check

    async def check_while_the_loop_stands_still():
        if not stood_still:
            stood_still.append(True)
            asyncio.get_running_loop().call_soon(time.sleep, 0.3 + 2 * readiness.LATE)
        await check()

    stood_still: list[bool] = []
    monkeypatch.setattr(chat.application.store, "check", check_while_the_loop_stands_still)
    assert await status(chat) == "ready" and stood_still
    disk.error = "database or disk is full"
    stood_still.clear()
    assert await status(chat) == "not_saving"


@pytest.mark.gen_test
async def test_an_upstream_that_refuses_the_key(serve, settings, upstream, monkeypatch):
    chat = serve(settings)
    await chat.ask(model="status=401")
    assert await status(chat) == "upstream_failing"
    await chat.request("GET", "/api/models")  # open to all
    assert await status(chat) == "upstream_failing"
    await chat.ask(model="status=500")
    assert await status(chat) == "ready"
    await chat.ask(model="status=403")
    assert await status(chat) == "upstream_failing"
    monkeypatch.setattr(upstream_module, "FAILURE_LASTS", 0.0)  # a minute later
    assert await status(chat) == "ready"


@pytest.mark.gen_test
async def test_an_unreachable_upstream(serve, settings, upstream):
    with refusing_port() as port:
        chat = serve(replace(settings, base_url=f"http://127.0.0.1:{port}/v1"))
        assert await status(chat) == "ready", "before anything was asked, it counts as ready"
        await chat.request("GET", "/api/models")
        assert await status(chat) == "upstream_failing"


@pytest.mark.gen_test
async def test_a_server_without_any_model(serve, settings):
    chat = serve(replace(settings, base_url=None, no_local=True))
    assert await status(chat) == "upstream_failing"
