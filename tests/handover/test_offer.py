"""`--replace` always leads to a server that runs, and it says whether it was a restart."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from deadlines import DEADLINE

from tornado_stream.handover.offer import PROTOCOL, lock_holder, refusal
from tornado_stream.net.addresses import bind
from tornado_stream.settings import Settings
from tornado_stream.store.lock import DirectoryLock
from tornado_stream.store.migrations import MIGRATIONS, NOT_ADDITIVE

PROGRAM = Path(__file__).with_name("program.py")
SLOW = "say=a ;hold;count=20"


async def exit_of(fleet, process: subprocess.Popen[str]) -> str:
    assert await fleet.end_of(process, DEADLINE) == 2
    return fleet.logged().strip().splitlines()[-1]


@pytest.mark.gen_test(timeout=60)
async def test_without_a_server_it_is_an_ordinary_start(fleet):
    process = await fleet.start("--replace")
    assert "so this is an ordinary start" in fleet.logged()
    process.kill()
    process.wait()
    await fleet.start("--replace")  # the files of the dead one are still there
    assert fleet.logged().count("so this is an ordinary start") == 2


@pytest.mark.gen_test(timeout=120)
async def test_a_later_version_with_a_step_that_adds_takes_over(fleet, upstream):
    """The earlier version goes on with its answers beside it, in the changed database."""
    first = await fleet.start()
    reading = await fleet.client.send(model=SLOW)
    await fleet.start("--replace", program=[PROGRAM, "additive"])
    with closing(sqlite3.connect(fleet.data / "chat.db")) as db:
        assert db.execute("SELECT count(*) FROM of_a_later_version").fetchone() == (0,)
    upstream.released.set()
    assert (await reading.read()).end["state"] == "done"
    assert (await fleet.client.resume(reading.answer.start["generation_id"])).end["saved"]
    assert await fleet.end_of(first) == 0
    assert "restart" not in fleet.logged()


@pytest.mark.parametrize("what", ["earlier version", "schema"])
@pytest.mark.gen_test(timeout=120)
async def test_where_it_cannot_be_a_hand_over_it_is_a_restart(fleet, upstream, what):
    """The answers have the time to drain, and the new process says why."""
    without = what == "earlier version"
    first = await fleet.start(program=[PROGRAM, "without"] if without else None)
    reading = await fleet.client.send(model=SLOW)
    program = None if without else [PROGRAM, "not-additive"]
    asyncio.get_running_loop().call_later(2, upstream.released.set)
    second = await fleet.start("--replace", program=program)
    # The second one began when the first had given up the lock, which its exit does.
    assert lock_holder(fleet.data) == second.pid
    assert await fleet.end_of(first) == 0
    assert (await reading.read()).end["state"] == "done"
    assert (await fleet.client.ask(model="say=1;done")).text == "1"
    why = "may be of an earlier version" if without else "changes the database so that"
    assert why in fleet.logged() and "This is a restart: its answers have 25 s" in fleet.logged()


@pytest.mark.gen_test(timeout=60)
async def test_an_earlier_version_does_not_take_over(fleet):
    process = await fleet.start(program=[PROGRAM, "additive"])
    said = await exit_of(fleet, fleet.spawn("--port", str(fleet.client.port), "--replace"))
    assert "does not hand over: it is a newer version" in said
    assert (await fleet.client.request("GET", "/readyz")).status == 200
    assert process.poll() is None


@pytest.mark.gen_test(timeout=60)
async def test_another_address_is_refused(fleet):
    process = await fleet.start()
    said = await exit_of(fleet, fleet.spawn("--port", "1", "--replace"))
    assert f"it listens on 127.0.0.1, port {fleet.client.port}, and the new one would" in said
    assert process.poll() is None


@pytest.mark.gen_test(timeout=60)
async def test_a_second_start_says_how_to_take_over(fleet):
    await fleet.start()
    assert "--replace" in await exit_of(fleet, fleet.spawn("--port", str(fleet.client.port)))


@pytest.mark.gen_test(timeout=60)
async def test_a_command_that_uses_the_directory_is_not_stopped(fleet):
    fleet.data.mkdir()
    lock = DirectoryLock(fleet.data)
    said = await exit_of(fleet, fleet.spawn("--port", "9", "--replace"))
    assert f"process {os.getpid()} uses {fleet.data}, and no server listens on port 9" in said
    lock.release()


def test_what_is_refused():
    sockets = bind(Settings(port=0))
    host, port = sockets[0].getsockname()
    asked = {"take": PROTOCOL, "schema": len(MIGRATIONS), "not_additive": NOT_ADDITIVE}
    try:
        for more in ({}, {"host": host, "port": port}, {"host": "localhost"}, {"port": 0}):
            assert refusal(asked | more, sockets) is None
        for more in ({"take": PROTOCOL + 1}, {"not_additive": len(MIGRATIONS) + 1}):
            assert refusal(asked | more, sockets)["restart"]
        for more in ({"host": "::1"}, {"host": "0.0.0.0"}, {"port": port + 1}, {"schema": 1}):
            assert "restart" not in refusal(asked | more, sockets)
    finally:
        for sock in sockets:
            sock.close()


def test_the_holder_of_a_lock_is_known_while_it_is_held(tmp_path):
    assert lock_holder(tmp_path) is None
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")
    assert lock_holder(tmp_path) is None
