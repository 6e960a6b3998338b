"""Imports while the server is killed, and while answers stream: nothing by halves, nobody waits.

`make torture` kills the server a hundred times, and imports 188 MB in 22 shards while answers run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from chat.imports import samples
from client import Client, read_body, read_head, until
from deadlines import DEADLINE, LONG
from pictures import png

from tornado_stream.chat.imports.process import ExportChild

from .conftest import Limits
from .server import ServerProcess

#: Kills, conversations of the export, and of how many of them one has a picture.
KILLS, COUNT = (100, 12_000) if LONG else (6, 600)
PICTURED = 5
#: Megabytes of the large export, its shards, and the answers that run meanwhile.
SIZE, SHARDS, ANSWERS = (188, 22, 20) if LONG else (6, 22, 5)
#: The promised times: seconds of the import, milliseconds of a token's delay; and the megabytes
#: that the child may take.
SECONDS, DELAY, CHILD = 60.0, 50.0, 256
#: Megabytes of a list of conversations, and of its largest one.
LIST, LARGEST = (99, 28) if LONG else (6, 3)
#: Milliseconds between two tokens of the answers.
GAP = 20
HALVES = (
    "SELECT count(*) FROM conversations c WHERE message_count != "
    "(SELECT count(*) FROM messages m WHERE m.conversation_id = c.id)"
)
#: Uses of files that do not exist.
GONE = "SELECT count(*) FROM message_files WHERE file NOT IN (SELECT seq FROM files)"
#: Every conversation of `samples.chatgpt` has so many messages.
MESSAGES = 6


def write_export(path: Path, megabytes: float, shards: int) -> int:
    """An archive as ChatGPT makes it, with texts of many lengths. Returns its conversations."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(4000)]
    texts = [" ".join(rng.choices(words, k=rng.choice([20, 150, 400]))) for _ in range(2000)]
    count = 0
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for shard in range(shards):
            parts: list[str] = []
            while sum(map(len, parts)) < megabytes * 1e6 / shards:
                parts.append(json.dumps(lengthened(samples.chatgpt(count), rng, texts)))
                count += 1
            archive.writestr(f"conversations-{shard:03}.json", f"[{','.join(parts)}]")
    return count


def lengthened(record: dict[str, Any], rng: random.Random, texts: list[str]) -> dict[str, Any]:
    for node in record["mapping"].values():
        parts = (node["message"] or {"content": {}})["content"].get("parts")
        if parts and isinstance(parts[-1], str) and parts[-1]:
            parts[-1] += rng.choice(texts)
    return record


def write_pictured(path: Path) -> None:
    """An archive as ChatGPT makes it, in which some conversations have a picture of their own."""
    records = [samples.chatgpt(number) for number in range(COUNT)]
    with ZipFile(path, "w") as archive:
        for number in range(0, COUNT, PICTURED):
            parts = records[number]["mapping"]["q2"]["message"]["content"]["parts"]
            parts[0]["asset_pointer"] = f"file-service://file-N{number}"
            archive.writestr(f"file-N{number}-cat.png", picture(number))
        archive.writestr("conversations.json", json.dumps(records))


def picture(number: int) -> bytes:
    return png(noise=b"%d" % number * 3000)


def stored_bytes(data_dir: Path) -> set[str]:
    """The names of all bytes of files."""
    return {path.name for path in (data_dir / "files").rglob("*") if len(path.name) == 64}


async def upload(client: Client, path: Path) -> str:
    """Begin an import; returns its id."""
    stream = await client.connect()
    with path.open("rb") as file:
        size = {"Content-Length": str(file.seek(0, 2))}
        file.seek(0)
        await stream.write(client.encode("POST", "/api/imports?name=export.zip", b"", size))
        while data := file.read(256 * 1024):
            await stream.write(data)
    response = await read_head(stream)
    response.body = await read_body(stream, response)
    stream.close()
    assert response.status == 202, response.body
    return str(response.json()["id"])


async def progress(client: Client, id: str) -> dict[str, Any]:
    about: dict[str, Any] = (await client.request("GET", f"/api/imports/{id}")).json()
    return about


