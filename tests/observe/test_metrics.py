"""What the server counts, and the text that Prometheus gets."""

from __future__ import annotations

import asyncio
import math
import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from client import Client, until
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.parser import text_string_to_metric_families

from tornado_stream.observe import metrics as metrics_module
from tornado_stream.observe import process_metrics
from tornado_stream.observe.metrics import Histogram, Metrics
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import End


def end(state: str = "done", usage=None, error: ProviderError | None = None) -> End:
    return End(state, None, usage, error, None, True, {"first_token_ms": 1, "total_ms": 2})


def test_a_value_equal_to_a_bound_belongs_to_its_bucket():
    one, many = Histogram((1, 2, 5)), Histogram((1, 2, 5))
    values = [7.0, 0.5, 1, 1.5, 2, 2.5, 5, 9]
    for value in values:
        one.observe(value)
    many.observe_all(values)
    assert one.counts == many.counts == [2, 2, 2, 2]
    assert one.sum == many.sum == 28.5


def test_an_empty_list_adds_no_value():
    histogram = Histogram((1,))
    histogram.observe_all([])
    assert histogram.counts == [0, 0] and histogram.sum == 0


def test_an_answer_is_counted_with_its_times():
    metrics = Metrics()
    times = array("d", [10.5, 10.502, 10.602, 12.5])
    metrics.answer_ended(end(usage={"completion_tokens": 40}), 10.0, times)
    assert metrics.first_token.sum == 0.5 and sum(metrics.first_token.counts) == 1
    assert metrics.gaps.sum == pytest.approx(2.0) and sum(metrics.gaps.counts) == 3
    assert metrics.speed.sum == pytest.approx(20.0)
    assert metrics.ends == {("done", "none"): 1}


@pytest.mark.parametrize(
    "usage", [None, {}, {"completion_tokens": True}, {"completion_tokens": "9"}]
)
def test_without_usage_the_speed_is_counted_in_deltas(usage):
    metrics = Metrics()
    metrics.answer_ended(end(usage=usage), 0.0, array("d", [1.0, 2.0, 3.0]))
    assert metrics.speed.sum == 1.5


def test_an_answer_without_text_counts_only_its_end():
    metrics = Metrics()
    metrics.answer_ended(end("error", error=ProviderError("auth", "no")), 0.0, array("d"))
    metrics.answer_ended(end("done"), 0.0, array("d", [1.0]))
    assert metrics.ends == {("error", "auth"): 1, ("done", "none"): 1}
    assert sum(metrics.first_token.counts) == 1
    assert sum(metrics.gaps.counts) == sum(metrics.speed.counts) == 0


def test_paths_and_statuses_become_labels_of_a_closed_list():
    metrics = Metrics()
    for path in ("/", "/c/x", "/api/x", "/favicon.ico", "/readyz", "/evil", "*", "", "//api"):
        metrics.request_ended(path, 200)
    routes = {"page", "api", "static", "watch", "other"}
    assert {route for route, _ in metrics.requests} == routes
    for status in (200, 429, 418, 599, 999, 0, 1000):
        metrics.upstream_answered(status)
    assert set(metrics.upstream) == {"200", "429", "418", "5xx", "9xx", "0xx"}


async def scrape(chat: Client) -> dict[str, float]:
    """The value of every sample, by its name and labels."""
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
async def test_prometheus_gets_what_was_counted_before_its_first_scrape(chat, upstream):
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
async def test_the_loop_lag_is_measured_only_for_a_while_after_a_scrape(chat, monkeypatch):
    monkeypatch.setattr(metrics_module, "LAG_INTERVAL", 0.01)
    counts = chat.application.metrics.lag.counts
    assert (await scrape(chat))["loop_lag_seconds_count{}"] == 0
    await until(lambda: sum(counts) >= 2)
    monkeypatch.setattr(metrics_module, "LAG_WATCH", 0.0)
    await until(lambda: chat.application.metrics._lag_timer is None)
    monkeypatch.setattr(metrics_module, "LAG_WATCH", 60.0)
    assert (await scrape(chat))["loop_lag_seconds_count{}"] >= 2
    assert chat.application.metrics._lag_timer is not None


