"""What the contract does not say: a server that goes away, and several instances."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

import pytest
from client import Client
from tornado.testing import bind_unused_port
from torture.proxy import Plan, Toxics, proxied

from tornado_stream.app import ChatApplication
from tornado_stream.server import make_server
from tornado_stream.store import open_store
from tornado_stream.store.base import (
    AlreadyStored,
    Appended,
    Begun,
    Fenced,
    OpenError,
    Progress,
    StoreError,
)
from tornado_stream.store.postgres import connections, errors, instances, ledger, logs, tables
from tornado_stream.store.tail_base import Gap, NoPlace
from tornado_stream.values.messages import Message

from ..answers import converse, end, frame, listed, new_answer

pytestmark = pytest.mark.wide


@pytest.fixture
def url(postgres):
    return postgres.new_database()


@pytest.fixture
def instance(url, io_loop, tmp_path):
    """Opens an instance; each is closed after the test."""
    opened = []

    async def open(url=url, **more):
        store = open_store(tmp_path, database=url, **more)
        await store.open()
        opened.append(store)
        return store

    yield open

    async def close():
        await asyncio.gather(*(store.close() for store in opened))

    io_loop.run_sync(close)


async def in_a_thread(work, *args):
    return await asyncio.get_running_loop().run_in_executor(None, work, *args)


async def look(store):
    """What an instance does again and again."""
    await store.renew()
    return await store.orphans()


def end_all_connections(postgres, url):
    """Without a word to the clients, as a crash of each of the server's processes would."""
    name = url.rpartition("/")[2]
    sql = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    postgres.execute(sql)


@pytest.mark.gen_test
async def test_nobody_notices_that_every_connection_broke(instance, postgres, url):
    store = await instance()
    await store.begin(new_answer())
    await store.conversations()
    for number in range(2, 5):
        await in_a_thread(end_all_connections, postgres, url)
        await store.append([Progress(f"g{number - 1}", 2, [frame(2)])])
        assert len(await listed(store)) == number - 1
        await in_a_thread(end_all_connections, postgres, url)
        await store.begin(new_answer(number, home=f"c{number}"))
        assert (await store.generation(f"g{number}")).frames == [frame(1, "start")]


@pytest.mark.gen_test
async def test_an_append_waits_for_a_server_that_starts_again(instance, postgres, url):
    store = await instance()
    for number in range(20):
        await store.begin(new_answer(number, home=f"c{number}"))
    postgres.kill()
    appends = [
        asyncio.ensure_future(store.append([Progress(f"g{n}", 2, [frame(2), frame(3)])]))
        for n in range(20)
    ]
    postgres.launch()
    await in_a_thread(postgres.wait)
    assert set(await asyncio.gather(*appends)) == {Appended()}
    for number in range(20):
        assert (await store.generation(f"g{number}")).frames[1:] == [frame(2), frame(3)]


@pytest.mark.gen_test
async def test_while_the_server_stays_away_everything_fails_soon(instance, postgres, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.5)
    store = await instance()
    await store.begin(new_answer())
    postgres.kill()
    try:
        with pytest.raises(errors.Unreachable):
            await store.begin(new_answer(2, home="d"))
        began = time.monotonic()
        calls = [store.conversation("c") for _ in range(20)]
        calls += [store.append([Progress("g1", 2, [frame(2)])]) for _ in range(20)]
        failed = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in failed} == {errors.Unreachable}
        assert time.monotonic() - began < 30  # each of them for itself would take that long
    finally:
        postgres.launch()
    await in_a_thread(postgres.wait)
    assert await store.append([Progress("g1", 2, [frame(2)])]) == Appended()
    assert await store.conversation("d") is None
    await end(store, new_answer(), first=3)


@pytest.mark.gen_test
async def test_a_commit_whose_reply_is_lost_is_found(instance, monkeypatch):
    store = await instance()
    begin, broken = tables.begin, []

    async def breaks_after_its_commit(db, *args):
        seq = await begin(db, *args)
        if not broken:
            await db.execute("COMMIT")
            broken.append(db)
            db.terminate()
        return seq

    monkeypatch.setattr(tables, "begin", breaks_after_its_commit)
    await store.begin(new_answer())
    assert broken
    await store.append([Progress("g1", 2, [frame(2)])])
    assert (await store.generation("g1")).frames == [frame(1, "start"), frame(2)]
    with pytest.raises(AlreadyStored):
        await store.begin(new_answer())


