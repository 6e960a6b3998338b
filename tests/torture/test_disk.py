"""Any call of the database may fail: the server asks for no answer whose question is not stored,
no answer is lost for its reader, and every message has a final state.

For every database call that a conversation of two questions makes, the test runs one conversation
in which that call fails: alone, together with all later calls, or after it has done its work. In
`make test` every fourth call fails.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import resource
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from client import Client
from tornado.testing import bind_unused_port

from tornado_stream import app as app_module
from tornado_stream.app import ChatApplication
from tornado_stream.server import make_server
from tornado_stream.settings import Settings
from tornado_stream.store import database
from tornado_stream.store.sqlite import SQLiteStore

from .conftest import Limits
from .reader import Reader
from .truth import Truth, answer_to, question

ERRORS = ["disk I/O error", "database is locked", "database or disk is full"]
#: Which calls fail: one; one and all later ones; one, after it has done its work.
MODES = ["once", "lasting", "after"]
STATES = {"done", "stopped", "error", "cut_off", "interrupted"}
#: How many conversations run at once.
WORKERS = 12
MAX_CALLS = 400


class Fault:
    """Which calls of a database fail, and how. `fired` is set once a call has failed."""

    def __init__(self, fail_at: int, mode: str, error: str) -> None:
        self.fail_at = fail_at
        self.mode = mode
        self.error = error
        self.armed = False
        self.calls = 0
        self.fired = False

    def connection_class(self) -> type[sqlite3.Connection]:
        fault = self

        class Failing(sqlite3.Connection):
            def execute(self, *args: Any) -> sqlite3.Cursor:
                if not fault.fails():
                    return super().execute(*args)
                if fault.mode == "after":
                    super().execute(*args)
                raise sqlite3.OperationalError(fault.error)

        return Failing

    def fails(self) -> bool:
        if not self.armed:
            return False
        self.calls += 1
        hit = self.calls == self.fail_at or (self.mode == "lasting" and self.calls > self.fail_at)
        self.fired = self.fired or hit
        return hit


@dataclass
class Served:
    """A server in this process, which can be opened again over the same data directory."""

    settings: Settings

    async def __aenter__(self) -> Client:
        self.application = ChatApplication(self.settings)
        await self.application.open()
        self.server = make_server(self.application)
        sock, port = bind_unused_port()
        self.server.add_socket(sock)
        self.application.provider.start()
        return Client(port, self.application)

    async def __aexit__(self, *_: object) -> None:
        self.server.stop()
        await self.application.generations.interrupt(1)
        await self.server.close_all_connections()
        await self.application.close(1)


class Conversation:
    """Two questions with a fault; the answers are read again, before and after a restart."""

    def __init__(self, settings: Settings, truth: Truth, fault: Fault, name: str) -> None:
        self.settings = settings
        self.truth = truth
        self.fault = fault
        self.name = name
        self.readers: list[Reader] = []
        self.refused = 0
        self.not_saved = 0

    async def run(self) -> None:
        async with Served(self.settings) as chat:
            self.fault.armed = True
            for n in range(2):
                await self._ask(chat, n)
            self.fault.armed = False
            await self._read_again(chat)
            await self._until_saved(chat)
        async with Served(self.settings) as chat:
            await self._read_again(chat)
            await self._check_states(chat)

    async def _ask(self, chat: Client, n: int) -> None:
        body: dict[str, Any] = {"message": question(f"any:{self.name}{n}", 120, 10)}
        if self.readers:
            body["conversation_id"] = self.readers[0].start["conversation_id"]
        reader = Reader(chat, body)
        fired = self.fault.fired
        await reader.read_once()
        if not reader.events:  # it was 503
            self.refused += 1
            assert self.fault.fired and self.truth.asked[reader.id] == 0
            if self.fault.mode == "lasting":
                return
            fired = True
            await reader.read_once()  # the page sends it again, too
        # The question was stored, but the report of its commit failed.
        if reader.state == "interrupted":
            assert self.fault.mode == "after" and self.fault.fired
            assert not reader.text and self.truth.asked[reader.id] == 0
            self.readers.append(reader)
            return
        assert (reader.state, reader.text) == ("done", answer_to(body["message"]))
        assert self.truth.asked[reader.id] == 1
        notices = [e.data["code"] for e in reader.events if e.name == "notice"]
        told = "not_saved" in notices or not reader.end["saved"]
        self.not_saved += told
        if told:
            assert self.fault.fired and (not fired or self.fault.mode == "lasting")
        elif self.fault.mode == "lasting":  # otherwise the end may have saved all before it
            assert not self.fault.fired
        self.readers.append(reader)

    async def _read_again(self, chat: Client) -> None:
        """An answer reads as it did when it ended. If only the report of a commit failed, its `end`
        says that it is not saved, although it is."""
        for reader in self.readers:
            again = await Reader(chat, id=reader.id).read_once()
            if self.fault.mode == "after" and not reader.end["saved"]:
                for each in (again, reader):
                    each.end.update(saved=None, t=None)
            assert again.log == reader.log, "an answer has changed after its end"

    async def _until_saved(self, chat: Client) -> None:
        """Wait until the server has stored the ends that the store refused at first."""
        assert chat.application
        store = chat.application.store

        async def saved(reader: Reader) -> bool:
            stored = await store.generation(reader.id)
            return stored is not None and stored.message.state != "running"

        async with asyncio.timeout(60):
            for reader in self.readers:
                while not await saved(reader):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    async def _check_states(self, chat: Client) -> None:
        found = (await chat.request("GET", "/api/conversations")).json()["conversations"]
        assert len(found) <= 1 and bool(self.readers) <= len(found)
        for conversation in found:
            response = await chat.request("GET", f"/api/conversations/{conversation['id']}")
            messages = response.json()["messages"]
            assert {m["state"] for m in messages if m["role"] == "assistant"} <= STATES
            assert len(messages) == 2 * len(self.readers)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.wide)])
@pytest.mark.gen_test(timeout=600)
async def test_every_database_call_may_fail(
    step: int,
    limits: Limits,
    summary: Any,
    make_truth: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    truth = await make_truth()
    faults: dict[Path, Fault] = {}
    # Tidying, a second later, would add calls, on a slow machine only.
    monkeypatch.setattr(database, "TIDY_DELAY", 60)
    monkeypatch.setattr(
        app_module,
        "open_store",
        lambda path, database, **more: SQLiteStore(
            path, connection_class=faults[path].connection_class(), **more
        ),
    )
    conversations: list[Conversation] = []
    numbers = itertools.count(1, step) if limits.case is None else iter([limits.case])
    over = False

    async def hold(number: int, mode: str, error: str) -> bool:
        name = f"{number}-{mode}-{error.replace(' ', '')}"
        settings = Settings(base_url=truth.url, model="m", data_dir=tmp_path / name)
        fault = faults[settings.data_dir] = Fault(number, mode, error)
        conversation = Conversation(settings, truth, fault, name)
        try:
            await conversation.run()
        except BaseException as failure:
            failure.add_note(f"TORTURE_CASE={number}: {mode}, {error}")
            raise
        conversations.append(conversation)
        return fault.fired

    async def work() -> None:
        nonlocal over
        while not over and (number := next(numbers, None)) is not None:
            for mode in MODES if limits.long else [MODES[number % 3]]:
                for error in ERRORS if limits.long else [ERRORS[number // 3 % 3]]:
                    if not await hold(number, mode, error):
                        over = True  # a conversation makes fewer calls than that
            assert number < MAX_CALLS

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())
    assert not truth.wrong
    refused = sum(c.refused for c in conversations)
    not_saved = sum(c.not_saved for c in conversations)
    assert not_saved * step > 10 < refused * step
    wrong = [r for r in caplog.records if r.levelno >= logging.ERROR and "503" not in r.message]
    assert not wrong, [record.getMessage() for record in wrong]
    caplog.clear()
    summary.row(
        "failing database calls",
        calls=max(c.fault.fail_at for c in conversations if c.fault.fired),
        conversations=len(conversations),
        refused_with_503=refused,
        told_not_saved=not_saved,
        wrong=0,
    )


async def readiness(chat: Client) -> str:
    return str((await chat.request("GET", "/readyz")).json()["status"])


@pytest.mark.wide
@pytest.mark.gen_test
async def test_a_disk_that_is_really_full(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any
) -> None:
    """While many answers run, files can grow no more. Each answer is whole for its reader, and says
    that it is not saved; a new question is refused. With free space, the server starts again."""
    truth = await make_truth()
    server = start_server(truth)
    server.largest_file = 760_000
    await server.start()
    readers = []
    for n in range(10):
        message = question(f"any{limits.seed}:full{n}", 1500, 3)
        readers.append(Reader(server.client, {"message": message}))
    await asyncio.gather(*(reader.run() for reader in readers))
    told = 0
    for reader in readers:
        assert reader.body and (reader.state, reader.text) == (
            "done",
            answer_to(reader.body["message"]),
        )
        # The answer that was ending when the disk got full has no notice, only its `end`.
        told += not reader.end["saved"]
        assert (await Reader(server.client, id=reader.id).read_once()).log == reader.log
    # A checkpoint may have made room by now.
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    message = question("any:late", 10) + " Take your time." * 10_000
    refused = await Reader(server.client, {"message": message}).read_once()
    assert told and not refused.events and truth.asked[refused.id] == 0
    assert await readiness(server.client) == "not_saving"
    server.kill()
    server.largest_file = resource.RLIM_INFINITY
    await server.start()
    assert await readiness(server.client) == "ready"
    states = []
    for reader in readers:
        again = await Reader(server.client, id=reader.id).read_once()
        if reader.end["saved"]:
            assert again.log == reader.log
        assert reader.text.startswith(again.text) and again.state in ("done", "interrupted")
        states.append(again.state)
    await refused.run()
    assert refused.state == "done" and truth.asked[refused.id] == 1
    assert "Traceback" not in server.log.read_text()
    summary.row(
        "full disk",
        answers=len(readers),
        whole_at_the_reader=len(readers),
        told_not_saved=told,
        kept=states.count("done"),
        interrupted=states.count("interrupted"),
    )
