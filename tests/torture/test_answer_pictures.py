"""Pictures of answers under kills, stops, cuts, hand-overs and a disk that refuses.

The rule: whatever happens, an answer keeps its text, and has a picture whole or not at all. No
bytes stay that no message shows.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import resource
import signal
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from client import Client, until
from deadlines import DEADLINE, LONG
from fake_upstream import FakeUpstream
from handover.fleet import Fleet
from pictures import answer_picture
from tornado.iostream import StreamClosedError

from .conftest import Limits, Summary
from .reader import Reader
from .server import ServerProcess

#: Answers that are running when the server is killed.
BUSY = 5
#: The bytes of pictures; the largest one that is kept is the last.
SIZES = [40_000, 400_000, 3_000_000, 20 * 1024 * 1024 - 1000]
#: What answers say around their pictures.
BEFORE, AFTER = "Here it is: ", "Do you like it?"


@pytest.fixture
def server(tmp_path: Path, upstream: FakeUpstream) -> Any:
    server = ServerProcess(tmp_path, upstream.url)
    yield server
    server.kill()


def script(rng: random.Random) -> str:
    """An answer with pictures: they come whole, or the last one never ends."""
    shown = [f"picture={rng.choice(SIZES)}" for _ in range(rng.randint(0, 2))]
    last = [f"halfpicture={rng.choice(SIZES)};{rng.choice(['stall', 'close'])}"]
    steps = [f"say={BEFORE}", *shown, f"say={AFTER}", *(last if rng.random() < 0.5 else [])]
    return ";".join(steps)


def reader_of(client: Client, rng: random.Random, model: str) -> Reader:
    return Reader(client, {"message": "Draw.", "model": model}, rng=rng)


async def fate(reader: Reader, rng: random.Random, counts: Counter[str]) -> None:
    """Read an answer to its end; perhaps stop it, or let the connection be cut."""
    reading = asyncio.ensure_future(reader.run())
    chosen = rng.choice(["stops", "cuts", "nothing"])
    try:
        await asyncio.sleep(rng.uniform(0, 0.4))
        counts[chosen] += 1
        if chosen == "cuts":
            reader.cut()
        elif chosen == "stops" and reader.started:
            with suppress(OSError, StreamClosedError):  # the server is being killed
                await reader.client.stop(reader.id)
        await reading
    finally:
        reading.cancel()


class Disk:
    """The rows and the bytes of a data directory, while no transaction is under way."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "files"
        self.database = data_dir / "chat.db"

    def check(self) -> int:
        """Every message has the files that it shows and no other; the bytes of every file are
        whole. Returns the number of pictures that messages show."""
        with closing(sqlite3.connect(self.database)) as db:
            sums = dict(db.execute("SELECT id, sha256 FROM files"))
            shown = {
                id: {file["id"] for file in json.loads(files)}
                for id, files in db.execute("SELECT id, files FROM messages")
            }
            used: dict[str, set[str]] = {id: set() for id in shown}
            for message, file in db.execute(
                "SELECT m.id, f.id FROM message_files u JOIN messages m ON m.seq = u.message "
                "JOIN files f ON f.seq = u.file"
            ):
                used[message].add(file)
            running = db.execute("SELECT count(*) FROM messages WHERE state = 'running'")
            assert running.fetchone() == (0,)
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert used == shown
        there = {path.name: path for path in self.folder.rglob("*") if path.is_file()}
        assert set(there) == set(sums.values()), "bytes without a row, or a row without bytes"
        known = {hashlib.sha256(answer_picture(size)).hexdigest() for size in SIZES}
        assert set(there) <= known, "a part of a picture"
        for name, path in there.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == name
        return sum(map(len, shown.values()))

    def make_old(self) -> None:
        """Let all files be of a day long ago."""
        with closing(sqlite3.connect(self.database)) as db, db:
            db.execute("UPDATE files SET uploaded_at = 1")

    def unused(self) -> int:
        with closing(sqlite3.connect(self.database)) as db:
            sql = "SELECT count(*) FROM files WHERE seq NOT IN (SELECT file FROM message_files)"
            return int(db.execute(sql).fetchone()[0])


async def check_answer(reader: Reader, upstream: FakeUpstream) -> None:
    """The text is a true beginning of what the upstream said, and the stored message has it and
    the pictures that the events have."""
    assert reader.state in ("done", "stopped", "cut_off", "interrupted")
    assert (BEFORE + AFTER).startswith(reader.text)
    whole = reader.state in ("done", "cut_off")
    assert not whole or reader.text == BEFORE + AFTER, (reader.body, reader.log)
    asked = [r for r in upstream.requests if r.get("user") == reader.id]
    assert len(asked) <= 1
    path = f"/api/conversations/{reader.start['conversation_id']}"
    stored = (await reader.client.request("GET", path)).json()["messages"][-1]
    assert (stored["content"], stored["state"]) == (reader.text, reader.state)
    images = [image for event in reader.events for image in event.data.get("images", ())]
    assert {file["id"] for file in stored["files"]} == {image["file_id"] for image in images}
    for image in images:
        got = await reader.client.request("GET", f"/api/files/{image['file_id']}")
        assert (got.status, len(got.body)) == (200, image["size"])


