"""What is counted, from the start on: plain numbers, which `exposition` writes for Prometheus.

The rule: counting costs next to nothing and nobody need be there to ask. No label holds a text
that a user or a model's server wrote: each is out of a closed list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from operator import sub
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_stream.values.events import End

#: Bounds of buckets, in seconds; of the last in tokens per second.
WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
COMMITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
SPEEDS = (1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)

#: The class of a route, by the first part of its path.
ROUTES = {
    "": "page",
    "c": "page",
    "stream": "stream",
    "api": "api",
    "static": "static",
    "favicon.ico": "static",
    "healthz": "watch",
    "readyz": "watch",
    "metrics": "watch",
}


class Histogram:
    """How many values fell below each bound, and their sum. One thread at a time may add."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: list[float]) -> None:
        """Many at once, for a tenth of the price; sorts them."""
        values.sort()
        seen = 0
        for place, bound in enumerate(self.bounds):
            upto = bisect_right(values, bound, seen)
            self.counts[place] += upto - seen
            seen = upto
        self.counts[-1] += len(values) - seen
        self.sum += sum(values)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that is asked for when somebody looks."""

    name: str
    help: str
    value: Callable[[], float]


class Metrics:
    """All that is counted in one application."""

    def __init__(self) -> None:
        self.first_token = Histogram(WAITS)
        self.gaps = Histogram(GAPS)
        self.speed = Histogram(SPEEDS)
        self.commits = Histogram(COMMITS)
        self.lag = Histogram(LAGS)
        self.ends: Counter[tuple[str, str]] = Counter()  # by state and cause
        self.requests: Counter[tuple[str, str]] = Counter()  # by class of route and status
        self.upstream: Counter[str] = Counter()  # by status
        self.resumes = 0
        self.gauges: list[Gauge] = []

    def gauge(self, name: str, help: str, value: Callable[[], float]) -> None:
        """Show `value()` as `tornado_stream_{name}`."""
        self.gauges.append(Gauge(name, help, value))

    def answer_ended(self, end: End, began: float, times: array[float]) -> None:
        """`times` are those of its deltas, on the clock of `began`."""
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
        """A model's server answered; statuses that are in no standard count as their class."""
        known = status in _STATUSES
        self.upstream[str(status) if known else f"{min(status // 100, 9)}xx"] += 1

    def subscriber_resumed(self) -> None:
        self.resumes += 1


_STATUSES = frozenset(map(int, HTTPStatus))
