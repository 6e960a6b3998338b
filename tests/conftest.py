"""Shared fixtures: a loop for each test, a fake upstream, and a server on a real socket."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.testing import bind_unused_port

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from client import Client
from fake_upstream import FakeUpstream
from postgres import Engine, why_not

from tornado_stream.app import ChatApplication
from tornado_stream.server import make_server
from tornado_stream.settings import Settings

# A busy machine must not fail a property: no example has a limit of time.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first, so that no worker begins one when the others have ended."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/torture/", "tests/test_js.py")))


@pytest.fixture(autouse=True)
def no_running_loop() -> Iterator[None]:
    """Playwright's loop counts as running on this thread for as long as a browser is open."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """The loop of pytest-tornado, without deprecated calls. It ends what a test left running."""
    loop = IOLoop(make_current=False)
    asyncio.set_event_loop(loop.asyncio_loop)  # type: ignore[attr-defined]
    yield loop
    tasks = asyncio.all_tasks(loop.asyncio_loop)  # type: ignore[attr-defined]
    for task in tasks:
        task.cancel()

    async def settle() -> None:
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()

    loop.run_sync(settle)
    asyncio.set_event_loop(None)
    loop.close(all_fds=True)


@pytest.fixture(autouse=True)
def no_reserve_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each data directory holds 32 MiB of the disk, and pytest keeps the directories of a run."""
    used = "tmp_path" in request.fixturenames
    directory: Path | None = request.getfixturevalue("tmp_path") if used else None
    yield
    for path in directory.rglob("reserve") if directory else ():
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A real PostgreSQL, started when the first test of this process needs it."""
    if reason := why_not():
        pytest.skip(reason)
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def upstream(io_loop: IOLoop) -> Iterator[FakeUpstream]:
    """A fake upstream on a free port; its `requests` show what the server asked for."""

    async def make() -> FakeUpstream:
        return FakeUpstream()

    fake = io_loop.run_sync(make)
    yield fake
    io_loop.run_sync(fake.close)


@pytest.fixture
def settings(upstream: FakeUpstream, tmp_path: Path) -> Settings:
    """Settings for the fake upstream, with a new data directory."""
    return Settings(base_url=upstream.url, model="fake-model", data_dir=tmp_path / "data")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_ways") and "way" in metafunc.fixturenames:
        metafunc.parametrize("way", ["short", "tornado"])


@pytest.fixture
def way() -> str:
    """How a plain `POST /stream` comes in: "short", or "tornado". The marker `both_ways` runs a
    test over each."""
    return "short"


@pytest.fixture
def serve(io_loop: IOLoop, way: str) -> Iterator[Callable[[Settings], Client]]:
    """Starts servers in this process; each is closed after the test."""
    running: list[tuple[ChatApplication, HTTPServer]] = []

    async def run(settings: Settings) -> Client:
        # Each server needs its own data directory, which only one server may open.
        data_dir = settings.data_dir / str(len(running))
        application = ChatApplication(replace(settings, data_dir=data_dir))
        server = make_server(application, short_way=way == "short")
        sock, port = bind_unused_port()
        server.add_socket(sock)
        application.provider.start()
        running.append((application, server))
        return Client(port, application)

    def start(settings: Settings) -> Client:
        starting = run(settings)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return io_loop.run_sync(lambda: starting)
        try:
            starting.send(None)  # the coroutine never waits
        except StopIteration as done:
            return done.value
        raise AssertionError("starting a server has to wait")

    yield start

    async def stop() -> None:
        for application, server in running:
            server.stop()
            await application.generations.interrupt(1)
            await server.close_all_connections()
            await application.close(1)

    io_loop.run_sync(stop)


@pytest.fixture
def chat(serve: Callable[[Settings], Client], settings: Settings) -> Client:
    """A client of a server that asks the fake upstream."""
    return serve(settings)


@pytest.fixture(autouse=True)
def no_unexpected_errors(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """A logged error fails the test; a test that provokes one clears `caplog`."""
    yield
    errors = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]
