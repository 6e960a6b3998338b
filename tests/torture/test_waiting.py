"""Questions that wait for the end of an answer, while connections are cut and the server is killed:
each is sent once or kept, with its files, never lost and never sent twice."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

import pytest
from client import Client
from deadlines import DEADLINE, LONG
from tornado.iostream import StreamClosedError

from .conftest import Limits
from .reader import Reader
from .server import ServerProcess
from .truth import Truth, answer_to, question

pytestmark = pytest.mark.wide

CUTS, KILLS = (1000, 100) if LONG else (30, 3)
#: How many conversations have a waiting question at a time.
WORKERS = 8


class Waiting:
    """One conversation: an answer, and the question that waits for its end."""

    def __init__(self, limits: Limits, name: str) -> None:
        self.rng = limits.rng("waiting", name)
        self.id = str(uuid.uuid4())
        self.name = f"wait{limits.seed}:{name}"
        #: The text that the server confirmed last, and one that it may have heard.
        self.texts: list[str] = []
        #: The ids of the files that belong to each text.
        self.files: dict[str, list[str]] = {}
        self.path = ""
        self.version = 0  # the last one that the server confirmed

    async def put(self, client: Client, *, edits: int, cut: float | None = None) -> None:
        """Let the question wait, and change it some times. With `cut`, requests are cut."""
        for number in range(edits + 1):
            message = question(f"{self.name}:{number}", self.rng.choice([5, 100, 400]), 0)
            names = range(self.rng.choice([0, 0, 1, 2]))
            files = [await self._upload(client, f"file {n} of {number}") for n in names]
            self.files[message] = files
            body = {
                "request_id": self.id,
                "message": message,
                "files": files,
                "options": {"user": self.id},
                "version": self.version,
            }
            if cut is not None and self.rng.random() < cut:
                await self._cut(client, body)
            response = await self._repeat(client, "PUT", f"{self.path}/waiting", body)
            if response.status == 409:
                code = response.json()["error"]["code"]
                # The first try may have been heard, although its response was lost.
                assert code in ("already_sent", "changed_meanwhile"), response.body
                self.texts.append(message)
                return
            assert response.status == 200, response.body
            self.texts, self.version = [message], response.json()["version"]
            await asyncio.sleep(self.rng.choice([0, 0.002, 0.02]))

    async def _upload(self, client: Client, text: str) -> str:
        """The id of a file with this text, which no other question has."""
        data = f"{text} of {self.name} {self.id}".encode()
        response = await self._repeat(client, "POST", "/api/files?name=a.txt", data)
        assert response.status in (200, 201), response.body
        id: str = response.json()["id"]
        return id

    async def _cut(self, client: Client, body: dict[str, Any]) -> None:
        """Send the request, or a part of it, and close the connection."""
        data = client.encode("PUT", f"{self.path}/waiting", body, {})
        connection = await client.connect()
        size = self.rng.choice([len(data), self.rng.randrange(len(data))])
        await connection.write(data[:size])
        await asyncio.sleep(self.rng.choice([0, 0.001]))
        connection.close()

    async def _repeat(self, client: Client, method: str, path: str, body: Any) -> Any:
        """The response, through any number of restarts of the server."""
        due = asyncio.get_running_loop().time() + DEADLINE
        while True:
            try:
                response = await client.request(method, path, body)
                if response.status != 503:
                    return response
            except (OSError, StreamClosedError):
                pass
            assert asyncio.get_running_loop().time() < due
            await asyncio.sleep(0.02)

    async def settled(self, client: Client) -> dict[str, Any]:
        """The conversation, when its question was sent and answered, or is held."""
        due = asyncio.get_running_loop().time() + DEADLINE
        while asyncio.get_running_loop().time() < due:
            stored = (await client.request("GET", self.path)).json()
            running = any(m["state"] == "running" for m in stored["messages"])
            waiting = stored["waiting"]
            if not running and not (waiting and waiting["held"] is None):
                return stored
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.name} is neither sent nor held")

    async def judge(self, client: Client, truth: Truth) -> str:
        """Whether it was sent once or is kept, with the text and the files that the server
        confirmed last."""
        stored = await self.settled(client)
        sent = [m for m in stored["messages"] if m["generation_id"] == self.id]
        waiting = stored["waiting"]
        assert len(sent) + bool(waiting) == 1, (self.name, sent, waiting)
        assert truth.asked[self.id] <= 1
        if waiting:
            assert waiting["request_id"] == self.id and waiting["message"] in self.texts
            assert truth.asked[self.id] == 0
            await self._check_files(client, waiting["message"], waiting["files"])
            return str(waiting["held"]["reason"])
        messages = {m["id"]: m for m in stored["messages"]}
        parent = messages[sent[0]["parent_id"]]
        asked = parent["content"]
        await self._check_files(client, asked, parent["files"])
        assert asked in self.texts
        assert answer_to(asked).startswith(sent[0]["content"])
        assert sent[0]["state"] != "done" or truth.asked[self.id] == 1
        return "sent"

    async def _check_files(self, client: Client, text: str, files: list[dict[str, Any]]) -> None:
        ids = [file["id"] for file in files]
        assert ids == self.files[text], (self.name, text)
        for id in ids:
            assert (await client.request("GET", f"/api/files/{id}")).status == 200


async def begin(limits: Limits, name: str, client: Client) -> tuple[Waiting, Reader]:
    waiting = Waiting(limits, name)
    size = waiting.rng.choice([50, 200, 400])
    reader = Reader(client, {"message": question(f"first{name}", size, 1)}, rng=waiting.rng)
    return waiting, reader


async def reading(waiting: Waiting, reader: Reader) -> asyncio.Task[Reader]:
    """Begin to read the answer before; returns when its conversation is known."""
    task = asyncio.ensure_future(reader.run())
    while not reader.started:
        await asyncio.sleep(0.002)
        if task.done():
            task.result()
    waiting.path = f"/api/conversations/{reader.start['conversation_id']}"
    return task


@pytest.mark.gen_test(timeout=3600)
async def test_cuts(limits: Limits, summary: Any, make_truth: Any, start_server: Any) -> None:
    truth = await make_truth()
    server = start_server(truth)
    await server.start()
    ends: Counter[str] = Counter()
    numbers = iter(range(CUTS) if limits.case is None else [limits.case])

    async def work() -> None:
        for number in numbers:
            waiting, reader = await begin(limits, f"cut{number}", server.client)
            task = await reading(waiting, reader)
            await waiting.put(server.client, edits=waiting.rng.choice([0, 0, 1, 3]), cut=1.0)
            if waiting.rng.random() < 0.2:
                await server.client.stop(reader.id)
            elif waiting.rng.random() < 0.5:  # the client sends it, too
                await task
                text = waiting.texts[-1]
                body = {"request_id": waiting.id, "message": text, "files": waiting.files[text]}
                body |= {"options": {"user": waiting.id}, "conversation_id": waiting.path[19:]}
                response = await server.client.request("POST", "/stream", body)
                assert response.status in (200, 409), response.body  # 409: the other text
            await asyncio.wait_for(task, DEADLINE)
            ends[await waiting.judge(server.client, truth)] += 1

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    summary.row("waiting, cuts", cuts=CUTS, **ends, lost=0, twice=0)
    assert ends["sent"] and not truth.wrong


@pytest.mark.gen_test(timeout=3600)
async def test_kills(limits: Limits, summary: Any, make_truth: Any, start_server: Any) -> None:
    truth = await make_truth()
    server: ServerProcess = start_server(truth)
    await server.start()
    ends: Counter[str] = Counter()
    for number in range(KILLS) if limits.case is None else [limits.case]:
        rng = limits.rng("waiting kill", number)
        begun = [await begin(limits, f"kill{number}:{n}", server.client) for n in range(WORKERS)]
        tasks = await asyncio.gather(*(reading(*one) for one in begun))
        puts = [
            asyncio.ensure_future(one.put(server.client, edits=one.rng.choice([0, 1, 3])))
            for one, _ in begun
        ]
        await asyncio.sleep(rng.uniform(0, 0.5))
        server.kill()
        await server.start()
        await asyncio.wait_for(asyncio.gather(*puts, *tasks), DEADLINE)
        for waiting, _ in begun:
            ends[await waiting.judge(server.client, truth)] += 1
    summary.row("waiting, kill -9", kills=KILLS, **ends, lost=0, twice=0)
    assert "Traceback" not in server.log.read_text()
    assert ends["sent"] and not truth.wrong
