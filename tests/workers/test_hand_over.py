"""A server with workers hands over to another one."""

from __future__ import annotations

import os
import signal
import socket
import struct
from contextlib import suppress

import pytest
from client import until

from tornado_stream.handover.offer import lock_holder

from .test_supervisor import SLOW, TEXT, ask


async def ask_both(pair) -> list:
    answers = [await at.open("POST", "/stream", ask()[1]) for at in await pair.both()]
    for answer in answers:
        await answer.until("delta")
    return answers


@pytest.mark.parametrize(
    "workers",
    ["2", pytest.param("1", marks=pytest.mark.wide), pytest.param("3", marks=pytest.mark.wide)],
)
@pytest.mark.gen_test(timeout=120)
async def test_all_workers_hand_over(pair, upstream, workers):
    first = await pair.start()
    answers = await ask_both(pair)
    idle = await pair.both()
    second = await pair.start("--replace", "--workers", workers)
    assert lock_holder(pair.data) == second.pid
    for at in idle:
        assert (await at.request("GET", "/healthz")).status == 200
    new = await pair.client.ask("hi", model="say=new;done")
    assert (new.text, new.end["state"]) == ("new", "done")
    assert first.poll() is None
    ids = [answer.answer.events[0].data["generation_id"] for answer in answers]
    resumed = [await pair.client.open("GET", f"/stream/{id}?after=1") for id in ids]
    upstream.released.set()
    for stream in (*answers, *resumed):
        assert ((await stream.read()).end["state"]) == "done"
    assert await pair.end_of(first) == 0
    assert second.poll() is None
    assert (await pair.client.request("GET", "/readyz")).status == 200
    assert len(upstream.requests) == 3
    second.terminate()
    assert await pair.end_of(second) == 0
    assert "Traceback" not in pair.logged()
    assert (pair.data / "lock").read_text() == "released\n"


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_one_process_hands_over_to_workers(pair, upstream):
    first = await pair.start("--workers", "1")
    reading = await pair.client.open("POST", "/stream", ask()[1])
    await reading.until("delta")
    second = await pair.replace()
    await pair.all_serve_of(second)
    upstream.released.set()
    assert (await reading.read()).text == TEXT
    assert await pair.end_of(first) == 0
    assert len(pair.workers) == 2


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_if_the_new_server_is_killed_all_workers_serve_again(pair, upstream):
    first = await pair.start()
    answers = await ask_both(pair)
    old = pair.workers
    second = await pair.replace()
    new = pair.workers
    for pid in (second.pid, *new):
        os.kill(pid, signal.SIGKILL)
    await pair.end_of(second)
    pair.server = first
    assert pair.workers == old
    await until(lambda: lock_holder(pair.data) == first.pid)
    for at in await pair.both():  # each accepts connections
        assert (await at.request("GET", "/readyz")).status == 200
    os.kill(old[0], signal.SIGKILL)
    await until(lambda: len(pair.workers) == 2)  # the supervisor works as before
    upstream.released.set()
    states = [(await answer_of(pair, answer))["state"] for answer in answers]
    assert states == ["interrupted", "done"]


async def answer_of(pair, answer) -> dict:
    id = answer.answer.events[0].data["generation_id"]
    return (await pair.client.resume(id)).end


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_if_the_new_worker_that_leads_is_killed_another_one_leads(pair, upstream):
    first = await pair.start()
    answers = await ask_both(pair)
    second = await pair.replace()
    await pair.all_serve_of(second)
    os.kill(pair.workers[0], signal.SIGKILL)
    upstream.released.set()
    for answer in answers:
        assert (await answer.read()).text == TEXT
    assert await pair.end_of(first) == 0
    assert (await pair.client.request("GET", "/readyz")).status == 200
    await until(lambda: len(pair.workers) == 2)
    assert second.poll() is None and lock_holder(pair.data) == second.pid


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_a_signal_replaces_all_workers(pair, upstream, tmp_path):
    """The service manager learns it from the main process: it may not hear others."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(30)
        first = await pair.start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        reading = await pair.client.open("POST", "/stream", ask()[1])
        await reading.until("delta")
        os.kill(first.pid, signal.SIGUSR2)
        await until(lambda: lock_holder(pair.data) not in (first.pid, None))
        told, [(_, _, credentials)], *_ = manager.recvmsg(999, 999)
    pid = lock_holder(pair.data)
    try:
        assert told == b"MAINPID=%d\nREADY=1" % pid
        assert struct.unpack("3i", credentials)[0] == first.pid
        upstream.released.set()
        assert (await reading.read()).text == TEXT
        assert await pair.end_of(first) == 0
        assert (await pair.client.request("GET", "/readyz")).status == 200
    finally:
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    await until(lambda: lock_holder(pair.data) is None)


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_a_new_server_that_does_not_start_changes_nothing(pair, upstream):
    first = await pair.start()
    reading = await pair.client.open("POST", "/stream", ask()[1] | {"model": SLOW})
    await reading.until("delta")
    wrong = pair.spawn(
        "--port", str(pair.client.port), "--replace", "--audit-log", "/proc/not/here"
    )
    assert await pair.end_of(wrong) == 2
    pair.server = first
    for at in await pair.both():
        assert (await at.request("GET", "/readyz")).status == 200
    upstream.released.set()
    assert (await reading.read()).text == TEXT
    assert first.poll() is None and lock_holder(pair.data) == first.pid
