"""Files under kills, under many uploads at once, and under documents that are made to harm."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from client import Response, read_body, read_head, until
from deadlines import DEADLINE, LONG, at_most
from fake_upstream import FakeUpstream
from pictures import docx, paragraph, pdf, png
from tornado.iostream import StreamClosedError

from .conftest import Limits, Summary
from .server import ServerProcess

pytestmark = pytest.mark.wide

#: The program that reads an answer.
GAPS = Path(__file__).with_name("gaps.py")
#: Uploads that are running when the server is killed.
BUSY = 6
MIB = 1024 * 1024
#: Bytes that memory may grow by while files are uploaded, however many.
GROWTH = 8 * MIB


@pytest.fixture
def server(tmp_path: Path, upstream: FakeUpstream):
    server = ServerProcess(tmp_path, upstream.url)
    yield server
    server.kill()


def resident(server: ServerProcess) -> int:
    """The bytes of memory that the process holds."""
    fields = Path(f"/proc/{server.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


class Uploads:
    """Uploads and questions with files, and what the server has said of them."""

    def __init__(self, server: ServerProcess, rng: random.Random) -> None:
        self.server = server
        self.rng = rng
        self.answered: dict[str, str] = {}  # the id of a file → its sum
        self.asked: dict[str, list[str]] = {}  # the id of a question's message → its files

    async def one(self) -> None:
        """Upload a file, and ask about it and another one; until the server is killed."""
        with suppress(StreamClosedError, ConnectionError, OSError):
            data = png(noise=self.rng.randbytes(self.rng.choice([10, 300_000, 2_000_000])))
            client = self.server.client
            response = await client.request("POST", "/api/files?name=a", data)
            if response.status not in (200, 201):
                return
            id = response.json()["id"]
            self.answered[id] = hashlib.sha256(data).hexdigest()
            ids = [id, *self.rng.sample(list(self.answered), min(2, len(self.answered)))]
            stream = await client.send("a", files=list(dict.fromkeys(ids)), model="say=ok")
            start = await stream.until("start")
            self.asked[start.data["user_message_id"]] = list(dict.fromkeys(ids))
            await stream.read()

    def check(self) -> tuple[int, int]:
        """Compare rows, bytes and what was answered; the numbers of files and of messages."""
        folder = self.server.data_dir / "files"
        there = {path.name: path for path in folder.rglob("*") if path.is_file()}
        with closing(sqlite3.connect(self.server.data_dir / "chat.db")) as db:
            rows = dict(db.execute("SELECT id, sha256 FROM files"))
            uses = db.execute(
                "SELECT m.id, f.id FROM message_files u JOIN messages m ON m.seq = u.message "
                "JOIN files f ON f.seq = u.file ORDER BY u.seq"
            ).fetchall()
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert set(there) == set(rows.values()), "bytes without a row, or a row without bytes"
        for name, path in there.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == name
        assert self.answered.items() <= rows.items(), "a file that was answered is gone"
        used: dict[str, list[str]] = {}
        for message, file in uses:
            used.setdefault(message, []).append(file)
        assert self.asked.items() <= used.items(), "a message has lost a file"
        return len(rows), len(used)


@pytest.mark.gen_test(timeout=3600)
async def test_kills_lose_no_file_and_leave_none_behind(server, limits: Limits, summary: Summary):
    kills = 100 if LONG else 4
    rng = limits.rng("files")
    uploads = Uploads(server, rng)
    await server.start()
    for _ in range(kills):
        running = [asyncio.ensure_future(uploads.one()) for _ in range(BUSY)]
        await asyncio.sleep(rng.uniform(0.05, 0.6))
        server.kill()
        await asyncio.wait_for(asyncio.gather(*running), DEADLINE)
        await server.start()
        uploads.check()
    files, messages = uploads.check()
    summary.row("kills during uploads", kills=kills, files=files, messages=messages)
    assert files


async def watched_gaps(server: ServerProcess, stop: asyncio.Event) -> list[float]:
    """Seconds between the events of an answer that comes every 10 ms."""
    port, model = str(server.client.port), "gap=0.01;count=100000"
    process = subprocess.Popen(  # noqa: ASYNC220
        (sys.executable, str(GAPS), port, model), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    await stop.wait()
    communicate = asyncio.get_running_loop().run_in_executor(None, process.communicate)
    output, _ = await asyncio.wait_for(communicate, DEADLINE)
    return list(json.loads(output))


async def slow_upload(server: ServerProcess, data: bytes) -> Response:
    stream = await server.client.connect()
    head = server.client.encode(
        "POST", "/api/files?name=x", b"", {"Content-Length": f"{len(data)}"}
    )
    await stream.write(head)
    for start in range(0, len(data), MIB):
        await stream.write(data[start : start + MIB])
    response = await read_head(stream)
    response.body = await read_body(stream, response)
    stream.close()
    return response


@pytest.mark.timed
@pytest.mark.gen_test(timeout=1200)
async def test_many_uploads_at_once_take_no_memory_and_delay_nobody(server, summary: Summary):
    await server.start()
    count, size = (20, 20 * MIB) if LONG else (8, 4 * MIB)
    # The first upload and the first answer load what all others need.
    assert (await slow_upload(server, png(noise=os.urandom(MIB)))).status == 201
    stop = asyncio.Event()
    gaps = asyncio.ensure_future(watched_gaps(server, stop))
    await asyncio.sleep(1)
    before = resident(server)
    most = before
    noise = os.urandom(size - 200)
    datas = [png(1, n + 1, noise=noise) for n in range(count)]
    uploads = [asyncio.ensure_future(slow_upload(server, data)) for data in datas]
    while not all(upload.done() for upload in uploads):
        most = max(most, resident(server))
        await asyncio.sleep(0.02)
    stop.set()
    found = sorted(await gaps)
    p99 = found[len(found) * 99 // 100]
    grown = most - before
    summary.row(
        f"{count} uploads of {size // MIB} MiB at once",
        grown_kib=grown // 1024,
        p99_ms=round(1000 * p99),
        gaps=len(found),
    )
    for upload, data in zip(uploads, datas, strict=True):
        response = upload.result()
        assert response.status == 201, response.body
        got = await server.client.request("GET", f"/api/files/{response.json()['id']}")
        assert hashlib.sha256(got.body).digest() == hashlib.sha256(data).digest()
    assert grown <= GROWTH, f"{grown / MIB:.1f} MiB"
    assert p99 <= at_most(0.05)


def hostile(number: int, rng: random.Random) -> bytes:
    """A document that is damaged or made to harm."""
    pages = pdf(*(f"page {n}" for n in range(30)))
    word = docx("".join(paragraph(f"paragraph {n}") for n in range(300)))
    whole = rng.choice([pages, word])
    kind = number % 5
    if kind == 0:  # bytes changed
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 200)):
            damaged[rng.randrange(8, len(damaged))] = rng.randrange(256)
        return bytes(damaged)
    if kind == 1:  # cut
        return whole[: rng.randrange(8, len(whole))]
    if kind == 2:  # parts repeated
        at = rng.randrange(8, len(whole))
        return whole[:at] + whole[rng.randrange(8, len(whole)) :] * rng.randint(1, 20)
    if kind == 3:  # deep
        return docx("<w:tbl><w:tr><w:tc>" * rng.randint(1000, 300_000))
    return pages.replace(b"/Kids[", b"/Kids[2 0 R " * rng.randint(1, 500), 1)


@pytest.mark.gen_test(timeout=3600)
async def test_hostile_documents_end_and_the_server_serves(
    server, limits: Limits, summary: Summary
):
    count = 50 if LONG else 6
    rng = limits.rng("hostile")
    await server.start()
    ids = []
    for number in range(count):
        data = hostile(number, rng)
        response = await server.client.request("POST", "/api/files?name=x", data)
        assert response.status in (200, 201, 415), response.body
        if response.status != 415:
            ids.append(response.json()["id"])
    states: dict[str, Any] = {}

    async def ended() -> bool:
        listed = (await server.client.request("GET", "/api/files")).json()["files"]
        states.update({file["id"]: file["state"] for file in listed})
        return all(states.get(id) != "reading" for id in ids)

    due = time.monotonic() + 60 * count
    while not await ended():
        assert time.monotonic() < due
        await asyncio.sleep(0.1)
    assert (await server.client.request("GET", "/healthz")).status == 200
    answer = await server.client.ask("a", model="say=ok")
    assert answer.text == "ok"
    summary.row("hostile documents", documents=len(ids), read=list(states.values()).count("ready"))
    await until(lambda: not children(server))


def children(server: ServerProcess) -> list[str]:
    tasks = Path(f"/proc/{server.pid}/task").glob("*/children")
    return " ".join(path.read_text() for path in tasks).split()