@pytest.mark.gen_test
async def test_one_of_five_instances_begins_an_answer(instance):
    stores = [await instance() for _ in range(5)]
    for number in range(20):
        one = new_answer(number, home=f"c{number}")
        began = await asyncio.gather(
            *(store.begin(one) for store in stores), return_exceptions=True
        )
        assert sorted(map(repr, began), key=len)[0] == "None"
        assert [type(error) for error in began if error] == [AlreadyStored] * 4
    assert len(await listed(stores[0])) == 20


@pytest.mark.gen_test
async def test_a_declared_dead_instance_writes_nothing(instance, postgres, url):
    store, other = await instance(), await instance()
    await store.begin(new_answer(1))
    await store.begin(new_answer(2, home="d"))
    sql = f"DELETE FROM instances WHERE name = '{store.instance}'"
    await in_a_thread(postgres.execute, sql, url)
    done = replace(new_answer(1).message, state="done", content="text")
    for batch in (
        [Progress("g1", 2, [frame(2)])],
        [Progress("g1", 2, [frame(2, "end")], done), Progress("g2", 2, [frame(2)])],
    ):
        with pytest.raises(Fenced):
            await store.append(batch)
    with pytest.raises(Fenced):
        await store.begin(new_answer(3, home="e"))
    assert await other.conversation("e") is None
    assert [len(one.frames) for one in await other.orphans()] == [1, 1]
    assert (await other.message("a1")).state == "running"


@pytest.mark.gen_test
async def test_who_does_not_say_that_it_lives_is_dead_for_the_others(instance, monkeypatch):
    monkeypatch.setattr(instances, "LEASE", 0.3)
    store, other, third = await instance(), await instance(), await instance()
    name = store.instance
    await store.begin(new_answer(1))
    await store.append([Progress("g1", 2, [frame(2)])])
    await store.settle([], [Begun("ada", "lost", 5, "m")])
    taken = []
    until = time.monotonic() + 30
    while not taken and time.monotonic() < until:
        await asyncio.sleep(0.1)
        found = await asyncio.gather(look(other), look(third))
        taken = [(by, one) for by, some in zip((other, third), found, strict=True) for one in some]
    ((by, one),) = taken
    assert (one.id, len(one.frames), one.instance) == ("g1", 2, by.instance)
    assert not by.is_alive(name) and by.is_alive({other, third}.difference({by}).pop().instance)
    with pytest.raises(Fenced):
        await store.append([Progress("g1", 3, [frame(3)])])
    with pytest.raises(Fenced):
        await store.orphans()
    assert store.instance != name
    with pytest.raises(Fenced):  # the answer belongs to another one now
        await store.append([Progress("g1", 3, [frame(3)])])
    await store.begin(new_answer(2, home="d"))
    assert await look(by) == []
    assert by.is_alive(store.instance)
    assert len((await by.generation("g1")).frames) == 2


@pytest.mark.gen_test
async def test_an_instance_renews_although_its_connection_for_that_is_held(
    instance, postgres, url, monkeypatch
):
    """The network passes nothing on, and says nothing."""
    monkeypatch.setattr(instances, "RENEWING", 0.3)
    held: list[bool] = []

    def choose(first):
        held.append(len(held) == 1)  # the first one opens the store, the second one renews
        return Plan(up=Toxics(cut="hold", cut_at=0.5, hold=600.0) if held[-1] else Toxics())

    async with proxied(postgres.port, random.Random(1), choose) as proxy:
        store = await instance(postgres.url(url.rpartition("/")[2], proxy.port))
        await store.begin(new_answer())
        sql = "SELECT renewed FROM instances"
        await asyncio.sleep(0.6)
        ((before,),) = await in_a_thread(postgres.execute, sql, url)
        await store.renew()
        ((after,),) = await in_a_thread(postgres.execute, sql, url)
        assert after == before + 1 and len(held) > 3
        await store.close()


