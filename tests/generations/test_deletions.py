"""A conversation that is deleted, and an answer that is stopped, while the store is writing.

The store is slow because another program holds the database's write lock.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from client import Answer, Client, Response, until

from tornado_stream.store.base import StoreError

#: Deletions in the midst of storing.
RACES = 90
#: An answer of ten seconds: it does not end by itself while a test looks.
LONG = "gap=0.02;count=500"


@pytest.fixture
def database(settings) -> Path:
    return settings.data_dir / "0" / "chat.db"


@asynccontextmanager
async def write_lock(path: Path) -> AsyncIterator[None]:
    """Nobody else can write to the database within the block."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
        while True:
            try:
                db.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:  # the server is writing
                await asyncio.sleep(0.001)
        yield
        db.execute("COMMIT")


async def new_conversation(chat: Client, title: str = "t") -> str:
    return (await chat.request("POST", "/api/conversations", {"title": title})).json()["id"]


async def after(seconds: float, work: Any) -> Any:
    await asyncio.sleep(seconds)
    return await work()


def is_stopped(chat: Client, id: str) -> bool:
    """Whether the answer, which is being stored, is not to be asked of its model."""
    beginning = chat.application.generations._beginning.get(id)
    return bool(beginning and beginning.stopped_as)


@pytest.mark.gen_test
@pytest.mark.wide
async def test_deletions_in_the_midst_of_storing(chat, upstream, database):
    rng = random.Random(4711)
    outcomes: Counter[str] = Counter()
    for _ in range(RACES):
        outcomes[await race(chat, rng, database)] += 1
    await until(lambda: not upstream.open_streams, what="an answer runs on upstream")
    assert len(upstream.closed_at) == len(upstream.requests)
    assert not len(chat.application.generations)
    print(dict(outcomes), len(upstream.requests), "requests upstream")
    assert outcomes["never began"] and outcomes["stopped"], "the delays do not vary enough"


async def race(chat: Client, rng: random.Random, database: Path) -> str:
    """Ask and delete while the database is locked. Returns what became of the answer."""
    # Without a title, the title is stored first.
    conversation, id = await new_conversation(chat, rng.choice(["t", "t", ""])), str(uuid.uuid4())
    asked, deleted, held = (rng.choice([0, 0.002, 0.01, 0.03, 0.05]) for _ in range(3))
    body = {"conversation_id": conversation, "model": LONG, "request_id": id}
    async with write_lock(database):
        asking = asyncio.ensure_future(after(asked, lambda: chat.ask(**body)))
        path = f"/api/conversations/{conversation}"
        deleting = asyncio.ensure_future(after(deleted, lambda: chat.request("DELETE", path)))
        await asyncio.sleep(held)
    response: Response = await deleting
    answer: Answer = await asking
    assert response.status == 204
    for gone in (path, f"/stream/{id}"):
        assert (await chat.request("GET", gone)).status == 404
    if answer.response.status == 404:
        return "never began"
    assert answer.response.status == 200
    assert (answer.end["state"], answer.end["saved"]) == ("stopped", False)
    return "stopped"


@pytest.mark.gen_test
async def test_an_answer_that_is_stopped_while_it_is_stored_asks_no_model(chat, upstream, database):
    await chat.ask(model="say=first")  # from now on there is a connection that can be used at once
    for wait in (0, 0.002, 0.02):
        conversation, id = await new_conversation(chat), str(uuid.uuid4())
        body = {"conversation_id": conversation, "model": "say=a", "request_id": id}
        async with write_lock(database):
            asking = asyncio.ensure_future(chat.ask(**body))
            await until(lambda id=id: ("local", id) in chat.application.chat._sending)
            stopping = asyncio.ensure_future(after(wait, lambda id=id: chat.stop(id)))
            await until(lambda id=id: is_stopped(chat, id))
        assert (await stopping).json()["state"] == "stopped"
        answer = await asking
        assert (answer.end["state"], answer.end["saved"], answer.text) == ("stopped", True, "")
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_a_running_answer_of_a_deleted_conversation_is_not_saved(chat, upstream):
    stream = await chat.send(model="say=a;stall")
    start = (await stream.until("start")).data
    await stream.until("delta")
    deleted = await chat.request("DELETE", f"/api/conversations/{start['conversation_id']}")
    assert deleted.status == 204
    end = (await stream.read()).end
    assert (end["state"], end["saved"]) == ("stopped", False)
    assert (await chat.request("GET", f"/stream/{start['generation_id']}")).status == 404
    await until(lambda: not upstream.open_streams)


@pytest.mark.gen_test
async def test_a_program_s_kept_answer_can_be_stopped_and_deleted(chat, upstream):
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "model": "say=a;stall",
        "stream": True,
    }
    for way in ("stop", "delete"):
        head = {"Tornado-Stream-Keep": "true"}
        stream = await chat.open("POST", "/v1/chat/completions", body, head)
        id = stream.response.headers["x-generation-id"]
        generation = await chat.application.generations.get("local", id)
        conversation = generation.message.conversation_id
        if way == "stop":
            assert (await chat.stop(id)).json()["state"] == "stopped"
        else:
            path = f"/api/conversations/{conversation}"
            assert (await chat.request("DELETE", path)).status == 204
        assert generation.end["saved"] is (way == "stop")
        await until(lambda: not upstream.open_streams)
        stream.close()


@pytest.mark.gen_test
async def test_a_conversation_is_not_deleted_and_its_answer_is_saved_after_all(chat, monkeypatch):
    stream = await chat.send(model="say=a;stall")
    start = (await stream.until("start")).data
    await stream.until("delta")
    generations, store = chat.application.generations, chat.application.store
    with monkeypatch.context() as broken:

        async def fail(self: Any, id: str) -> None:
            raise OSError("disk full")

        broken.setattr(type(store), "delete", fail)
        with pytest.raises(OSError, match="disk full"):
            await chat.application.conversations.delete("local", start["conversation_id"])
    assert (await stream.read()).end["saved"] is False
    await until(lambda: not generations.unsaved_frames)
    stored = await store.generation(start["generation_id"])
    assert (stored.message.state, stored.message.content) == ("stopped", "a")


@pytest.mark.gen_test
async def test_an_unsaved_end_is_forgotten_with_its_conversation(chat, database):
    """The store refuses the end; then the conversation is deleted before it is offered again."""
    store, append = chat.application.store, chat.application.store.append

    async def refuse(batch: Any) -> frozenset[str]:
        raise StoreError("disk full")

    store.append = refuse
    answer = await chat.ask(model="say=a")
    assert answer.end["saved"] is False
    store.append = append
    start = answer.start
    path = f"/api/conversations/{start['conversation_id']}"
    assert (await chat.request("GET", path)).status == 200
    assert (await chat.request("DELETE", path)).status == 204
    assert (await chat.request("GET", f"/stream/{start['generation_id']}")).status == 404
    assert chat.application.generations.unsaved_frames == 0
    assert not chat.application.generations.failing
