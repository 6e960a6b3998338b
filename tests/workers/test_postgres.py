"""Workers over PostgreSQL are servers on one machine that share a port."""

from __future__ import annotations

import re

import pytest
from client import until

from .pair import Pair
from .test_shared import log_in
from .test_supervisor import TEXT, ask

pytestmark = pytest.mark.wide


@pytest.fixture
def pair(tmp_path, upstream, postgres):
    pair = Pair(tmp_path, upstream.url, "--workers", "2", "--max-answers", "2")
    pair.variables = {
        "TORNADO_STREAM_DATABASE": postgres.url(postgres.new_database().rpartition("/")[2]),
        "TORNADO_STREAM_PASSWORD": "correct horse",
    }
    yield pair
    pair.close()


@pytest.mark.gen_test(timeout=120)
async def test_any_worker_serves_any_answer(pair, upstream):
    await pair.serves(pair.spawn("--port", "0", **pair.variables))
    both = await pair.both_serving()
    cookie = await log_in(both[0])
    id, body = ask()
    temporary, other = ask(keep=False)
    for at in await pair.both_serving():
        assert (await at.request("GET", "/api/models", **cookie)).status == 200
    one, two = await pair.both_serving()
    reading = await one.open("POST", "/stream", body, **cookie)
    await reading.until("delta")
    resumed = await two.open("GET", f"/stream/{id}?after=2", **cookie)
    one, two = await pair.both_serving()
    unstored = await one.open("POST", "/stream", other, **cookie)
    await unstored.until("delta")
    found = await two.open("GET", f"/stream/{temporary}", **cookie)
    for at in await pair.both_serving():  # the limit holds for both
        assert (await at.request("POST", "/stream", ask()[1], **cookie)).status == 429
        text = (await at.request("GET", "/metrics", **cookie)).body.decode()
        assert re.search(r"^tornado_stream_live_answers 2\.0$", text, re.M), text
    upstream.released.set()
    for stream in (reading, unstored, found):
        assert (await stream.read()).text == TEXT
    assert (await resumed.read()).end["state"] == "done"
    assert len(upstream.requests) == 2
    pair.processes[0].terminate()
    assert await pair.end_of(pair.processes[0]) == 0
    await until(lambda: "Traceback" not in pair.logged())
