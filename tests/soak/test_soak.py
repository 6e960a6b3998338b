"""A short soak passes, and the soak's judge notices answers that were tampered with."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client import Client
from torture.proxy import Plan, Toxics, proxied
from torture.reader import Reader, Wrong
from torture.truth import question

from tornado_stream.settings import Settings

from .figures import growth, none, returned, slope, table
from .judge import Judge
from .run import Options, soak
from .upstream import Upstream

#: A chunk with one delta as the upstream writes it, one as the server does, and one with `end`.
SAID = re.compile(
    rb'[0-9a-f]+\r\ndata: \{"choices": \[\{"index": 0, "delta": \{"content.*?\n\n\r\n'
)
DELTA = re.compile(rb"[0-9a-f]+\r\nid: \d+\nevent: delta\n.*?\n\n\r\n")
END = re.compile(rb"[0-9a-f]+\r\nid: \d+\nevent: end\n.*?\n\n\r\n")


@pytest.mark.wide
@pytest.mark.gen_test(timeout=500)
async def test_a_short_soak_is_clean(tmp_path: Path) -> None:
    # The first answer opens what reads all upstreams.
    options = Options(minutes=0.5, users=16, warmup=5, interval=0.2)
    result = await soak(options, tmp_path, print)
    assert result.met, f"{table(result.checks)}\n{result.wrong}"
    assert result.figures["answers"] >= 10 and len(result.figures["actions"]) > 10
    assert result.figures["faults"]


def twice(pattern: re.Pattern[bytes]) -> Callable[[bytes], bytes]:
    return lambda data: pattern.sub(lambda found: found[0] * 2, data, count=1)


def left_out(pattern: re.Pattern[bytes]) -> Callable[[bytes], bytes]:
    return lambda data: pattern.sub(b"", data, count=1)


@pytest.mark.parametrize(
    ("behind", "before", "noticed"),
    [
        (twice(SAID), None, "is not the beginning of"),
        (left_out(SAID), None, "is not the beginning of|incomplete"),
        (None, twice(DELTA), "was due"),
        (None, left_out(DELTA), "was due"),
        (None, twice(END), "after the end"),
        (None, None, "asked for 2 times"),
    ],
    ids=["delta twice", "delta lost", "event twice", "event lost", "two ends", "asked twice"],
)
@pytest.mark.gen_test
async def test_what_is_wrong_is_noticed(
    behind: Any, before: Any, noticed: str, serve: Callable[[Settings], Client], settings: Settings
) -> None:
    """`behind` changes bytes between upstream and server, `before` between server and client."""
    message = question("plain-tampered", 300, 2)
    async with AsyncExitStack() as stack:
        upstream = Upstream(faults=0)
        await upstream.start()
        stack.push_async_callback(upstream.close)

        async def tampered(port: int, tamper: Any) -> int:
            plan = Plan(down=Toxics(tamper=tamper))
            proxy = await stack.enter_async_context(proxied(port, random.Random(1), lambda _: plan))
            return proxy.port

        port = await tampered(upstream.port, behind)
        chat = serve(replace(settings, base_url=f"http://127.0.0.1:{port}/v1"))
        reader = Reader(Client(await tampered(chat.port, before)), {"message": message})
        if not (behind or before):
            upstream.asked[reader.id] = 1
        with pytest.raises(Wrong, match=noticed):
            await reader.run()
            Judge(upstream).answer(reader, message)


def samples(mb_per_hour: float, noise: float, minutes: int = 30) -> list[dict[str, Any]]:
    rng = random.Random(1)
    return [
        {
            "at": at,
            "sqlite_kib": at,
            "rss_kib": at + 1024 * (60 + mb_per_hour * at / 3600 + rng.gauss(0, noise)),
        }
        for at in range(0, minutes * 60, 2)
    ]


@pytest.mark.parametrize(
    ("mb_per_hour", "noise", "met"),
    [(0, 0.1, True), (0.8, 0.1, True), (5, 0.1, False), (5, 8, None)],
)
def test_memory_that_grows_is_told_from_noise(mb_per_hour, noise, met):
    found, check = growth(samples(mb_per_hour, noise), 1.0)
    assert check.met is met
    assert abs(found.per_hour - mb_per_hour) <= 3 * found.error


def test_a_short_run_has_no_verdict_on_memory():
    assert growth(samples(100, 0.1, 1), 1.0)[1].met is None


def test_a_slope_is_that_of_the_line():
    found = slope([(at, 3 + at / 3600) for at in range(0, 600, 2)])
    assert found.per_hour == pytest.approx(1) and found.error == pytest.approx(0, abs=1e-9)


def test_a_figure_that_did_not_return_is_shown_as_not_met():
    checks = [returned("descriptors", 14, 15), returned("objects", 700, 900, 2000), none("rows", 0)]
    assert [check.met for check in checks] == [False, True, True]
    assert table(checks).splitlines()[0].split()[-2:] == ["NOT", "MET"]
