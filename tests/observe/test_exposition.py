"""What Prometheus reads, after answers of every kind, from a real server."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from client import Client, until
from prometheus_client.parser import text_string_to_metric_families

from tornado_stream.observe import exposition


async def scrape(chat: Client) -> dict[str, float]:
    """Every sample by its name and labels."""
    response = await chat.request("GET", "/metrics")
    assert response.status == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for family in text_string_to_metric_families(response.body.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name.removeprefix('tornado_stream_')}{{{labels}}}"] = sample.value
    return found


@pytest.mark.gen_test
async def test_what_happened_before_anybody_asked_is_there(chat, upstream):
    for model in (
        "say=a;wait=0.2;say=b",
        "status=401",
        "status=520",
        "say=a;error=x",
        "say=a;close",
    ):
        await chat.ask(model=model)
    running = await chat.send(model="say=a;hold;say=b")
    start = await running.until("start")
    await running.until("delta")
    resumed = await chat.open("GET", f"/stream/{start.data['generation_id']}?after=1")
    await resumed.until("delta")
    await chat.request("GET", "/nowhere")
    found = await scrape(chat)
    assert found["answers_total{cause=none,state=done}"] == 1
    assert found["answers_total{cause=auth,state=error}"] == 1
    assert found["answers_total{cause=upstream_error,state=error}"] == 1
    assert found["answers_total{cause=connection_closed,state=cut_off}"] == 1
    assert found["upstream_responses_total{status=200}"] == 4
    assert found["upstream_responses_total{status=401}"] == 1
    assert found["upstream_responses_total{status=5xx}"] == 1
    assert found["http_requests_total{route=stream,status=200}"] == 5
    assert found["http_requests_total{route=other,status=404}"] == 1
    assert found["live_answers{}"] == 1 and found["readers{}"] == 2
    assert found["resumes_total{}"] == 1
    assert found["first_token_seconds_count{}"] == 3
    assert found["token_gap_seconds_bucket{le=+Inf}"] == found["token_gap_seconds_count{}"] == 1
    assert 0.01 < found["token_gap_seconds_sum{}"] < 10
    assert found["tokens_per_second_count{}"] == 1
    assert found["commit_seconds_count{}"] >= 11 and found["commit_seconds_sum{}"] > 0
    assert found["unsaved_events{}"] >= 0
    if sys.platform == "linux":
        assert found["process_resident_memory_bytes{}"] > 1e6 and found["process_open_fds{}"] > 3
    upstream.released.set()
    await asyncio.gather(running.read(), resumed.read())
    found = await scrape(chat)
    assert found["live_answers{}"] == found["readers{}"] == found["unsaved_events{}"] == 0
    assert found["answers_total{cause=none,state=done}"] == 2
    assert found["http_requests_total{route=watch,status=200}"] == 1


@pytest.mark.gen_test
async def test_each_application_counts_its_own(serve, settings):
    one, other = serve(settings), serve(settings)
    await one.ask("hi")
    assert (await scrape(one))["answers_total{cause=none,state=done}"] == 1
    assert "answers_total{cause=none,state=done}" not in await scrape(other)


@pytest.mark.gen_test
async def test_the_loop_is_watched_while_somebody_looks(chat, monkeypatch):
    monkeypatch.setattr(exposition, "LAG_INTERVAL", 0.01)
    counts = chat.application.metrics.lag.counts
    assert (await scrape(chat))["loop_lag_seconds_count{}"] == 0
    await until(lambda: sum(counts) >= 2)
    monkeypatch.setattr(exposition, "LAG_WATCH", 0.0)
    await until(lambda: chat.application.exposition._timer is None)
    monkeypatch.setattr(exposition, "LAG_WATCH", 60.0)
    assert (await scrape(chat))["loop_lag_seconds_count{}"] >= 2
    assert chat.application.exposition._timer is not None


@pytest.mark.gen_test
async def test_without_the_package_it_says_what_to_install(chat, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    response = await chat.request("GET", "/metrics")
    assert response.status == 501
    error = response.json()["error"]
    assert error["code"] == "not_installed"
    assert "pip install 'tornado-stream[metrics]'" in error["message"]


@pytest.mark.gen_test
async def test_no_label_holds_what_a_user_wrote(serve, settings):
    chat = serve(replace(settings, model="fake-model"))
    await chat.ask("canary-text", model="canary-model", options={"canary": 1})
    await chat.request("GET", "/canary-path/x?canary=1")
    await chat.request("CANARY", "/")
    assert b"anary" not in (await chat.request("GET", "/metrics")).body.lower()


@pytest.mark.gen_test
async def test_every_metric_is_documented(chat):
    table = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    documented = set(re.findall(r"^\| `(tornado_stream_\w+)`", table, re.MULTILINE))
    await scrape(chat)
    body = (await chat.request("GET", "/metrics")).body.decode()
    assert documented == set(re.findall(r"^# TYPE (tornado_stream_\w+)", body, re.MULTILINE))
