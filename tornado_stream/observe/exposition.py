"""The metrics as Prometheus reads them. prometheus_client is optional, and imported when first
asked for: it takes 50 ms and 5 MB that most set-ups never need.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any

from tornado_stream.observe.metrics import Histogram, Metrics
from tornado_stream.values.errors import NotInstalled

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PREFIX = "tornado_stream_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Seconds between two looks at how late the loop is, and after the last scrape until they end.
LAG_INTERVAL, LAG_WATCH = 0.5, 300.0


class Exposition:
    """Metrics, for who scrapes them. How late the loop runs is measured only while somebody does:
    an idle process is to sleep."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._registry: Any = None
        self._asked = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def text(self) -> bytes:
        """All of it. Raises `NotInstalled`."""
        if self._registry is None:
            await self._load()
        from prometheus_client import generate_latest

        self._asked = monotonic()
        if self._timer is None:
            self._watch_lag()
        return generate_latest(self._registry)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks of a collector."""
        return itertools.chain(self._counters(), self._gauges(), self._histograms())

    async def _load(self) -> None:
        loop = asyncio.get_running_loop()
        try:  # in a thread: the loop has answers to pass on
            client = await loop.run_in_executor(None, importlib.import_module, "prometheus_client")
        except ImportError:
            raise NotInstalled(
                "Metrics need a package: pip install 'tornado-stream[metrics]'"
            ) from None
        if self._registry is None:
            self._registry = client.CollectorRegistry()
            self._registry.register(self)
            client.ProcessCollector(registry=self._registry)

    def _counters(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily

        metrics = self._metrics
        ends = CounterMetricFamily(
            f"{PREFIX}answers", "Answers that have ended.", labels=["state", "cause"]
        )
        for labels, count in metrics.ends.items():
            ends.add_metric(labels, count)
        requests = CounterMetricFamily(
            f"{PREFIX}http_requests", "Requests to this server.", labels=["route", "status"]
        )
        for labels, count in metrics.requests.items():
            requests.add_metric(labels, count)
        upstream = CounterMetricFamily(
            f"{PREFIX}upstream_responses", "Responses of the model's server.", labels=["status"]
        )
        for status, count in metrics.upstream.items():
            upstream.add_metric([status], count)
        yield from (ends, requests, upstream)
        yield CounterMetricFamily(
            f"{PREFIX}resumes", "Readers that went on after an event.", value=metrics.resumes
        )

    def _gauges(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        for gauge in self._metrics.gauges:
            yield GaugeMetricFamily(PREFIX + gauge.name, gauge.help, value=gauge.value())

    def _histograms(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import HistogramMetricFamily

        metrics = self._metrics
        for name, help, histogram in (
            (
                "first_token_seconds",
                "Until the first text of an answer.",
                metrics.first_token,
            ),
            ("token_gap_seconds", "Between two deltas of an answer.", metrics.gaps),
            ("tokens_per_second", "Tokens of an answer since its first text.", metrics.speed),
            ("commit_seconds", "Write transactions of the database.", metrics.commits),
            ("loop_lag_seconds", "How late the event loop's timer was.", metrics.lag),
        ):
            buckets = _cumulative(histogram)
            yield HistogramMetricFamily(PREFIX + name, help, buckets, histogram.sum)

    def _watch_lag(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + LAG_INTERVAL
        self._timer = loop.call_at(due, self._note_lag, due)

    def _note_lag(self, due: float) -> None:
        self._metrics.lag.observe(max(asyncio.get_running_loop().time() - due, 0.0))
        self._timer = None
        if monotonic() < self._asked + LAG_WATCH:
            self._watch_lag()


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    return list(zip(bounds, itertools.accumulate(histogram.counts), strict=True))
