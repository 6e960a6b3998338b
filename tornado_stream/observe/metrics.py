"""The metrics of one application: counted from its start, written when Prometheus asks.

The rule: counting costs next to nothing, whether or not Prometheus asks. No label holds a text
that a user or an upstream wrote: every label value comes from a closed list.
The format: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from itertools import accumulate, chain, islice
from math import inf
from operator import sub
from time import monotonic
from typing import TYPE_CHECKING

from tornado_stream.observe import process_metrics

if TYPE_CHECKING:
    from tornado_stream.values.events import End

PREFIX = "tornado_stream_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Upper bounds of buckets, in seconds; `SPEEDS` is in tokens per second.
WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
COMMITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
SPEEDS = (1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)

#: The loop's lag is measured every LAG_INTERVAL seconds, until LAG_WATCH seconds after a scrape.
LAG_INTERVAL, LAG_WATCH = 0.5, 300.0

#: The value of the label `route`, by the first segment of the path.
ROUTES = {
    "": "page",
    "c": "page",
    "s": "shared",
    "stream": "stream",
    "api": "api",
    "static": "static",
    "favicon.ico": "static",
    "healthz": "watch",
    "readyz": "watch",
    "metrics": "watch",
}

_STATUSES = frozenset(map(int, HTTPStatus))

#: The name, type, help text and samples of a metric. A sample is a pair: the suffix and labels
#: that follow the name, and the value.
Family = tuple[str, str, str, Iterable[tuple[str, float]]]


class Histogram:
    """The number of values in each bucket, and their sum. One thread at a time may add values."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: list[float]) -> None:
        """Add many values at a tenth of the cost of `observe`. Sorts the list in place."""
        values.sort()
        seen = 0
        for place, bound in enumerate(self.bounds):
            upto = bisect_right(values, bound, seen)
            self.counts[place] += upto - seen
            seen = upto
        self.counts[-1] += len(values) - seen
        self.sum += sum(values)

    def samples(self) -> Iterator[tuple[str, float]]:
        bounds = [*map(str, map(float, self.bounds)), "+Inf"]
        for bound, count in zip(bounds, accumulate(self.counts), strict=True):
            yield f'_bucket{{le="{bound}"}}', count
        yield "_count", sum(self.counts)
        yield "_sum", self.sum


