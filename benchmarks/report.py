"""Turns the figures of all rounds into medians, tables, results.json and docs/performance.md.

The rounds of a workload are a list. A round maps the name of each server that ran in it to its
figures.
"""

from __future__ import annotations

import datetime
import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import plot
from benchmarks.machine import ROOT, described
from benchmarks.servers import SERVERS

Rounds = Sequence[Mapping[str, Mapping[str, float]]]
RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "performance.svg"
BLOCK = re.compile(r"(<!-- figures -->\n).*(<!-- /figures -->)", re.DOTALL)

#: The figures that the table of a workload shows, each with its heading. The last column of the
#: table compares the first of them with our server's.
COLUMNS = {
    "lockstep": {"us": "CPU µs per token", "per_s": "tokens per s", "open_us": "CPU µs to open"},
    "whole": {
        "us": "CPU µs per token",
        "per_s": "tokens per s",
        "p50_ms": "first token: p50 ms",
        "last_ms": "last one: ms",
    },
    "opening": {
        "last_ms": "last first token: ms",
        "p50_ms": "p50 ms",
        "open_us": "CPU µs to open",
        "last_1000_ms": "of 1,000: last, ms",
        "p50_1000_ms": "p50 ms",
    },
    "answers": {
        "ms_50": "CPU ms of 50 tokens",
        "ms_1": "of 1 token",
        "ms_500": "of 500 tokens",
    },
    "backlog": {"us": "CPU µs per token", "per_s": "tokens per s"},
    "paced": {"cpu_pct": "CPU %", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "lost": "lost"},
    "idle": {"kib": "KiB per stream", "base_mb": "MiB without streams"},
    "first": {"p50_ms": "p50 ms", "us": "CPU µs of an answer"},
    "start": {"ms": "ms"},
    "readers": {
        "us_1": "CPU µs per token with 1 client",
        "us_3": "with 3, per client",
        "us_50": "with 50, per client",
    },
    "growth": {"us_1000": "CPU µs per token with 1,000 streams", "us_100": "with 100"},
    "connections": {
        "none_ms": "ms without them",
        "ms": "ms with 10,000",
        "kib": "KiB per connection",
    },
}
TITLES = {
    "lockstep": "One token",
    "whole": "One token, opening and end included",
    "opening": "Streams opened at once",
    "answers": "A whole answer",
    "backlog": "Tokens that are already waiting",
    "paced": "{0} streams of {1} tokens a second",
    "idle": "A waiting stream",
    "first": "The first token",
    "start": "Cold start",
    "readers": "Several clients of one answer",
    "growth": "More streams",
    "connections": "Idle connections",
}
NONE = "no server in between"
#: The title of each server by its name; a run with `--beside` has one more.
TITLE_OF = {name: server.title for name, server in SERVERS.items()}
#: The calls whose price `machine.prices` takes.
PRICES = {
    "getpid": "a system call that does nothing",
    "read": "a `read` or `write` of a byte on a pipe",
    "epoll_wait": "an `epoll_wait` that finds a socket ready",
    "send_recv": "a token's `send` and `recv` on loopback",
    "python_call": "a call of an empty Python function",
}


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return number(self.median)
        return f"{number(self.median)} ({number(self.low)}–{number(self.high)})"


def spread(values: Iterable[float]) -> Spread | None:
    some = sorted(values)
    return Spread(statistics.median(some), some[0], some[-1]) if some else None


def figure(rounds: Rounds, server: str, key: str) -> Spread | None:
    return spread(one[server][key] for one in rounds if server in one and key in one[server])


def ratio(rounds: Rounds, server: str, key: str, base: str = "ours") -> Spread | None:
    """The server's figure divided by that of `base`, computed within each round that has both."""
    both = [one for one in rounds if server in one and base in one]
    return spread(one[server][key] / one[base][key] for one in both if one[base][key])