@pytest.mark.wide
@pytest.mark.gen_test(timeout=3600)
async def test_kills_leave_no_half_conversation_and_the_import_goes_on(
    limits: Limits, summary: Any, upstream: Any, start_server: Any, tmp_path: Path
) -> None:
    path = tmp_path / "export.zip"
    write_pictured(path)
    server: ServerProcess = start_server(upstream)
    await server.start()
    rng = limits.rng("imports")
    id = await upload(server.client, path)
    kills = 0
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0, 0.5) ** 2 * 2)
        server.kill()
        kills += 1
        with closing(sqlite3.connect(server.data_dir / "chat.db")) as db:
            assert db.execute(HALVES).fetchone() == db.execute(GONE).fetchone() == (0,)
            sums = {sum for (sum,) in db.execute("SELECT sha256 FROM files")}
            assert sums <= stored_bytes(server.data_dir), "a file has its bytes"
            sizes = {n for (n,) in db.execute("SELECT message_count FROM conversations")}
            assert sizes <= {MESSAGES}
        await server.start()
        if (await progress(server.client, id))["state"] != "reading":
            break
    about = await progress(server.client, id)
    due = time.monotonic() + 10 * DEADLINE
    while about["state"] == "reading":
        assert time.monotonic() < due, about
        await asyncio.sleep(0.1)
        about = await progress(server.client, id)
    assert kills == KILLS or not LONG, "the import ended before the last kill"
    counted = {name: about[name] for name in ("found", "imported", "known", "skipped_count")}
    assert counted == {"found": COUNT, "imported": COUNT, "known": 0, "skipped_count": 0}, about
    with closing(sqlite3.connect(server.data_dir / "chat.db")) as db:
        assert db.execute("SELECT count(*) FROM conversations").fetchone() == (COUNT,)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    # Each picture is there once and in use, and no bytes are left of those that a kill cut.
    assert (await server.client.request("GET", "/api/files")).json() == {"files": []}
    server.kill()
    await server.start()
    sums = {hashlib.sha256(picture(number)).hexdigest() for number in range(0, COUNT, PICTURED)}
    assert stored_bytes(server.data_dir) == sums
    assert not list((server.data_dir / "files").glob("*.part"))
    assert not [p for p in (server.data_dir / "imports").rglob("*") if len(p.name) == 32]
    assert "Traceback" not in server.log.read_text()
    summary.row(
        "kill -9 while importing",
        kills=kills,
        conversations=COUNT,
        pictures=len(sums),
        halves=0,
        twice=0,
    )


def highest(pid: int) -> Iterator[float]:
    """The most memory that each child of a process has taken so far, in megabytes."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(pid):
                status = path.with_name("status").read_text()
                highest = status.partition("VmHWM:")[2].split()
                yield int(highest[0]) / 1024 if highest else 0.0  # one that has ended has none


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_long_list_takes_little_memory(summary: Any, tmp_path: Path) -> None:
    """One of its conversations is nearly as large as one may be."""
    path = tmp_path / "export.json"
    large = samples.chatgpt(0)
    for number in range(round(LARGEST * 1e6 / 1000)):
        node = json.loads(json.dumps(large["mapping"]["a1"]))
        node["message"]["content"]["parts"] = [f"{number} " + "word " * 90]
        large["mapping"][f"more{number}"] = node | {"id": f"more{number}", "parent": "q1"}
    parts = [json.dumps(large)]
    for number in range(1, round(LIST * 1e6 / 6000)):
        parts.append(json.dumps(samples.chatgpt(number)))
    path.write_text(f"[{','.join(parts)}]")
    child, count, memory = ExportChild(path, "local"), 0, 0.0
    for _ in child.results():
        count += 1
        if count % 100 == 1:
            memory = max([memory, *highest(os.getpid())])
    assert (child.ended, count) == ("", len(parts)) and memory < CHILD
    megabytes = round(path.stat().st_size / 1e6)
    summary.row(f"reading {megabytes} MB", conversations=count, child_MB=round(memory))


@pytest.mark.wide
@pytest.mark.gen_test(timeout=1800)
async def test_answers_stream_while_much_is_imported(
    summary: Any, upstream: Any, start_server: Any, tmp_path: Path
) -> None:
    path = tmp_path / "export.zip"
    count = write_export(path, SIZE, SHARDS)
    server: ServerProcess = start_server(upstream)
    await server.start()
    client, late, ended = server.client, [], asyncio.Event()

    async def follow() -> None:
        while not ended.is_set():
            last = 0.0
            async for event in await client.send(model=f"gap={GAP / 1000};count=100"):
                if event.name == "delta":
                    if last:
                        late.append((event.at - last) * 1000 - GAP)
                    last = event.at

    readers = [asyncio.ensure_future(follow()) for _ in range(ANSWERS)]
    await until(lambda: len(late) > 50 * ANSWERS)
    before = quantile(late, 0.99)
    late.clear()
    began, memory = time.monotonic(), 0.0
    id = await upload(client, path)
    while (about := await progress(client, id))["state"] == "reading":
        memory = max([memory, *highest(server.pid)])
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - began
    during = quantile(late, 0.99)
    ended.set()
    await asyncio.gather(*readers)
    assert (about["state"], about["imported"], about["known"]) == ("done", count, 0)
    again = await upload(client, path)
    while (twice := await progress(client, again))["state"] == "reading":  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    assert (twice["state"], twice["imported"], twice["known"]) == ("done", 0, count)
    summary.row(
        f"importing {SIZE} MB",
        conversations=count,
        seconds=round(seconds, 1),
        child_MB=round(memory),
        p99_ms=round(during, 1),
        p99_before_ms=round(before, 1),
    )
    assert memory < CHILD
    if LONG:
        assert seconds <= SECONDS
        assert during <= DELAY


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)] if values else 0.0
