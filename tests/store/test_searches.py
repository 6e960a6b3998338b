"""Searches: users take turns, time is limited, and a client that left ends its search."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from client import Client
from deadlines import LONG

from tornado_stream.store import finding, folding, listing, search, searches
from tornado_stream.store.base import Store
from tornado_stream.store.searches import SearchTooSlow, Stop, Turns
from tornado_stream.store.sqlite import SQLiteStore
from tornado_stream.values.errors import Unavailable

from .answers import converse, listed

OTHER = "00000000-0000-4000-8000-000000000000"


async def fill(store: Store, texts: int, text: str) -> None:
    """Texts of few letters, which are what the index of trigrams is worst at; and a short one."""
    for n in range(texts):
        await converse(store, n, text, "short", home=f"c{n}")
    await converse(store, texts, "hi", "findable", home=OTHER)
    while await store._database.writer.transact(search.catch_up):
        pass


@pytest.fixture
def store(tmp_path: Path, io_loop) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "data")
    yield store
    io_loop.run_sync(store.close)


class Slow:
    """Makes each search take until it is stopped. `running` is set while one does."""

    def __init__(self, monkeypatch) -> None:
        self.running = threading.Event()
        self.seen: list[str] = []
        original = searches.Stop.watching
        slow = self

        def watching(stop: Stop, db: sqlite3.Connection):
            entered = original(stop, db)

            class Watching:
                def __enter__(self) -> sqlite3.Connection:
                    watched = entered.__enter__()
                    slow.running.set()
                    return watched

                def __exit__(self, kind, error, trace) -> bool | None:
                    if error:
                        return entered.__exit__(kind, error, trace)
                    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                    try:
                        db.execute(f"{endless} SELECT count(*) FROM n").fetchone()
                    except sqlite3.Error as interrupted:
                        kind, trace = type(interrupted), interrupted.__traceback__
                        return entered.__exit__(kind, interrupted, trace)
                    return None

            return Watching()

        monkeypatch.setattr(searches.Stop, "watching", watching)


async def until(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0.002)


@pytest.mark.gen_test
async def test_a_search_ends_when_its_client_leaves(store, monkeypatch):
    slow = Slow(monkeypatch)
    await converse(store, 1, "hi", "findable", home="c1")
    left = asyncio.get_running_loop().create_future()
    search = asyncio.ensure_future(store.conversations(query="findable", left=left))
    await until(slow.running)
    assert await listed(store) == ["c1"], "another read waits for no search"
    assert not search.done()
    left.set_result(None)
    with pytest.raises(SearchTooSlow):
        await search


@pytest.mark.gen_test
async def test_a_search_is_limited_in_time(store, monkeypatch):
    Slow(monkeypatch)
    monkeypatch.setattr(searches, "LIMIT", 0.05)
    await converse(store, 1, "hi", "findable", home="c1")
    with pytest.raises(Unavailable, match="took too long") as error:
        await store.conversations(query="findable")
    assert error.value.code == "search_too_slow"
    monkeypatch.undo()
    assert await listed(store, query="findable") == ["c1"]


@pytest.mark.gen_test
async def test_a_search_of_many_short_steps_ends_when_its_client_leaves(store, monkeypatch):
    """Each text that is found is read and shown by short statements of its own."""
    left = asyncio.get_running_loop().create_future()
    loop, shown = asyncio.get_running_loop(), []
    for n in range(3):
        await converse(store, n, "hi", "findable", home=f"c{n}")
    await store.conversations(query="nothing")  # everything is indexed
    go_on = threading.Event()

    def slow(*arguments, **more) -> str:
        shown.append(arguments)
        loop.call_soon_threadsafe(left.set_result, None) if len(shown) == 1 else None
        go_on.wait(10)
        return ""

    monkeypatch.setattr(listing, "snippet", slow)
    monkeypatch.setattr(Stop, "set", lambda stop, real=Stop.set: (real(stop), go_on.set()))
    with pytest.raises(SearchTooSlow):
        await store.conversations(query="findable", left=left)
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("query", "trigrams"),
    [
        ("e" * 40, '"eee"'),
        ("ab" * 9, '"aba" AND "bab"'),
        ("字字字字", '"字字字"'),
        ('a"bc', '"a""b" AND """bc"'),
    ],
)
def test_the_index_looks_up_no_trigram_twice(query, trigrams):
    assert finding._with_trigrams(None, 0, query)[1] == (trigrams,)


def test_the_index_looks_up_a_bounded_number_of_trigrams():
    [expression] = finding._with_trigrams(None, 0, "".join(map(chr, range(0x4E00, 0x5E00))))[1]
    assert expression.count(" AND ") == finding.TRIGRAMS - 1


@pytest.mark.parametrize("letters", ["e", "ab", "字", "😀", "e\u0301\u0323"])
@pytest.mark.gen_test
async def test_a_text_that_repeats_itself_takes_little_of_the_index(store, letters):
    """SQLite reads and sweeps what the index has of one trigram in one step."""
    await fill(store, 4, (letters * 100_000)[:100_000])
    sql = "SELECT sum(length(block)) FROM search_0_data"
    size = await store._database.writer.transact(lambda db: db.execute(sql).fetchone()[0])
    assert size < 4_000