@pytest.mark.wide
@pytest.mark.timeout(0 if LONG else 600)
@pytest.mark.gen_test(timeout=7200)
async def test_a_kill_leaves_a_picture_whole_or_not_at_all(
    server: ServerProcess, upstream: FakeUpstream, limits: Limits, summary: Summary
) -> None:
    kills = 100 if LONG else 5
    rng = limits.rng("answer pictures")
    counts: Counter[str] = Counter()
    disk = Disk(server.data_dir)
    states: Counter[str] = Counter()
    await server.start()
    for _ in range(kills):
        readers = [reader_of(server.client, rng, script(rng)) for _ in range(BUSY)]
        running = [asyncio.ensure_future(fate(reader, rng, counts)) for reader in readers]
        await asyncio.sleep(rng.uniform(0.1, 1.2))
        server.kill()
        for reader, task in zip(readers, running, strict=True):
            if not reader.started:
                task.cancel()
        await server.start()
        for reader, task in zip(readers, running, strict=True):
            if task.cancelled() or task.cancelling():
                continue
            await asyncio.wait_for(task, DEADLINE)
            await check_answer(reader, upstream)
            states[reader.state] += 1
    server.signal(signal.SIGTERM)
    await server.wait()
    pictures = disk.check()
    disk.make_old()
    await server.start()
    assert disk.check() == pictures
    assert disk.unused() == 0
    log = server.log.read_text()
    assert "Traceback" not in log
    summary.row("kills during pictures", kills=kills, **states, **counts, shown=pictures)
    assert states["interrupted"]


@pytest.mark.wide
@pytest.mark.gen_test(timeout=600)
async def test_a_hand_over_loses_no_picture(
    upstream: FakeUpstream, tmp_path: Path, summary: Summary
) -> None:
    fleet = Fleet(tmp_path, upstream.url, "--model", "truth")
    counts = 0
    try:
        await fleet.start()
        for round in range(10 if LONG else 2):
            rng = random.Random(round)
            shown = [f"picture={SIZES[-1]}", f"say={AFTER}", f"halfpicture={SIZES[2]}"]
            rest = [f"hold=r{round}", f"restpicture={SIZES[2]}"]
            model = ";".join([f"say={BEFORE}", *shown, *rest])
            readers = [reader_of(fleet.client, rng, model) for _ in range(3)]
            running = [asyncio.ensure_future(reader.run()) for reader in readers]
            await until(lambda readers=readers: all(reader.started for reader in readers))
            await asyncio.sleep(rng.uniform(0, 0.5))
            await fleet.replace()
            upstream.holds[f"r{round}"].set()
            await asyncio.wait_for(asyncio.gather(*running), DEADLINE)
            for reader in readers:
                await check_answer(reader, upstream)
                images = [i for event in reader.events for i in event.data.get("images", ())]
                assert [image["size"] for image in images] == [
                    len(answer_picture(size)) for size in (SIZES[-1], SIZES[2])
                ]
                counts += 1
        for old in fleet.processes[:-1]:
            assert await fleet.end_of(old) == 0
        Disk(fleet.data).check()
        assert "Traceback" not in fleet.logged()
    finally:
        fleet.close()
    summary.row("pictures over hand-overs", answers=counts, lost=0)


@pytest.mark.wide
@pytest.mark.gen_test(timeout=600)
async def test_a_disk_that_is_full_costs_an_answer_its_picture_alone(
    server: ServerProcess, upstream: FakeUpstream
) -> None:
    """Files can grow no more in the midst of a picture."""
    await server.start()
    kept = await server.client.ask("Draw.", model=f"say={BEFORE};picture={SIZES[0]};say={AFTER}")
    assert kept.end["state"] == "done"
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    answer = await server.client.ask("Draw.", model=f"say={BEFORE};picture={SIZES[2]};say={AFTER}")
    assert (answer.end["state"], answer.end["saved"], answer.text) == ("done", True, BEFORE + AFTER)
    told = [event.data for event in answer.events if event.name == "notice"]
    assert [(notice["code"], notice["reason"]) for notice in told] == [
        ("image_not_kept", "not_saved")
    ]
    disk = Disk(server.data_dir)
    await until(lambda: not [*disk.folder.glob("*.part")])
    assert disk.check() == 1
    assert "Traceback" not in server.log.read_text()
