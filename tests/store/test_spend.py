"""The ledger: one row for each answer, kept or not, settled once, and left by deletions."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from client import until

from tornado_stream.store import open_store, spend
from tornado_stream.store.base import Begun, NewAnswer, Progress, StoreError
from tornado_stream.store.migrate import migrate
from tornado_stream.store.migrations import MIGRATIONS
from tornado_stream.values.events import encode_event
from tornado_stream.values.messages import Conversation, Message

from .answers import crashed

FIRST = encode_event(1, "start", {"t": 0})
PRICES = """
[upstream.priced]
base_url = "{url}"
models = ["{model}"]
[upstream.priced.prices]
"{model}" = {{ input = 0.3, output = 1.7 }}
"""


def rows(path, columns="state, completion, amount", where="1"):
    with closing(sqlite3.connect(path / "chat.db")) as db:
        sql = f"SELECT {columns} FROM spend WHERE {where} ORDER BY seq"
        return db.execute(sql).fetchall()


def days(path):
    with closing(sqlite3.connect(path / "chat.db")) as db:
        sql = (
            "SELECT owner, upstream, model, currency, requests, prompt, completion, amount,"
            "estimated, unknown FROM spend_days ORDER BY owner, upstream, model DESC"
        )
        return db.execute(sql).fetchall()


@pytest.fixture
def priced(serve, settings, upstream, tmp_path):
    """Starts a server with a price for `model`; gives its client and its data directory."""

    def start(model):
        config = tmp_path / "priced.toml"
        config.write_text(PRICES.format(url=upstream.url, model=model))
        chat = serve(replace(settings, base_url=None, config=config, model=model))
        return chat, settings.data_dir / "0"

    return start


async def call(chat, model, headers=None):
    body = {"messages": [{"role": "user", "content": "hello"}], "model": model}
    response = await chat.request("POST", "/v1/chat/completions", body, headers)
    assert response.status == 200, response.body


@pytest.mark.gen_test
async def test_every_answer_has_one_row_with_what_it_cost(priced):
    model = "say=hi;usage=7;done"
    chat, data = priced(model)
    await chat.ask(model=model)
    await call(chat, model)
    await call(chat, model, {"Tornado-Stream-Keep": "true"})
    # One prompt token and seven of the answer, in billionths: 300 + 7 * 1700.
    assert rows(data) == [("done", 7, 12200)] * 3
    columns = "owner, model, upstream, prompt, currency, estimated, ended_at >= began_at"
    assert set(rows(data, columns)) == {("local", model, "priced", 1, "USD", 0, 1)}


@pytest.mark.gen_test
async def test_the_ledger_has_no_text_of_a_call_that_is_not_kept(priced):
    model = "say=chrysanthemum;usage=2;done"
    chat, data = priced("other")
    body = {"messages": [{"role": "user", "content": "a walrus asks"}], "model": "other"}
    await chat.request("POST", "/v1/chat/completions", body | {"model": model})
    stored = b"".join(path.read_bytes() for path in data.iterdir() if "chat.db" in path.name)
    assert b"walrus" not in stored


@pytest.mark.gen_test
async def test_a_deletion_leaves_the_row_and_settles_it(priced):
    model = "say=hi;gap=0.05;count=400"
    chat, data = priced(model)
    done = await chat.ask(model=model.replace("400", "1"))
    path = "/api/conversations/{}"
    await chat.request("DELETE", path.format(done.start["conversation_id"]))
    reader = await chat.open("POST", "/stream", {"message": "long", "model": model})
    await until(lambda: rows(data, where="state IS NULL"))
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    await chat.request("DELETE", path.format(listed[0]["id"]))
    await until(lambda: len(rows(data, where="state IS NOT NULL")) == 2)
    assert [state for state, *_ in rows(data)] == ["done", "stopped"]
    reader.close()


@pytest.mark.gen_test
async def test_a_store_that_fails_for_a_while_gets_the_row_later(priced):
    model = "say=hi;usage=7;done"
    chat, data = priced(model)
    store = chat.application.store

    async def failing(*_):
        raise StoreError("disk full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "settle", failing)
        await call(chat, model)
    assert rows(data) == []
    await call(chat, model)
    assert rows(data) == [("done", 7, 12200)] * 2


@pytest.mark.gen_test
async def test_settling_changes_no_message(tmp_path):
    store = open_store(tmp_path)
    answer = Message("a", "c", None, "assistant", "", 5, state="running", generation_id="g")
    await store.begin(NewAnswer("g", b"", Conversation("c", "", None, None, 1, 1), (), answer, b""))
    await store.settle([Progress("g", 1, [], replace(answer, state="stopped"))])
    assert (await store.message("a")).state == "running"
    assert rows(tmp_path, "state") == [("stopped",)]
    await store.close()


@pytest.mark.gen_test
async def test_an_answer_that_a_crash_cut_short_has_an_estimated_cost(priced):
    model = "say=hi;done"
    chat, data = priced(model)
    application, text = chat.application, "the answer so far"
    user = Message("u", "c", None, "user", "how long is this?", 5)
    answer = Message("a", "c", "u", "assistant", "", 5, model=model, state="running")
    answer = replace(answer, generation_id="g")
    system = Conversation("c", "", "Be brief.", None, 1, 1)
    await crashed(application.store).begin(NewAnswer("g", b"", system, (user,), answer, FIRST))
    delta = encode_event(2, "delta", {"content": text, "t": 9})
    await application.store.append([Progress("g", 2, [delta])])
    assert await application.generations.recover() == 1
    # 26 characters of the prompt and 17 of the answer, at 0.3 and 1.7 for four million of them.
    amount = round((26 * 0.3 + 17 * 1.7) / 4 * 1000)
    columns = "state, prompt, completion, amount, estimated, upstream"
    assert rows(data, columns) == [("interrupted", 7, 5, amount, 1, "priced")]
    cost = (await application.store.message("a")).cost
    assert cost == {"amount": amount / 1e9, "currency": "USD", "estimated": True}
    assert days(data) == [("local", "priced", model, "USD", 1, 7, 5, amount, 1, 0)]


@pytest.mark.gen_test
async def test_the_sums_of_days_are_those_of_the_rows(priced):
    model = "say=hi;usage=7;done"
    chat, data = priced(model)
    await chat.ask(model=model)
    for _ in range(3):
        await call(chat, model)
    await chat.ask(model="status=500")
    store = chat.application.store
    settled = Message("a", "c", None, "assistant", "", 5, state="done", model="x" * 999)
    await store.settle([Progress("old", 1, [], settled)] * 2)  # only the first one counts
    await store.settle([], [Begun("ada", "running", 5, None)])
    await crashed(store).settle([], [Begun("ada", "lost", 5, None)])
    await store.settle_lost()
    await store.settle_lost()
    assert days(data) == [
        ("ada", "", "", "", 1, 0, 0, 0, 0, 1),
        ("local", "", "x" * 200, "", 1, 0, 0, 0, 0, 0),
        ("local", "priced", "status=500", "", 1, 0, 0, 0, 0, 0),
        ("local", "priced", model, "USD", 4, 4, 28, 4 * 12200, 0, 0),
    ]


@pytest.mark.gen_test
async def test_the_row_of_a_running_call_is_there_after_one_flush(priced):
    model = "say=hi;gap=0.05;count=400"
    chat, data = priced(model)
    body = {"messages": [{"role": "user", "content": "hello"}], "model": model, "stream": True}
    reader = await chat.open("POST", "/v1/chat/completions", body)
    await until(lambda: rows(data, "state, model") == [(None, model)])
    reader.close()
    await until(lambda: rows(data, "state") == [("stopped",)])
    assert rows(data, "prompt, estimated") == [(2, 1)]


@pytest.mark.gen_test
async def test_rows_that_a_crash_left_open_are_settled_once(tmp_path):
    store = open_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "chat.db")) as db:
        answer = Message("a", "c", None, "assistant", "", 5)
        for id in ("lost", "ended"):
            spend.begin(db, Begun("ada", id, answer.created_at, answer.model), "dead")
        db.execute("UPDATE spend SET state = 'done', amount = 3 WHERE id = 'ended'")
        db.commit()
    await store.settle_lost()
    await store.settle_lost()
    assert rows(tmp_path, "state, amount") == [("interrupted", None), ("done", 3)]
    await store.close()


@pytest.mark.gen_test
async def test_an_answer_that_another_process_ends_is_settled_with_its_cost(tmp_path):
    """That process has taken it over, and its end comes after this one has settled what is lost."""
    store = open_store(tmp_path)
    answer = Message("a", "c", None, "assistant", "", 5, state="running", generation_id="g")
    new = NewAnswer("g", b"", Conversation("c", "", None, None, 1, 1), (), answer, FIRST)
    await crashed(store).begin(new)
    await store.settle_lost()
    assert rows(tmp_path, "state, amount") == [(None, None)]
    cost = {"amount": 2e-9, "currency": "USD", "estimated": True}
    ended = replace(answer, state="interrupted", cost=cost)
    await store.append([Progress("g", 2, [encode_event(2, "end", {})], ended)])
    await store.settle_lost()
    assert rows(tmp_path, "state, amount") == [("interrupted", 2)]
    await store.close()


@pytest.mark.parametrize("number", [None, True, "9", -1, 1e300, float("nan"), float("inf"), [2]])
def test_a_strange_number_of_an_upstream_is_not_counted(number):
    usage = {"prompt_tokens": number, "completion_tokens": 4, "prompt_tokens_details": number}
    answer = Message("a", "c", None, "assistant", "", 1, state="done", usage=usage)
    values = dict(zip(spend.SETTLED, spend.settled_values(answer), strict=True))
    assert (values["prompt"], values["cached"], values["completion"]) == (None, None, 4)


def test_the_migration_counts_the_answers_that_are_there(tmp_path):
    path = tmp_path / "chat.db"
    path.touch()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tornado_stream.store.migrations.MIGRATIONS", MIGRATIONS[:6])
            migrate(db, path)
        for seq, state in enumerate(["done", "running"], 1):
            usage = json.dumps({"prompt_tokens": 3, "completion_tokens": 4})
            cost = json.dumps({"amount": 0.000000007, "currency": "EUR", "estimated": True})
            known = (usage, cost) if state == "done" else (None, None)
            db.execute(
                "INSERT INTO messages (seq, owner, id, conversation_id, role, created_at, content,"
                "reasoning, refusal, generation_id, state, usage, cost) "
                "VALUES (?1, 'ada', ?1, 'c', 'assistant', 5, '', '', '', 'g' || ?1, ?2, ?3, ?4)",
                (seq, state, *known),
            )
        migrate(db, path)
    columns = "id, state, ended_at, prompt, completion, amount, currency, estimated"
    assert rows(tmp_path, columns) == [
        ("g1", "done", 5, 3, 4, 7, "EUR", 1),
        ("g2", None, None, None, None, None, None, 0),
    ]
    assert days(tmp_path) == [("ada", "", "", "EUR", 1, 3, 4, 7, 1, 0)]
