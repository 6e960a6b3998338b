"""`python main.py --workers 2`: one port, any worker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from dataclasses import replace

import pytest
from client import until
from deadlines import at_most

from tornado_stream.net.board import Board, Part
from tornado_stream.settings import SettingError, Settings
from tornado_stream.workers import start
from tornado_stream.workers.worker import LEAD, READY, Worker

SLOW, TEXT = "say=a ;say=b ;hold;count=40", "a b " + "".join(f"t{number} " for number in range(40))


def ask(**more) -> tuple[str, dict]:
    id = str(uuid.uuid4())
    return id, {"message": "hi", "model": SLOW, "request_id": id, **more}


@pytest.mark.gen_test(timeout=120)
async def test_an_answer_is_read_resumed_and_stopped_at_any_worker(pair, upstream):
    await pair.start()
    one, two = await pair.both()
    (id, body), (stopped, _) = ask(), ask()
    reading = await one.open("POST", "/stream", body)
    start = (await reading.until("start")).data
    await reading.until("delta")
    resumed = await two.open("GET", f"/stream/{id}?after=2")
    one, two = await pair.both()
    busy = {"message": "b", "conversation_id": start["conversation_id"]}
    response = await two.request("POST", "/stream", busy)
    assert (response.status, response.json()["error"]["generation_id"]) == (409, id)
    to_stop = await one.open("POST", "/stream", body | {"request_id": stopped})
    await to_stop.until("delta")
    response = await two.request("POST", f"/stream/{stopped}/stop", {})
    assert (response.status, response.json()["state"]) == (200, "stopped")
    assert (await to_stop.read()).end["state"] == "stopped"
    again = await two.open("POST", "/stream", body)
    upstream.released.set()
    for stream in (reading, again):
        answer = await stream.read()
        assert (answer.text, answer.end["state"]) == (TEXT, "done")
        assert [event.id for event in answer.events] == list(range(1, len(answer.events) + 1))
    assert [event.id for event in (await resumed.read()).events][0] == 3
    assert len(upstream.requests) == 2
    pair.processes[0].terminate()
    assert await pair.end_of(pair.processes[0]) == 0
    assert "Traceback" not in pair.logged()


@pytest.mark.timed
@pytest.mark.gen_test(timeout=120)
async def test_a_worker_that_dies_is_started_again(pair, upstream):
    """Its answers alone are interrupted, at once; those of the other go on."""
    await pair.start()
    for round in range(2):  # the one that leads, and the other
        one, two = await pair.both()
        victim = pair.workers[round]
        (dies, body), (_, other) = ask(), ask()
        at_victim, at_other = (one, two) if round == 0 else (two, one)
        dying = await at_victim.open("POST", "/stream", body)
        await dying.until("delta")
        living = await at_other.open("POST", "/stream", other)
        await living.until("delta")
        os.kill(victim, signal.SIGKILL)
        killed = asyncio.get_running_loop().time()
        answer = await pair.client.resume(dies)
        assert asyncio.get_running_loop().time() - killed < at_most(0.5)
        assert answer.end["state"] == "interrupted" and "a b ".startswith(answer.text)
        await pair.all_serve()
        assert victim not in pair.workers
        upstream.released.set()
        assert (await living.read()).text == TEXT
        upstream.released.clear()
    assert len(upstream.requests) == 4
    assert pair.logged().count("is started again") == 2


@pytest.mark.gen_test(timeout=120)
async def test_ctrl_c_lets_all_workers_finish(pair, upstream):
    await pair.start("--drain-timeout", "20")
    one, two = await pair.both()
    answers = [await at.open("POST", "/stream", ask()[1]) for at in (one, two)]
    for answer in answers:
        await answer.until("delta")
    pair.processes[0].send_signal(signal.SIGINT)
    await until(lambda: pair.logged().count("draining: 1 answers") == 2)
    upstream.released.set()
    for answer in answers:
        assert (await answer.read()).text == TEXT
    assert await pair.end_of(pair.processes[0]) == 0
    names = {path.name for path in pair.data.iterdir()}
    assert not [name for name in names if name.startswith(("instance-", "control-"))]
    assert (pair.data / "lock").read_text() == "released\n"


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_workers_end_when_their_supervisor_is_killed(pair, upstream):
    await pair.start()
    one, _ = await pair.both()
    answer = await one.open("POST", "/stream", ask()[1])
    await answer.until("delta")
    workers = pair.workers
    pair.processes[0].kill()
    await pair.end_of(pair.processes[0])
    upstream.released.set()
    assert (await answer.read()).text == TEXT
    await until(lambda: not any(os.path.exists(f"/proc/{pid}/cwd") for pid in workers))
    await pair.start()
    assert len(pair.workers) == 2


@pytest.mark.gen_test(timeout=60)
async def test_a_start_that_fails_says_so_once(pair):
    (pair.data).mkdir()
    (pair.data / "users.json").write_text("no users")
    process = pair.spawn("--port", "0")
    assert await pair.end_of(process) == 2
    assert pair.logged().count("users.json") == 1 and "Traceback" not in pair.logged()


def test_what_workers_need_is_said_before_they_start(settings, monkeypatch):
    start.check_workers(replace(settings, workers=2))
    with pytest.raises(SettingError, match="the local model runs in one process alone"):
        start.check_workers(Settings(data_dir=settings.data_dir, workers=2))
    monkeypatch.setattr(start, "SUPPORTED", False)
    with pytest.raises(SettingError, match="--workers needs Linux"):
        start.check_workers(replace(settings, workers=2))


@pytest.mark.gen_test
async def test_a_worker_hears_words_and_the_end_of_the_supervisor():
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    heard = []
    worker = Worker(0, mine, os.getpid(), leads=False, part=Part(Board(1, 1), 0))
    worker.listen({LEAD: lambda: heard.append("lead")}, lambda: heard.append("end"))
    worker.tell(READY)
    assert theirs.recv(99) == READY
    theirs.send(LEAD)
    theirs.send(b"of a later version")
    theirs.close()
    await until(lambda: heard == ["lead", "end"])
    worker.tell(READY)
    mine.close()
