"""Backups beside a server that streams: each can be restored, and has every answer that had ended.

In the long form there are fifty backups beside twenty answers; `TORTURE_BACKUPS` sets the number.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from process import environ

from tornado_stream.store import open_store
from tornado_stream.values.messages import Message

from .conftest import Limits
from .reader import Reader
from .server import MAIN, ServerProcess
from .truth import Truth, answer_to, question

#: Answers that run at a time.
BUSY = 20


class Users:
    """Twenty users, each of whom asks again when an answer has ended."""

    def __init__(self, limits: Limits, server: ServerProcess) -> None:
        self.ended: list[Reader] = []
        self.waits: list[float] = []  # seconds from a request to its `start`
        self._closed = False
        self._limits = limits
        self._server = server
        self._tasks = [asyncio.ensure_future(self._ask(number)) for number in range(BUSY)]

    async def close(self) -> None:
        self._closed = True  # `wait_for` can swallow a cancellation
        for task in self._tasks:
            task.cancel()
        for done in await asyncio.gather(*self._tasks, return_exceptions=True):
            assert done is None or isinstance(done, asyncio.CancelledError), done

    async def _ask(self, user: int) -> None:
        rng = self._limits.rng("user", user)
        for number in itertools.count():
            if self._closed:
                return
            name = f"any{self._limits.seed}:{user}:{number}"
            message = question(name, rng.choice([5, 100, 800, 2000]), rng.choice([1, 4, 15]))
            began = time.monotonic()
            reader = await Reader(self._server.client, {"message": message}).run()
            self.waits.append(reader.events[0].at - began)
            assert reader.state == "done" and reader.text == answer_to(message)
            self.ended.append(reader)


async def command(*arguments: object) -> None:
    """Run `python main.py` with these arguments. It must succeed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(MAIN),
        *map(str, arguments),
        env=environ(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0]
    assert process.returncode == 0, output.decode()


async def judge(data_dir: Path, ended: list[Reader]) -> int:
    """Compare a restored directory with what clients saw; returns how many answers were running."""
    store = open_store(data_dir)
    try:
        for reader in ended:
            assert reader.body
            answer = await store.message(reader.start["message_id"])
            asked = await store.message(reader.start["user_message_id"])
            assert answer and asked, "an answer that had ended is missing"
            assert asked.content == reader.body["message"]
            assert (answer.state, answer.content) == ("done", reader.text)
            log = await store.generation(reader.id)
            assert log and len(log.frames) == len(reader.events)
        running = await store.orphans()
        for log in running:
            assert await is_a_beginning(store.message, log.message)
        return len(running)
    finally:
        await store.close()


async def is_a_beginning(message: Any, answer: Message) -> bool:
    assert answer.parent_id
    asked = await message(answer.parent_id)
    return answer_to(asked.content).startswith(answer.content)


@pytest.mark.wide
@pytest.mark.gen_test(timeout=3600)
async def test_backups_beside_running_answers(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, tmp_path: Path
) -> None:
    truth: Truth = await make_truth()
    server = start_server(truth)
    await server.start()
    server.kill()
    await server.start()  # over a database that exists
    users, rng = Users(limits, server), random.Random(limits.seed)
    running, lasted, quiet = [], [], len(users.waits)
    try:
        await asyncio.sleep(rng.uniform(0.5, 1))
        quiet = len(users.waits)
        for number in range(limits.backups):
            await asyncio.sleep(rng.uniform(0, 0.3))
            ended, began = list(users.ended), time.monotonic()
            file, restored = tmp_path / f"{number}.zip", tmp_path / f"restored{number}"
            await command("backup", file, "--data-dir", server.data_dir)
            lasted.append(time.monotonic() - began)
            await command("restore", file, "--data-dir", restored)
            running.append(await judge(restored, ended))
            file.unlink()
    finally:
        await users.close()
    assert server.starts == 2 and server.is_running()
    assert not truth.wrong and "Traceback" not in server.log.read_text()
    assert sum(running) > limits.backups, "no answer was running"
    waits = sorted(users.waits[quiet:])
    summary.row(
        "backup and restore",
        backups=limits.backups,
        answers_ended=len(users.ended),
        running_in_a_backup=round(sum(running) / limits.backups),
        wrong=0,
        longest_s=round(max(lasted), 1),
        wait_p50_ms=round(waits[len(waits) // 2] * 1000),
        wait_p99_ms=round(waits[len(waits) * 99 // 100] * 1000),
    )