def number(value: float) -> str:
    """The value as text with three significant digits; integers and large values whole."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def line(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{key} {number(value)}" for key, value in figures.items())


def prices(cost: Mapping[str, float]) -> str:
    """What a call costs, in words, from what `machine.prices` returns."""
    return ", ".join(f"{PRICES[kind]} costs {number(ns)} ns" for kind, ns in cost.items())


def table(spec: str, rounds: Rounds, titles: Mapping[str, str] = TITLE_OF) -> str:
    """The table of a workload in Markdown; the servers are sorted by the first figure.

    A figure that no server has makes no column.
    """
    known = {key for one in rounds for figures in one.values() for key in figures}
    columns = {key: head for key, head in COLUMNS[work_of(spec)].items() if key in known}
    first, *_ = columns
    servers = {server for one in rounds for server in one}
    order = sorted((found.median, s) for s in servers if (found := figure(rounds, s, first)))
    compared = "ours" in servers and len(servers - {"none"}) > 1
    head = ["", *columns.values(), *(["times ours"] if compared else [])]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for _, server in order:
        title = titles.get(server, NONE)
        row = [f"**{title}**" if server == "ours" else title]
        row += [str(figure(rounds, server, key) or "") for key in columns]
        if compared:
            times = ratio(rounds, server, first)
            row += [str(times) if times and server not in ("ours", "none") else ""]
        lines.append(row)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def work_of(spec: str) -> str:
    return spec.removesuffix("+tls").partition(":")[0]


def title(spec: str) -> str:
    """The heading of a table, for a spec such as `paced:800:50+tls`."""
    plain = spec.removesuffix("+tls")
    name, *numbers = plain.split(":")
    text = TITLES[name].format(*(numbers + ["100", "30"][len(numbers) :]))
    if numbers and "{" not in TITLES[name]:
        text += f", {numbers[0]} streams"
    return text + (", TLS to the model" if plain != spec else "")


def noise(rounds: Rounds) -> str:
    """The number of rounds, and how much CPU time other programs used meanwhile, in words."""
    found = spread(
        figures["strangers"] for one in rounds for figures in one.values() if "strangers" in figures
    )
    count = f"{len(rounds)} round{'s' * (len(rounds) != 1)}"
    if not found:
        return f"{count}."
    return (
        f"{count}; other programs used {found.median:.0f} % of a core in the median run, "
        f"{found.high:.0f} % in the worst."
    )


def summary(works: Mapping[str, Rounds], titles: Mapping[str, str] = TITLE_OF) -> str:
    parts = [
        f"### {title(spec)}\n\n{table(spec, rounds, titles)}\n\n{noise(rounds)}\n"
        for spec, rounds in works.items()
        if any(rounds)
    ]
    return "\n".join(parts)


# ---- results.json and docs/performance.md ----


def read() -> dict[str, Any]:
    if not RESULTS.exists():
        return {"machine": {}, "works": {}}
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def recorded(spec: str) -> Rounds:
    rounds: Rounds = read()["works"].get(spec, {}).get("rounds", [])
    return rounds


def record(works: Mapping[str, Rounds], cost: Mapping[str, float]) -> None:
    """Write these workloads to results.json, then the page and the picture. `cost`: the prices of
    calls on this machine.

    Workloads in results.json that are not among them stay as they are.
    """
    results = read()
    results["machine"] = described() | {"prices": dict(cost)}
    for spec, rounds in works.items():
        brief = [
            {server: {k: float(f"{v:.4g}") for k, v in f.items()} for server, f in one.items()}
            for one in rounds
        ]
        results["works"][spec] = {"date": datetime.date.today().isoformat(), "rounds": brief}
    order = {name: n for n, name in enumerate(COLUMNS)}
    results["works"] = dict(
        sorted(results["works"].items(), key=lambda item: (order[work_of(item[0])], item[0]))
    )
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    PLOT.write_text(picture(results), encoding="utf-8")


def page(text: str, results: Mapping[str, Any]) -> str:
    """The text of docs/performance.md with these results between its two marks."""
    dates = sorted({work["date"] for work in results["works"].values()})
    machine = results["machine"]
    versions = [f"{name.capitalize()} {machine[name]}" for name in ("python", "go", "nginx")
                if name in machine]  # fmt: skip
    where = f"{machine['processor']}; {machine['system']}; {', '.join(versions)}"
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    body = summary({spec: work["rounds"] for spec, work in results["works"].items()})
    what = "Each figure is a median, with the lowest and the highest in brackets."
    cost = f"There, {prices(machine['prices'])}. " if "prices" in machine else ""
    block = f"Measured {when} on {where}. {cost}{what}\n\n{body}"
    return BLOCK.sub(lambda match: match[1] + block + match[2], text)


def picture(results: Mapping[str, Any]) -> str:
    """A bar chart of the CPU time per token, as SVG."""
    rounds = results["works"].get("lockstep", {}).get("rounds", [])
    bars = []
    for name, server in SERVERS.items():
        if one := figure(rounds, name, "us"):
            values = (one.median, one.low, one.high)
            bars.append(plot.Bar(server.title, *values, number(one.median), name == "ours"))
    bars.sort(key=lambda bar: bar.value)
    return plot.bars("CPU time for each token passed on, µs", bars)
