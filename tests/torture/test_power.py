"""Power failures: with `--synchronous full`, no question is lost that a client saw begin."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from .conftest import Limits
from .forgetful import ForgetfulDisk
from .reader import Reader
from .test_kills import Kills, survive, write_prices
from .truth import question

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
#: Failures of the short form.
FEW = 8


class PowerFailures(Kills):
    """As `Kills`; with the server, its disk loses what was not synced."""

    def __init__(self, *arguments: Any, disk: ForgetfulDisk) -> None:
        super().__init__(*arguments)
        self._disk = disk

    def _kill(self) -> None:
        self.server.kill()
        self._disk.cut_power(self.limits.rng("power", self.kills))
        super()._kill()


@pytest.mark.wide
@pytest.mark.gen_test(timeout=7200)
async def test_power_failures_at_random_moments(
    limits: Limits, summary: Any, make_truth: Any, start_server: Any, tmp_path: Path
) -> None:
    truth = await make_truth()
    prices = write_prices(tmp_path, truth)
    server = start_server(truth, "--synchronous", "full", "--config", str(prices))
    disk = ForgetfulDisk(server, tmp_path)
    failures = PowerFailures(limits, server, truth, tmp_path, disk=disk)
    await server.start()
    await survive(failures, limits.kills if limits.long else FEW)
    summary.row(
        "power failure, synchronous full",
        failures=failures.kills,
        answers=failures.acknowledged,
        **failures.states,
        integrity="ok",
        messages_lost=0,
        max_lag_ms=max(failures.lags, default=0),
        sectors_forgotten=disk.forgotten,
    )
    assert disk.forgotten, "every byte was synced, so the test shows nothing"


@pytest.mark.gen_test(timeout=600)
@pytest.mark.parametrize("synchronous", ["normal", "full"])
async def test_the_disk_forgets_what_is_not_synced(
    synchronous: str, summary: Any, make_truth: Any, start_server: Any, tmp_path: Path
) -> None:
    """The test above would see a loss: with `normal`, finished answers are gone."""
    server = start_server(await make_truth(), "--synchronous", synchronous)
    disk = ForgetfulDisk(server, tmp_path)
    await server.start()
    readers = [Reader(server.client, {"message": question(f"any{n}", 50, 0)}) for n in range(5)]
    for reader in readers:
        await reader.run()
    server.kill()
    disk.cut_power(random.Random(0))  # its first choice: nothing but what was synced
    await server.start()
    lost = 0
    for reader in readers:
        response = await server.client.request("GET", f"/stream/{reader.id}?after=0")
        lost += response.status == 404
    summary.row(f"power failure, synchronous {synchronous}", answers=len(readers), lost=lost)
    assert lost == (5 if synchronous == "normal" else 0)