class Metrics:
    """The counters, gauges and histograms of one application."""

    def __init__(self) -> None:
        self.first_token = Histogram(WAITS)
        self.gaps = Histogram(GAPS)
        self.speed = Histogram(SPEEDS)
        self.commits = Histogram(COMMITS)
        self.lag = Histogram(LAGS)
        self.ends: Counter[tuple[str, str]] = Counter()  # by state and cause
        self.requests: Counter[tuple[str, str]] = Counter()  # by route and status
        self.upstream: Counter[str] = Counter()  # by status
        self.resumes = 0
        self.uploads: Counter[str] = Counter()  # by result: `stored`, or the code of a refusal
        self.upload_bytes = 0
        self.gauges: list[tuple[str, str, Callable[[], float]]] = []  # name, help text, value
        self._scraped = 0.0
        self._lag_timer: asyncio.TimerHandle | None = None

    def gauge(self, name: str, help: str, value: Callable[[], float]) -> None:
        """Serve `value()`, computed at each scrape, as the gauge `tornado_stream_{name}`."""
        self.gauges.append((name, help, value))

    def answer_ended(self, end: End, began: float, times: array[float]) -> None:
        """`times` has the time of each delta, in seconds on the same clock as `began`."""
        self.ends[end.state, end.error.code if end.error else "none"] += 1
        if not times:
            return
        self.first_token.observe(times[0] - began)
        self.gaps.observe_all(list(map(sub, islice(times, 1, None), times)))
        if (seconds := times[-1] - times[0]) > 0:
            tokens = (end.usage or {}).get("completion_tokens")
            count = tokens if type(tokens) is int and tokens > 0 else len(times)
            self.speed.observe(count / seconds)

    def request_ended(self, path: str, status: int) -> None:
        route = ROUTES.get(path[1:].partition("/")[0], "other")
        self.requests[route, str(status)] += 1

    def upstream_answered(self, status: int) -> None:
        """Count a response of an upstream. A status that no standard has counts as its class."""
        known = status in _STATUSES
        self.upstream[str(status) if known else f"{min(status // 100, 9)}xx"] += 1

    def uploaded(self, result: str, size: int = 0) -> None:
        """Count a file that a user or a model sent: `stored` with its bytes, or why it was not."""
        self.uploads[result] += 1
        self.upload_bytes += size

    def subscriber_resumed(self) -> None:
        self.resumes += 1

    def text(self) -> bytes:
        """Every metric in Prometheus' text format. Call it in the event loop.

        Each call starts or prolongs the measuring of the loop's lag. Without scrapes nothing is
        measured, so that an idle process can sleep.
        """
        self._scraped = monotonic()
        if self._lag_timer is None:
            self._measure_lag()
        lines = chain.from_iterable(map(_write, self._families()))
        return "".join(f"{line}\n" for line in lines).encode()

    def close(self) -> None:
        if self._lag_timer:
            self._lag_timer.cancel()

    def _families(self) -> Iterator[Family]:
        ends = {f'{{cause="{c}",state="{s}"}}': n for (s, c), n in self.ends.items()}
        requests = {f'{{route="{r}",status="{s}"}}': n for (r, s), n in self.requests.items()}
        upstream = {f'{{status="{s}"}}': n for s, n in self.upstream.items()}
        uploads = {f'{{result="{r}"}}': n for r, n in self.uploads.items()}
        for name, help, values in (
            ("answers_total", "Answers that have ended.", ends),
            ("http_requests_total", "Requests to this server.", requests),
            ("upstream_responses_total", "Responses of the model's server.", upstream),
            ("resumes_total", "Readers that went on after an event.", {"": self.resumes}),
            ("uploads_total", "Files that users and models sent.", uploads),
            ("upload_bytes_total", "Bytes of those that were stored.", {"": self.upload_bytes}),
        ):
            yield PREFIX + name, "counter", help, values.items()
        for name, help, value in self.gauges:
            yield PREFIX + name, "gauge", help, [("", value())]
        for name, help, histogram in (
            ("first_token_seconds", "Until the first text of an answer.", self.first_token),
            ("token_gap_seconds", "Between two deltas of an answer.", self.gaps),
            ("tokens_per_second", "Tokens of an answer since its first text.", self.speed),
            ("commit_seconds", "Write transactions of the database.", self.commits),
            ("loop_lag_seconds", "How late the event loop's timer was.", self.lag),
        ):
            yield PREFIX + name, "histogram", help, histogram.samples()
        for name, type, help, reading in process_metrics.read():
            yield name, type, help, [("", reading)]

    def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + LAG_INTERVAL
        self._lag_timer = loop.call_at(due, self._note_lag, due)

    def _note_lag(self, due: float) -> None:
        self.lag.observe(max(asyncio.get_running_loop().time() - due, 0.0))
        self._lag_timer = None
        if monotonic() < self._scraped + LAG_WATCH:
            self._measure_lag()


def _write(family: Family) -> Iterator[str]:
    name, type, help, samples = family
    yield f"# HELP {name} {help}"
    yield f"# TYPE {name} {type}"
    for rest, value in samples:
        yield f"{name}{rest} {written_number(value)}"


def written_number(value: float) -> str:
    """A number as Go writes it: with an exponent from a million on."""
    if value == inf:
        return "+Inf"
    text = repr(float(value))
    point = text.find(".")
    if value <= 0 or point <= 6:
        return text
    mantissa = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{point - 1:02d}"
