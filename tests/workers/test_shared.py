"""What workers share: limits, logins, users, imports and metrics."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import uuid

import pytest
from client import until
from pictures import png
from spending import AT_THE_EDGE, WITHIN_BUDGET, spend_all

from .test_supervisor import TEXT, ask

PASSWORD = {"TORNADO_STREAM_PASSWORD": "correct horse"}


async def start_with_password(pair) -> None:
    await pair.serves(pair.spawn("--port", "0", **PASSWORD))


async def log_in(at) -> dict[str, str]:
    response = await at.request("POST", "/login", {"password": "correct horse"})
    assert response.status == 204, response
    return {"Cookie": response.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize("limit", ["--max-answers", "--max-answers-per-user"])
@pytest.mark.gen_test(timeout=60)
async def test_limits_of_answers_hold_for_all_workers(pair, upstream, limit):
    await pair.start(limit, "2")
    one, two = await pair.both()
    answers = [await at.open("POST", "/stream", ask()[1]) for at in (one, two)]
    for answer in answers:
        await answer.until("delta")
    for at in await pair.both():
        response = await at.request("POST", "/stream", ask()[1])
        assert (response.status, response.json()["error"]["code"]) == (429, "too_many_answers")
    upstream.released.set()
    for answer in answers:
        assert (await answer.read()).text == TEXT
    for at in await pair.both():
        assert (await at.open("POST", "/stream", ask()[1])).response.status == 200


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_the_answers_of_a_dead_worker_take_no_place(pair, upstream):
    await pair.start("--max-answers", "1")
    one, two = await pair.both()
    answer = await one.open("POST", "/stream", ask()[1])
    await answer.until("delta")
    assert (await two.request("POST", "/stream", ask()[1])).status == 429
    victim = pair.workers[0]
    os.kill(victim, signal.SIGKILL)
    await until(lambda: victim not in pair.workers)
    response = await two.request("POST", "/stream", ask()[1] | {"model": "say=1;done"})
    while response.status == 429:
        await asyncio.sleep(0.02)
        response = await two.request("POST", "/stream", ask()[1] | {"model": "say=1;done"})
    assert response.status == 200


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_limits_of_connections_hold_for_all_workers(pair):
    await pair.start("--max-connections", "4", "--keep-alive-timeout", "60")
    one, two = await pair.both()
    busy = [await pair.connect(worker) for worker in pair.workers]
    for at in busy:  # a request whose body is missing is not closed to make room
        await at.stream.write(pair.client.encode("POST", "/stream", None, {"Content-Length": "10"}))
    for at in (one, two):
        await at.stream.write(pair.client.encode("POST", "/stream", None, {"Content-Length": "10"}))
    await asyncio.sleep(0.1)
    refused = await pair.client.request("GET", "/healthz")
    assert refused.status == 503


@pytest.mark.gen_test(timeout=60)
async def test_wrong_passwords_are_counted_in_one_place(pair):
    """A client gets as many tries as from one process, at whichever worker it tries."""
    await start_with_password(pair)
    ats = [at for _ in range(4) for at in await pair.both()]
    tries = (at.request("POST", "/login", {"password": "wrong"}) for at in ats)
    statuses = [response.status for response in await asyncio.gather(*tries)]
    assert sorted(statuses) == [401] * 5 + [429] * 3


@pytest.mark.gen_test(timeout=60)
async def test_a_login_and_a_logout_count_at_once_at_all_workers(pair):
    await start_with_password(pair)
    for first, second in ((0, 1), (1, 0)):
        both = await pair.both()
        cookie = await log_in(both[first])
        for at in await pair.both():
            assert (await at.request("GET", "/api/models", **cookie)).status == 200
        both = await pair.both()
        new = {"name": "for a test", "expires_in_days": 1}
        response = await both[first].request("POST", "/api/tokens", new, **cookie)
        assert response.status == 201, response
        token, id = response.json()["token"], response.json()["id"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await both[second].request("GET", "/api/models", **bearer)).status == 200
        path = f"/api/tokens/{id}"
        assert (await both[second].request("DELETE", path, **cookie)).status == 204
        assert (await both[first].request("GET", "/api/models", **bearer)).status == 401
        assert (await both[second].request("POST", "/logout", **cookie)).status == 204
        for at in await pair.both():
            assert (await at.request("GET", "/api/models", **cookie)).status == 401


@pytest.mark.gen_test(timeout=60)
async def test_metrics_are_those_of_all_workers(pair, upstream):
    await pair.start()
    answers = [await at.open("POST", "/stream", ask()[1]) for at in await pair.both()]
    for answer in answers:
        await answer.until("delta")
    for at in await pair.both():
        text = (await at.request("GET", "/metrics")).body.decode()
        assert re.search(r"^tornado_stream_live_answers 2\.0$", text, re.M), text
        assert re.search(r"^tornado_stream_database_read_only 0\.0$", text, re.M)
    upstream.released.set()
    for answer in answers:
        await answer.read()
    text = (await (await pair.both())[1].request("GET", "/metrics")).body.decode()
    assert re.search(r'^tornado_stream_answers_total{cause="none",state="done"} 2\.0$', text, re.M)


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_an_import_is_seen_at_all_workers(pair):
    await pair.start()
    export = b'[{"title": "of an export", "mapping": {}}]'
    for first in (0, 1):
        both = await pair.both()
        response = await both[first].request("POST", "/api/imports?name=x.json", export)
        assert response.status == 202, response
        id = response.json()["id"]
        assert (await both[1 - first].request("GET", f"/api/imports/{id}")).status == 200
        while True:
            at = (await pair.both())[1 - first]
            shown = (await at.request("GET", f"/api/imports/{id}")).json()
            if shown["state"] != "reading":
                break


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_a_temporary_answer_is_found_at_any_worker(pair, upstream):
    await pair.start()
    one, two = await pair.both()
    id, body = ask(keep=False)
    reading = await one.open("POST", "/stream", body)
    await reading.until("delta")
    resumed = await two.open("GET", f"/stream/{id}?after=1")
    again = await (await pair.both())[1].open("POST", "/stream", body)
    upstream.released.set()
    for stream in (reading, resumed, again):
        assert (await stream.read()).text == TEXT
    assert len(upstream.requests) == 1


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_a_program_names_items_of_responses_at_any_worker(pair, upstream):
    await pair.start()
    one, two = await pair.both()
    items = []
    for at, text in ((one, "first"), (two, "second")):
        asked = {"model": f"say={text}", "input": "hi"}
        items += (await at.request("POST", "/v1/responses", asked)).json()["output"]
    unknown = {"type": "item_reference", "id": "msg_" + "0" * 32}
    references = [{"type": "item_reference", "id": item["id"]} for item in items]
    for at in (one, two):
        asked = {"model": "fake", "input": [*references, {"role": "user", "content": "and?"}]}
        assert (await at.request("POST", "/v1/responses", asked)).status == 200
        said = [message["content"] for message in upstream.requests[-1]["messages"]]
        assert said == ["first", "second", "and?"]
        error = (await at.request("POST", "/v1/responses", {"input": [unknown]})).json()["error"]
        assert error["code"] == "item_not_found"


@pytest.mark.wide
@pytest.mark.gen_test(timeout=240)
async def test_no_more_answers_exceed_a_budget_than_were_running(pair, tmp_path):
    config = tmp_path / "tornado-stream.toml"
    config.write_text(f"[budget]\ntokens = {2 * WITHIN_BUDGET}\n")
    await pair.serves(pair.spawn("--port", "0", TORNADO_STREAM_CONFIG=str(config)))
    await pair.all_serve()
    whole = await spend_all([pair.client])
    assert WITHIN_BUDGET <= whole <= WITHIN_BUDGET + AT_THE_EDGE


@pytest.mark.wide
@pytest.mark.gen_test(timeout=240)
async def test_each_worker_gets_its_share_of_the_connections(pair):
    """Also if they come all at once, and if a worker began later than the other."""
    await pair.start()
    await pair.all_serve()

    def sockets(worker: int) -> int:
        links = [f"/proc/{worker}/fd/{name}" for name in os.listdir(f"/proc/{worker}/fd")]
        return sum(
            os.readlink(link).startswith("socket:") for link in links if os.path.lexists(link)
        )

    async def connect(count: int) -> list:
        new = await asyncio.gather(*(pair.client.connect() for _ in range(count)))
        await until(lambda: min(map(sockets, pair.workers)) >= at_rest + count // 4)
        return new

    at_rest = max(map(sockets, pair.workers))
    connections = await connect(80)
    os.kill(pair.workers[0], signal.SIGKILL)
    await until(lambda: pair.logged().count("is started again"))
    await pair.all_serve()
    connections += await connect(80)
    for connection in connections:
        connection.close()


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_a_question_waits_with_its_files_at_any_worker(pair, upstream):
    await pair.start()
    one, two = await pair.both()
    answer = await one.open("POST", "/stream", ask()[1])
    path = f"/api/conversations/{(await answer.until('start')).data['conversation_id']}"
    file = (await two.request("POST", "/api/files?name=a.png", png())).json()["id"]
    question = {"request_id": str(uuid.uuid4()), "message": "", "files": [file]}
    put = await two.request("PUT", f"{path}/waiting", question | {"model": "say=ok"})
    assert (put.status, put.json()["generation_id"]) == (200, None)
    one, two = await pair.both()  # the first connection of one is that of the answer
    waiting = (await one.request("GET", path)).json()["waiting"]
    assert [shown["id"] for shown in waiting["files"]] == [file]
    used = await one.request("DELETE", f"/api/files/{file}")
    assert used.json()["error"]["code"] == "file_in_use"
    upstream.released.set()
    assert (await answer.read()).text == TEXT
    await until(lambda: len(upstream.requests) == 2)
    (picture,) = upstream.requests[1]["messages"][-1]["content"]
    assert picture["type"] == "image_url"
