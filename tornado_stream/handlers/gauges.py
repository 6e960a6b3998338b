"""The gauges of `GET /metrics`: figures of the services that are read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import partial

from tornado_stream.generations.registry import Generations
from tornado_stream.observe.metrics import Metrics
from tornado_stream.store.health import GAUGES, StoreHealth


def show_gauges(
    metrics: Metrics,
    generations: Generations,
    streams: Sized,
    health: Callable[[], StoreHealth],
) -> None:
    """Add the gauges to the metrics. `streams` are the responses that follow an answer."""
    gauge = metrics.gauge
    gauge("live_answers", "Answers that are being written.", lambda: len(generations))
    gauge("readers", "Responses that follow an answer.", lambda: len(streams))
    gauge(
        "unsaved_events",
        "Events of answers that the database does not have yet.",
        lambda: generations.unsaved_frames,
    )
    for name, member, help in GAUGES:
        gauge(f"database_{name}", help, partial(_of_database, health, member))


def _of_database(health: Callable[[], StoreHealth], member: str) -> float:
    return float(getattr(health(), member))