@pytest.mark.gen_test
async def test_no_label_holds_what_a_user_wrote(serve, settings):
    chat = serve(replace(settings, model="fake-model"))
    await chat.ask("canary-text", model="canary-model", options={"canary": 1})
    await chat.request("GET", "/canary-path/x?canary=1")
    await chat.request("CANARY", "/")
    assert b"anary" not in (await chat.request("GET", "/metrics")).body.lower()


@pytest.mark.gen_test
async def test_every_metric_is_documented(chat):
    pages = (Path(__file__).parents[2] / "docs").glob("*.md")
    tables = "\n".join(page.read_text() for page in pages)
    documented = set(re.findall(r"^\| `(tornado_stream_\w+)`", tables, re.MULTILINE))
    await scrape(chat)
    body = (await chat.request("GET", "/metrics")).body.decode()
    assert documented == set(re.findall(r"^# TYPE (tornado_stream_\w+)", body, re.MULTILINE))


class Collector:
    """The metrics as prometheus_client's own classes, which write the text to compare with."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        metrics = self._metrics
        counters = [
            ("answers", "Answers that have ended.", ["state", "cause"], metrics.ends),
            ("http_requests", "Requests to this server.", ["route", "status"], metrics.requests),
            (
                "upstream_responses",
                "Responses of the model's server.",
                ["status"],
                upstream(metrics),
            ),
            ("resumes", "Readers that went on after an event.", [], {(): metrics.resumes}),
            (
                "uploads",
                "Files that users and models sent.",
                ["result"],
                {(result,): count for result, count in metrics.uploads.items()},
            ),
            (
                "upload_bytes",
                "Bytes of those that were stored.",
                [],
                {(): metrics.upload_bytes},
            ),
        ]
        for name, help, labels, values in counters:
            counter = CounterMetricFamily(f"tornado_stream_{name}", help, labels=labels)
            for label_values, count in values.items():
                counter.add_metric(label_values, count)
            yield counter
        for name, help, value in metrics.gauges:
            yield GaugeMetricFamily(f"tornado_stream_{name}", help, value())
        histograms = [
            ("first_token_seconds", "Until the first text of an answer.", metrics.first_token),
            ("token_gap_seconds", "Between two deltas of an answer.", metrics.gaps),
            ("tokens_per_second", "Tokens of an answer since its first text.", metrics.speed),
            ("commit_seconds", "Write transactions of the database.", metrics.commits),
            ("loop_lag_seconds", "How late the event loop's timer was.", metrics.lag),
        ]
        for name, help, histogram in histograms:
            bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            yield HistogramMetricFamily(f"tornado_stream_{name}", help, buckets, histogram.sum)


def upstream(metrics: Metrics) -> dict[tuple[str], int]:
    return {(status,): count for status, count in metrics.upstream.items()}


def fill(metrics: Metrics) -> None:
    """Count something in every metric, with small, large and round numbers."""
    metrics.answer_ended(end(usage={"completion_tokens": 40}), 10.0, array("d", [10.5, 10.6, 12.5]))
    metrics.answer_ended(end("error", error=ProviderError("auth", "no")), 0.0, array("d"))
    for path in ("/", "/api/x", "/api/x", "/stream"):
        metrics.request_ended(path, 200)
    for status in (200, 520):
        metrics.upstream_answered(status)
    metrics.subscriber_resumed()
    metrics.uploaded("stored", 1000)
    metrics.uploaded("file_type")
    for seconds in (1e-7, 0.3, 77.7, 12_345_678.0, 1e9, 1e17):
        metrics.commits.observe(seconds)
    for place, value in enumerate([0, -5, 999_999, 1_000_000, 12_345_678.25, 10**9, math.inf]):
        metrics.gauge(f"number_{place}", "A number.", lambda value=value: value)


@pytest.mark.gen_test
async def test_the_text_is_what_the_prometheus_client_library_would_write(monkeypatch):
    monkeypatch.setattr(process_metrics, "read", lambda: [])
    metrics = Metrics()
    for count in (lambda metrics: None, fill):
        count(metrics)
        text = metrics.text()
        metrics.close()
        registry = CollectorRegistry()
        registry.register(Collector(metrics))
        assert text == generate_latest(registry)
        families = list(text_string_to_metric_families(text.decode()))
        assert families == list(text_string_to_metric_families(generate_latest(registry).decode()))
        assert len(families) == 11 + len(metrics.gauges)
