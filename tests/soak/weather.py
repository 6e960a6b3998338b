"""Chooses faults of the network: most connections have none, others have one of toxiproxy's."""

from __future__ import annotations

import random
from collections import Counter

from torture.proxy import Plan, Toxics

FAULTS = (
    "latency",
    "bandwidth",
    "slow_close",
    "timeout",
    "reset_peer",
    "slicer",
    "limit_data",
    "fin",
)


class Weather:
    """Chooses the plan of each connection for a proxy.

    `met` counts the faults that were chosen. `hold` is how many seconds a connection stays open
    after the proxy has stopped passing data on (the fault "timeout").
    """

    def __init__(self, rng: random.Random, faults: float, hold: float) -> None:
        self.met: Counter[str] = Counter()
        self._rng = rng
        self._faults = faults
        self._hold = hold

    def __call__(self, first: bytes) -> Plan:
        plan = Plan()
        if self._rng.random() < self._faults:
            fault = self._rng.choice(FAULTS)
            self.met[fault] += 1
            toxics = self._toxics(fault)
            if self._rng.random() < 0.3:
                plan.up = toxics
            else:
                plan.down = toxics
        return plan

    def _toxics(self, fault: str) -> Toxics:
        rng = self._rng
        match fault:
            case "latency":
                return Toxics(latency=0.03, jitter=0.05)
            case "bandwidth":
                return Toxics(bandwidth=rng.choice([20_000, 100_000]))
            case "slow_close":
                return Toxics(slow_close=rng.uniform(0.1, 1))
            case "slicer":
                return Toxics(slice=rng.choice([20, 100]))
        cuts = {"timeout": "hold", "reset_peer": "reset", "limit_data": "close", "fin": "fin"}
        size = rng.choice([500, 3000, 30_000])
        return Toxics(cut=cuts[fault], cut_after=rng.randint(1, size), hold=self._hold)
