"""Sessions: how long they last, what ends them, and what a stolen database reveals."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from tornado_stream.auth.sessions import EXTENSION, LIFETIME, MAX_SESSIONS, Sessions
from tornado_stream.store import open_store
from tornado_stream.store.base import Session, StoreError


class Clock:
    time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, io_loop):
    store = open_store(tmp_path / "data")
    yield store
    io_loop.run_sync(store.close)


@pytest.fixture
def sessions(store, clock):
    return Sessions(store, clock)


def credential(name: str) -> str | None:
    return {"anna": "hash of anna", "local": "plain"}.get(name)


@pytest.mark.gen_test
async def test_a_session_lasts_thirty_days_also_over_a_restart(sessions, store, clock):
    token = await sessions.start("anna", "hash of anna")
    assert sessions.owner(token, credential) == "anna"
    assert sessions.owner(token + "x", credential) is sessions.owner("", credential) is None
    clock.time += LIFETIME - 1
    again = Sessions(store, clock)
    await again.open()
    assert again.owner(token, credential) == "anna"
    clock.time += 1
    assert again.owner(token, credential) is sessions.owner(token, credential) is None
    await again.open()
    assert await store.sessions() == []


@pytest.mark.gen_test
async def test_stored_sessions_do_not_help_a_thief(sessions, store):
    token = await sessions.start("local", "plain")
    (stored,) = await store.sessions()
    assert token not in repr(stored) and "plain" not in repr(stored)
    for guess in (b"plain", stored.id.encode() + b"plain"):
        assert hashlib.sha256(guess).digest() != stored.proof
    assert sessions.owner(stored.id, credential) is None


@pytest.mark.gen_test
async def test_a_session_ends_when_its_credential_changes(sessions, store):
    first, second = [await sessions.start("anna", "hash of anna") for _ in range(2)]
    assert sessions.owner(first, lambda name: "another hash") is None
    assert sessions.owner(first, credential) is None, "it does not come back"
    assert sessions.owner(second, lambda name: None) is None
    await sessions.start("local", "plain")
    assert [session.owner for session in await store.sessions()] == ["local"]


@pytest.mark.gen_test
async def test_logging_out_ends_only_that_session(sessions, store):
    first, second = [await sessions.start("anna", "hash of anna") for _ in range(2)]
    await sessions.end(first)
    await sessions.end(first)
    assert sessions.owner(first, credential) is None
    assert sessions.owner(second, credential) == "anna"
    assert len(await store.sessions()) == 1


@pytest.mark.gen_test
async def test_a_visit_extends_a_session_but_writes_once_a_day(sessions, store, clock):
    token = await sessions.start("anna", "hash of anna")
    assert not await sessions.extend(token) and not await sessions.extend("")
    clock.time += EXTENSION + 1
    assert await sessions.extend(token) and not await sessions.extend(token)
    (stored,) = await store.sessions()
    assert stored.expires_at == int(clock.time) + LIFETIME


@pytest.mark.gen_test
async def test_a_user_has_at_most_a_hundred_sessions(sessions, store, clock):
    tokens = []
    for _ in range(MAX_SESSIONS + 2):
        clock.time += 1
        tokens.append(await sessions.start("anna", "hash of anna"))
    alive = [sessions.owner(token, credential) == "anna" for token in tokens]
    assert alive == [False] * 2 + [True] * MAX_SESSIONS
    assert len(await store.sessions()) == MAX_SESSIONS


@pytest.mark.gen_test
async def test_users_can_log_in_while_the_store_fails(sessions, store, monkeypatch):
    async def refuse(_):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(store, "save_session", refuse)
    monkeypatch.setattr(store, "delete_sessions", refuse)
    token = await sessions.start("anna", "hash of anna")
    assert sessions.owner(token, credential) == "anna"
    await sessions.end(token)
    assert sessions.owner(token, credential) is None


@pytest.mark.gen_test
async def test_what_changes_while_the_store_is_read_stays_changed(sessions, store, monkeypatch):
    """Another process tells of a change, and the answer of the store is older than ours."""
    before = await sessions.start("anna", "hash of anna")
    read, go_on = store.sessions, asyncio.Event()

    async def slow() -> list[Session]:
        found = await read()
        await go_on.wait()
        return found

    monkeypatch.setattr(store, "sessions", slow)
    looks = [asyncio.create_task(sessions.refresh()) for _ in range(2)]
    await asyncio.sleep(0.05)
    token = await sessions.start("local", "plain")
    await sessions.end(before)
    go_on.set()
    await looks[0]
    assert sessions.owner(token, credential) == "local"
    assert sessions.owner(before, credential) is None
    await looks[1]
    assert sessions.owner(token, credential) == "local"


@pytest.mark.gen_test
async def test_a_session_that_is_being_saved_is_known_whatever_the_store_says(
    sessions, store, monkeypatch
):
    save, go_on = store.save_session, asyncio.Event()

    async def slow(session: Session) -> None:
        await go_on.wait()
        await save(session)

    monkeypatch.setattr(store, "save_session", slow)
    starting = asyncio.create_task(sessions.start("anna", "hash of anna"))
    await asyncio.sleep(0)
    await sessions.refresh()
    go_on.set()
    assert sessions.owner(await starting, credential) == "anna"


@pytest.mark.gen_test
async def test_a_session_that_ends_while_it_is_extended_stays_ended(
    sessions, store, clock, monkeypatch
):
    token = await sessions.start("anna", "hash of anna")
    save, go_on = store.save_session, asyncio.Event()

    async def slow(session: Session) -> None:
        await go_on.wait()
        await save(session)

    monkeypatch.setattr(store, "save_session", slow)
    clock.time += EXTENSION + 1
    extending = asyncio.create_task(sessions.extend(token))
    await asyncio.sleep(0)
    await sessions.end(token)
    go_on.set()
    await extending
    await sessions.refresh()
    assert sessions.owner(token, credential) is None and await store.sessions() == []