@pytest.mark.parametrize("query", ["z", "bz", "ababx"])
@pytest.mark.gen_test
async def test_a_search_looks_at_the_clock_within_a_long_text(store, monkeypatch, query):
    """To compare it with the query, or to show the words around the match."""
    pieces = 20
    await fill(store, 1, "é" + "ab" * (pieces * folding.PIECE // 2) + " abx bz")
    looks = []
    monkeypatch.setattr(Stop, "look", lambda stop, real=Stop.look: (looks.append(1), real(stop)))
    page = await store.conversations(query=query)
    assert len(page.matches) == (query != "ababx") and len(looks) >= pieces


@pytest.mark.gen_test
async def test_what_the_index_does_not_look_up_is_compared(store):
    for n, text in enumerate(["banan bread", "Bananas", "xbaNANAx", "eee", "e" * 30, "ababab"]):
        await converse(store, n, "hi", text, home=f"c{n}")
    assert sorted(await listed(store, query="banana")) == ["c1", "c2"]
    assert await listed(store, query="eeee") == ["c4"]
    assert await listed(store, query="abababab") == []
    assert await listed(store, query="ABABA") == ["c5"]


@pytest.mark.gen_test
async def test_a_search_that_waits_too_long_is_refused(store, monkeypatch):
    slow = Slow(monkeypatch)
    monkeypatch.setattr(searches, "WAIT", 0.05)
    await converse(store, 1, "hi", "findable", home="c1")
    left = asyncio.get_running_loop().create_future()
    first = asyncio.ensure_future(store.conversations(query="findable", left=left))
    await until(slow.running)
    with pytest.raises(SearchTooSlow):
        await store.conversations(query="findable")
    left.set_result(None)
    with pytest.raises(SearchTooSlow):
        await first


@pytest.mark.gen_test
async def test_users_take_turns(io_loop):
    turns, order = Turns(), []
    never = asyncio.get_running_loop().create_future()

    async def search(owner: str) -> None:
        async with turns.turn(owner, never):
            order.append(owner)
            await asyncio.sleep(0)

    await asyncio.gather(*(search(owner) for owner in "aaaabbc"))
    assert order == ["a", "a", "b", "c", "a", "b", "a"]
    assert not turns._waiting and not turns._taken


@pytest.mark.gen_test
async def test_a_client_that_leaves_while_it_waits_loses_its_turn(io_loop):
    turns = Turns()
    loop = asyncio.get_running_loop()
    never, left = loop.create_future(), loop.create_future()

    async def wait() -> None:
        async with turns.turn("b", left):
            raise AssertionError("its client has left")

    async with turns.turn("a", never):
        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        left.set_result(None)
        with pytest.raises(SearchTooSlow):
            await waiting
        assert not turns._waiting
    async with turns.turn("b", never):
        pass


@pytest.mark.gen_test
async def test_a_deletion_waits_for_no_row_of_searches(store, monkeypatch):
    """It wipes the words as soon as the present search has ended."""
    slow = Slow(monkeypatch)
    monkeypatch.setattr(searches, "LIMIT", 0.1)
    await converse(store, 1, "hi", "findable", home="c1")
    hostile = [asyncio.ensure_future(store.conversations(query="findable")) for _ in range(5)]
    await until(slow.running)
    await store.delete("c1")
    assert not all(asked.done() for asked in hostile)
    for asked in hostile:
        with pytest.raises(SearchTooSlow):
            await asked


@pytest.mark.parametrize(
    "letters",
    ["e", *(pytest.param(few, marks=pytest.mark.wide) for few in ("ab", "字", "aab", "ab" * 4))],
)
@pytest.mark.timed
@pytest.mark.gen_test(timeout=120)
@pytest.mark.wide
async def test_many_searches_of_one_client_delay_nobody(chat: Client, letters: str):
    """Large texts of few letters are searched twenty times at once; then every client leaves. The
    texts have each trigram of the query, so each search has to compare them with it."""
    texts, size, reads = (8, 1_000_000, 300) if LONG else (4, 200_000, 20)
    assert chat.application
    query = (letters * 40)[:39] + "z"
    trigrams = " ".join(query[at : at + 3] for at in range(len(query) - 2))
    await fill(chat.application.store, texts, (letters * size)[: size - 200] + " " + trigrams)
    request = chat.encode("GET", f"/api/conversations?q={quote(query)}", None, {})
    hostile = [await chat.connect() for _ in range(20)]
    for connection in hostile:
        await connection.write(request * 20)  # one after the other
    turns = chat.application.store._turns
    while not turns._waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    times = []
    for n in range(reads):
        path = ("/api/conversations", f"/api/conversations/{OTHER}")[n % 2]
        began = time.monotonic()
        assert (await chat.request("GET", path)).status == 200
        times.append(time.monotonic() - began)
    if LONG:
        print(f"p99 {statistics.quantiles(times, n=100)[98] * 1000:.0f} ms")
        assert turns._waiting, "the searches were over too early"
        assert statistics.quantiles(times, n=100)[98] <= 0.05 and max(times) <= 0.2
    for connection in hostile:
        connection.close()
    found = await chat.request("GET", "/api/conversations?q=findable")
    assert found.status == 200 and len(found.json()["conversations"]) == 1
    while turns._waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
