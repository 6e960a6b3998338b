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
from tornado_stream.store.migrations import MIGRATIONS, migrate
from tornado_stream.values.messages import Conversation, Message

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
async def test_rows_that_a_crash_left_open_are_settled_once(tmp_path):
    store = open_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "chat.db")) as db:
        answer = Message("a", "c", None, "assistant", "", 5)
        for id in ("lost", "ended"):
            spend.begin(db, Begun("ada", id, answer.created_at, answer.model))
        db.execute("UPDATE spend SET state = 'done', amount = 3 WHERE id = 'ended'")
        db.commit()
    await store.settle_lost()
    await store.settle_lost()
    assert rows(tmp_path, "state, amount") == [("interrupted", None), ("done", 3)]
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
