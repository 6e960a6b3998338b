"""Turns samples into checks: slopes with their error, and figures that must return to their start.

The rule: functions here are pure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HOUR = 3600.0
#: Seconds whose samples are averaged into one point, since neighbouring samples are alike.
BLOCK = 15.0
#: Fewer points than these give no slope.
FEWEST = 8


@dataclass(frozen=True)
class Slope:
    """Growth per hour, and its standard error (infinite if there are too few points)."""

    per_hour: float
    error: float

    def __str__(self) -> str:
        return f"{self.per_hour:+.2f} ± {self.error:.2f}"


@dataclass(frozen=True)
class Check:
    """A row of the table. `met` None: the run was too short to tell."""

    name: str
    found: str
    target: str
    met: bool | None


def block_means(points: Sequence[tuple[float, float]], block: float) -> list[tuple[float, float]]:
    """The mean of the points in each period of `block` seconds."""
    blocks: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for at, value in points:
        blocks[int((at - points[0][0]) // block)].append((at, value))
    return [
        tuple(sum(each) / len(each) for each in zip(*one, strict=True)) for one in blocks.values()
    ]  # type: ignore[misc]


def slope(points: Sequence[tuple[float, float]], block: float = BLOCK) -> Slope:
    """The least-squares line through the means of blocks; times in seconds."""
    means = block_means(points, block)
    n = len(means)
    if n < FEWEST:
        return Slope(0.0, math.inf)
    middle = sum(at for at, _ in means) / n
    level = sum(value for _, value in means) / n
    width = sum((at - middle) ** 2 for at, _ in means)
    rise = sum((at - middle) * (value - level) for at, value in means) / width
    rest = sum((value - level - rise * (at - middle)) ** 2 for at, value in means)
    return Slope(rise * HOUR, math.sqrt(rest / (n - 2) / width) * HOUR)


def growth(samples: Sequence[dict[str, Any]], limit: float) -> tuple[Slope, Check]:
    """The growth of memory in MB per hour, over the last two thirds of the samples.

    SQLite's memory is left out: it has a limit, but needs hours to reach it. The check is met if
    the slope is at most `limit`. It fails if the slope is above `limit` by more than two standard
    errors.
    """
    begin, end = samples[0]["at"], samples[-1]["at"]
    late = [s for s in samples if s["at"] >= begin + (end - begin) / 3]
    found = slope([(s["at"], (s["rss_kib"] - s["sqlite_kib"]) / 1024) for s in late])
    minutes = (end - begin) * 2 / 180
    met = found.per_hour <= limit if math.isfinite(found.error) else None
    if met is False and found.per_hour - 2 * found.error <= limit:
        met = None
    name = f"memory without SQLite's, last {minutes:.0f} min, MB/h"
    return found, Check(name, str(found), f"at most {limit:g}", met)


def below(name: str, found: float, limit: float) -> Check:
    return Check(name, f"{found:.1f}", f"at most {limit:g}", found <= limit)


def returned(name: str, before: int, after: int, slack: int = 0) -> Check:
    """Check that a figure is back at its start, or above it by no more than `slack`."""
    return Check(name, f"{before} → {after}", "as before", after <= before + slack)


def none(name: str, found: int) -> Check:
    return Check(name, str(found), "0", found == 0)


def table(checks: Sequence[Check]) -> str:
    """The checks as a table in plain text."""
    rows = [(c.name, c.found, c.target, _word(c.met)) for c in checks]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {found:>{widths[1]}}  {target:<{widths[2]}}  {met}"
        for name, found, target, met in rows
    )


def _word(met: bool | None) -> str:
    return {True: "ok", False: "NOT MET", None: "too short to tell"}[met]