@pytest.mark.gen_test
async def test_after_an_outage_nobody_is_dead_yet(instance, postgres, monkeypatch):
    monkeypatch.setattr(instances, "LEASE", 0.5)
    store, other = await instance(), await instance()
    await store.begin(new_answer(1))
    assert await other.orphans() == []
    postgres.kill()
    await asyncio.sleep(0.7)
    postgres.launch()
    await in_a_thread(postgres.wait)
    assert await look(other) == []
    assert await look(store) == []
    await asyncio.sleep(0.3)
    assert await look(other) == [] and other.is_alive(store.instance)


@pytest.mark.gen_test
async def test_many_ends_at_once_share_transactions(instance):
    store, commits = await instance(), []
    for number in range(50):
        await store.begin(new_answer(number, home=f"c{number}"))
    store.on_commit = commits.append
    await asyncio.gather(*(end(store, new_answer(n, home=f"c{n}"), "text") for n in range(50)))
    assert len(commits) < 10
    for number in range(50):
        assert (await store.message(f"a{number}")).state == "done"


@pytest.mark.gen_test
async def test_a_batch_that_does_not_fit_fails_alone(instance):
    store = await instance()
    for number in (1, 2, 3):
        await store.begin(new_answer(number, home=f"c{number}"))
    results = await asyncio.gather(
        store.append([Progress("g1", 2, [frame(2)])]),
        store.append([Progress("g2", 2, [frame(2)])]),
        store.append([Progress("g3", 9, [frame(9)])]),
        return_exceptions=True,
    )
    assert results[:2] == [Appended(), Appended()] and isinstance(results[2], ValueError)
    assert len((await store.generation("g2")).frames) == 2


@pytest.mark.gen_test
async def test_a_log_that_lost_its_end_goes_on_there(instance, postgres, url):
    """As after a failover to a standby that did not have the last commits."""
    store, other = await instance(), await instance()
    for number in (1, 2):
        await store.begin(new_answer(number, home=f"c{number}"))
    frames = [frame(1, "start"), *(frame(number) for number in range(2, 10))]
    for first in (2, 4, 6):
        batch = [Progress(f"g{number}", first, frames[first - 1 : first + 1]) for number in (1, 2)]
        await store.append(batch)
    (tail,) = await other.tail({"g1": 5, "g2": 7})
    assert tail.frames == frames[5:7]
    last = "DELETE FROM flushes WHERE first > 3 AND generation = (SELECT min(seq) FROM generations)"
    await in_a_thread(postgres.execute, last, url)
    name = url.rpartition("/")[2]
    ending = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    await in_a_thread(postgres.execute, ending)
    rest = [Progress("g1", 8, frames[7:]), Progress("g2", 8, frames[7:])]
    with pytest.raises(Gap) as caught:
        await store.append(rest)
    assert caught.value.ends == {"g1": 3}
    await store.append([replace(rest[0], first=4, frames=frames[3:]), rest[1]])
    assert (await store.generation("g1")).frames == (await store.generation("g2")).frames == frames
    (tail,) = await other.tail({"g1": 7})  # this reader was ahead of what the standby had
    assert tail.frames == frames[7:]


@pytest.mark.gen_test
async def test_a_large_log_comes_back_whole(instance):
    store = await instance()
    await store.begin(new_answer())
    frames = [frame(n, data="x" * 100_000) for n in range(2, 22)]
    await store.append([Progress("g1", 2, frames)])
    assert (await store.generation("g1")).frames[1:] == frames
    await end(store, new_answer(), "the end", first=22)
    stored = await store.generation("g1")
    assert stored.frames[1:21] == frames and len(stored.frames) == 23


@pytest.mark.gen_test
async def test_open_rows_of_the_ledger_are_lost_with_their_instance(instance):
    store, other = await instance(), await instance()
    await store.settle([], [Begun("ada", "lost", 5, "m")])
    await other.settle_lost()
    assert await other.spent_since(0) == {}
    await store.close()
    await other.settle_lost()
    await other.settle_lost()
    (row,) = await other.usage("day", 0, 9, everybody=True)
    assert (row.requests, row.unknown) == (1, 1)
    settled = Message("a", "c", None, "assistant", "", 5, state="done")
    await other.settle([Progress("lost", 1, [], settled, "ada")])  # it is settled already
    assert len(await other.usage("day", 0, 9, everybody=True)) == 1
    assert ledger.SUMS[0] == "requests" and logs.GONE[0] < 0


