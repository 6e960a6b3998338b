"""The metrics of several processes as those of one server.

The rule: what is counted is added. A gauge that says how something is that all processes share has
the largest value, and the start is the earliest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tornado_stream.observe.metrics import PREFIX, written_number

#: What becomes of the values of a metric whose name begins so; all others are added.
_NOT_ADDED: dict[str, Callable[[Iterable[float]], float]] = {
    f"{PREFIX}database_": max,
    "process_start_time_seconds": min,
}


def summed(texts: list[str]) -> str:
    """One text in Prometheus' format of those of several processes."""
    heads: dict[str, list[str]] = {}  # HELP and TYPE, by the name of the metric
    samples: dict[str, dict[str, list[float]]] = {}
    for text in texts:
        name = ""
        for line in text.splitlines():
            if line.startswith("# "):
                name = line.split(" ", 3)[2]
                head = heads.setdefault(name, [])
                if line not in head:
                    head.append(line)
                samples.setdefault(name, {})
            elif line:
                sample, _, value = line.rpartition(" ")
                samples[name].setdefault(sample, []).append(float(value))
    lines: list[str] = []
    for name, head in heads.items():
        together = _together(name)
        lines += head
        lines += [f"{one} {written_number(together(v))}" for one, v in samples[name].items()]
    return "".join(f"{line}\n" for line in lines)


def _together(name: str) -> Callable[[Iterable[float]], float]:
    for beginning, function in _NOT_ADDED.items():
        if name.startswith(beginning):
            return function
    return sum
