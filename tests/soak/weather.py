"""What the networks do: most connections are well, the others each have one of toxiproxy's ills."""

from __future__ import annotations

import random
from collections import Counter

from torture.proxy import Plan, Toxics

ILLS = (
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
    """Chooses plans for a proxy. `met` counts the ills that connections got; `hold` is how long
    one that says nothing more stays."""

    def __init__(self, rng: random.Random, faults: float, hold: float) -> None:
        self.met: Counter[str] = Counter()
        self._rng = rng
        self._faults = faults
        self._hold = hold

    def __call__(self, first: bytes) -> Plan:
        plan = Plan()
        if self._rng.random() < self._faults:
            ill = self._rng.choice(ILLS)
            self.met[ill] += 1
            toxics = self._toxics(ill)
            if self._rng.random() < 0.3:
                plan.up = toxics
            else:
                plan.down = toxics
        return plan

    def _toxics(self, ill: str) -> Toxics:
        rng = self._rng
        match ill:
            case "latency":
                return Toxics(latency=0.03, jitter=0.05)
            case "bandwidth":
                return Toxics(bandwidth=rng.choice([20_000, 100_000]))
            case "slow_close":
                return Toxics(slow_close=rng.uniform(0.1, 1))
            case "slicer":
                return Toxics(slice=rng.choice([20, 100]))
        kind = {"timeout": "hold", "reset_peer": "reset", "limit_data": "close", "fin": "fin"}[ill]
        size = rng.choice([500, 3000, 30_000])
        return Toxics(cut=kind, cut_after=rng.randint(1, size), hold=self._hold)
