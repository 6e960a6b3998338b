"""`/api/usage`, its file and its page; budgets at the doors of the chat and of programs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import pytest

from tornado_stream.auth.commands import new_token
from tornado_stream.auth.users import FILE
from tornado_stream.handlers.usage import bars_of
from tornado_stream.store.spend import DAY

MODEL = "say=hi;usage=7;done"
PRICED = """
[upstream.priced]
base_url = "{url}"
models = ["{model}"]
[upstream.priced.prices]
"{model}" = {{ input = 300000, output = 100000 }}
"""
# One prompt token and seven of the answer cost 0.3 + 0.7.
QUESTION = {"messages": [{"role": "user", "content": "hello"}], "model": MODEL}


@pytest.fixture
def priced(serve, settings, upstream, tmp_path):
    """Starts a server with a price for `MODEL` and the given tables; with users, also makes tokens,
    and returns the headers of each."""

    def start(tables="", users=(), model=MODEL):
        config = tmp_path / "priced.toml"
        config.write_text(PRICED.format(url=upstream.url, model=model) + tables)
        changed = replace(settings, base_url=None, config=config, model=model)
        headers = {}
        for name in users:
            token, _ = new_token(settings.data_dir / "0" / FILE, name)
            headers[name] = {"Authorization": f"Bearer {token}"}
        chat = serve(changed)
        return (chat, headers) if users else chat

    return start


async def ask(chat, headers=None, **body):
    return await chat.request("POST", "/stream", {"message": "hello", **body}, headers)


async def usage(chat, query="", headers=None):
    response = await chat.request("GET", f"/api/usage{query}", headers=headers)
    assert response.status == 200, response.body
    return response.json()


@pytest.mark.gen_test
async def test_each_way_of_asking_is_counted_once(priced):
    chat = priced()
    await ask(chat)
    await chat.request("POST", "/v1/chat/completions", QUESTION)
    keep = {"Tornado-Stream-Keep": "true"}
    await chat.request("POST", "/v1/chat/completions", QUESTION, keep)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    sums = {"requests": 3, "prompt": 3, "cached": 0, "completion": 21, "amount": 3.0}
    row = {"currency": "USD", **sums, "estimated": 0, "unknown": 0}
    by_day = await usage(chat)
    assert by_day["rows"] == [{"day": today, **row}]
    assert (by_day["currency"], by_day["estimated_share"], by_day["to"]) == ("USD", 0, today)
    for by, name in [("model", MODEL), ("upstream", "priced"), ("user", "local")]:
        assert (await usage(chat, f"?by={by}"))["rows"] == [{by: name, **row}]
    assert (await usage(chat, "?from=2020-01-01&to=2020-02-01"))["rows"] == []
    bad = await chat.request("GET", "/api/usage?by=hour")
    assert (bad.status, bad.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.gen_test
async def test_users_see_their_own_answers_and_admins_all(priced):
    chat, headers = priced("[user.ada]\nadmin = true\n", ["ada", "bob"])
    for name in ("ada", "bob", "bob"):
        assert (await ask(chat, headers[name])).status == 200
    seen = await usage(chat, "?by=user", headers["bob"])
    assert [(row["user"], row["requests"]) for row in seen["rows"]] == [("bob", 2)]
    seen = await usage(chat, "?by=user", headers["ada"])
    assert [(row["user"], row["requests"]) for row in seen["rows"]] == [("bob", 2), ("ada", 1)]
    page = await chat.request("GET", "/usage?by=user", headers=headers["bob"])
    assert b"ada" not in page.body
    for path in ("/api/usage", "/api/usage.csv", "/usage"):
        assert (await chat.request("GET", path)).status == 401


@pytest.mark.gen_test
async def test_the_file_is_csv_and_has_no_formula(priced):
    model = "=cmd|say=hi;usage=7;done"
    chat = priced(model=model)
    await ask(chat)
    response = await chat.request("GET", "/api/usage.csv?by=model")
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(response.body.decode()))
    assert (row["model"], row["currency"]) == (f"'{model}", "USD")


@pytest.mark.gen_test
async def test_the_page_has_a_table_and_a_plot_and_no_script(priced):
    model = "<b>&say=hi;usage=7;done"
    chat = priced(model=model)
    await ask(chat)
    for by in ("day", "model"):
        response = await chat.request("GET", f"/usage?by={by}")
        page = response.body.decode()
        assert response.status == 200
        assert "0.50 USD" in page and page.count('class="usage-bar"') == 30
        assert not re.search(r"<script|<style|style=|<b>|\son\w+=", page)
    assert "&lt;b&gt;&amp;say" in page
    empty = await chat.request("GET", "/usage?from=2020-01-01&to=2021-12-31")
    assert empty.status == 200 and empty.body.count(b'class="usage-bar"') <= 92


@pytest.mark.gen_test
async def test_a_bar_has_several_days_if_the_time_is_long(priced):
    chat = priced()
    with closing(sqlite3.connect(chat.application.config.data_dir / "chat.db")) as db:
        for day in (0, 364):
            at = time.time_ns() // 10**6 // DAY - day
            row = ("local", at, "u", "m", "USD", 1, 1, 0, 1, 10**9 * (1 + day), 0, 0)
            db.execute(f"INSERT INTO spend_days VALUES ({', '.join('?' * 12)})", row)
        db.commit()
    today = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 364 * 86400))
    bars = bars_of(await chat.application.usage.read("local", {"from": today}))
    assert (bars[0].value, bars[0].height, bars[-1].value) == (365 * 10**9, 100, 10**9)
    assert len(bars) <= 92 and (bars[0].last - bars[0].first).days == 3


@pytest.mark.gen_test
async def test_a_reached_budget_refuses_before_anything_is_sent(priced, upstream):
    chat = priced('[budget]\namount = 1.5\nper = "month"\n')
    first, second = await chat.ask(), await chat.ask()
    assert [e.data["code"] for e in first.events if e.name == "notice"] == []
    (notice,) = [e.data for e in second.events if e.name == "notice"]
    assert (notice["code"], notice["left"], notice["currency"]) == ("budget_low", 0, "USD")
    asked = len(upstream.requests)
    conversations = (await chat.request("GET", "/api/conversations")).body
    response = await ask(chat)
    error = response.json()["error"]
    assert (response.status, error["code"]) == (429, "budget_reached")
    assert response.headers["retry-after"] == str(error["retry_after"])
    wait = error["resets_at"] / 1000 - time.time()
    assert 0 < wait <= 31 * 86400 and abs(wait - error["retry_after"]) < 5
    assert (await chat.request("GET", "/api/conversations")).body == conversations
    for path, body in [
        ("/v1/chat/completions", QUESTION),
        ("/v1/responses", {"input": "hello", "model": MODEL}),
    ]:
        response = await chat.request("POST", path, body)
        error = response.json()["error"]
        assert (response.status, error["code"]) == (429, "budget_reached")
        assert (error["type"], error["param"]) == ("insufficient_quota", None)
        assert response.headers["x-should-retry"] == "false"
        assert int(response.headers["retry-after"]) > 0
    assert len(upstream.requests) == asked


@pytest.mark.gen_test
async def test_clients_at_the_edge_overshoot_by_what_was_running(priced, upstream):
    slow = "say=hi;gap=0.2;count=2;usage=7;done"
    chat = priced("[budget]\namount = 1\n", model=slow)
    responses = await asyncio.gather(*(ask(chat) for _ in range(50)))
    running = sum(response.status == 200 for response in responses)
    assert running + sum(response.status == 429 for response in responses) == 50
    assert all(
        b"event: end" in r.body and b'"done"' in r.body for r in responses if r.status == 200
    )
    assert (await usage(chat))["rows"][0]["requests"] == running
    assert (await ask(chat)).status == 429
    assert len(upstream.requests) == running


@pytest.mark.gen_test
async def test_what_was_spent_before_a_restart_counts(priced, settings, serve):
    chat = priced("[budget]\namount = 1\n")
    await chat.ask()
    application = chat.application
    sums = await application.store.spent_since(0)
    assert sums == {"local": (10**9, 8)}
    application.generations._budgets._spent.clear()
    assert (await ask(chat)).status == 200
    await application.generations.recover()
    assert (await ask(chat)).status == 429


@pytest.mark.gen_test
async def test_an_answer_without_numbers_counts_by_its_length(priced):
    model = "say=twelve chars;done"
    chat = priced('[user.local]\nbudget = {tokens = 5, per = "day"}\n', model=model)
    await chat.ask(message="fourteen chars")
    (row,) = (await usage(chat))["rows"]
    assert (row["prompt"], row["completion"], row["estimated"]) == (4, 3, 1)
    assert (await usage(chat))["estimated_share"] == 1
    assert json.loads((await ask(chat)).body)["error"]["code"] == "budget_reached"