@pytest.mark.gen_test
async def test_the_open_row_of_an_answer_that_is_yet_to_be_ended_is_not_lost(instance):
    store, other = await instance(), await instance()
    await store.begin(new_answer())
    await store.close()
    await other.settle_lost()
    assert await other.usage("day", 0, 9, everybody=True) == []
    (orphan,) = await other.orphans()
    ended = replace(orphan.message, state="interrupted", usage={"completion_tokens": 3})
    await other.append([Progress(orphan.id, 2, [frame(2)], ended, orphan.owner)])
    await other.settle_lost()
    days = await other.usage("day", 0, 99999, everybody=True)
    assert [(row.requests, row.completion) for row in days] == [(1, 3)]


@pytest.mark.gen_test
async def test_a_conversation_is_deleted_while_it_grows(instance):
    """Nothing of it remains, whichever comes first."""
    store, other = await instance(), await instance()
    for number in range(20):
        await converse(store, 2 * number, "walrus", "walrus", home="c")
        again = new_answer(
            2 * number + 1, conversation=await store.conversation("c"), parent=f"a{2 * number}"
        )
        await asyncio.gather(store.begin(again), store.delete("c"), return_exceptions=True)
        await store.delete("c")
        assert await other.messages("c") == []
        assert await listed(other, query="walrus") == []
    rows = await store._writer.transact(lambda db: db.fetch("SELECT seq FROM texts"))
    assert rows == []


@pytest.mark.gen_test
async def test_a_url_that_cannot_be_opened_says_what_to_do(url, postgres, tmp_path):
    secret = "correct-horse"
    base = url.rpartition("/")[0].replace("ts@", f"ts:{secret}@")
    for wrong, words in [
        (f"{base}/absent", "no such database"),
        (base.rpartition(":")[0] + ":1/x", "[Rr]efused|reached|does not answer"),
        (url.replace("ts@", f"nobody:{secret}@"), "refuses the user"),
    ]:
        store = open_store(tmp_path, database=wrong)
        with pytest.raises(OpenError, match=words) as caught:
            await store.open()
        assert secret not in str(caught.value)
        with pytest.raises(StoreError):
            await store.close() or await store.conversations()


@pytest.mark.gen_test
async def test_a_server_answers_over_postgresql(url, settings, upstream, io_loop):
    """From the question to the end, and what was said is there for the next server."""
    for turn in range(2):
        application = ChatApplication(replace(settings, database=url))
        await application.open()
        server = make_server(application)
        sock, port = bind_unused_port()
        server.add_socket(sock)
        application.provider.start()
        chat = Client(port, application)
        answer = await chat.ask(model="say=Hel;say=lo;done")
        assert (answer.end["state"], answer.end["saved"]) == ("done", True)
        listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
        assert len(listed) == turn + 1
        assert (await chat.request("GET", "/readyz")).status == 200
        server.stop()
        await server.close_all_connections()
        await application.close(1)


@pytest.mark.gen_test
async def test_instances_count_the_answers_of_a_user_together(instance):
    first, second = await instance(), await instance()

    def answer(number: int):
        return replace(new_answer(number, home=f"c{number}"), most=3)

    async def begin(number: int) -> bool:
        try:
            await (first, second)[number % 2].begin(answer(number))
        except NoPlace as error:
            assert "3 answers" in error.message
            return False
        return True

    begun = await asyncio.gather(*map(begin, range(12)))
    assert sum(begun) == 3 and await second.answering() == 3
    running = [number for number, begins in enumerate(begun) if begins]
    assert await first.conversation(f"c{begun.index(False)}") is None
    with pytest.raises(AlreadyStored):  # the same request needs no second place
        await second.begin(answer(running[0]))
    await first.for_owner("ben").begin(answer(50))
    ended = replace(answer(running[0]).message, state="done")
    await (first, second)[running[0] % 2].append(
        [Progress(f"g{running[0]}", 2, [frame(2, "end")], ended)]
    )
    await second.settle([], [Begun("local", "not stored", 5, "m")])
    assert await first.answering() == 3 and not await begin(20)
    assert await first.for_owner("ben").answering() == 1
