"""Whether this process can answer new questions: the state that a load balancer asks for.

The rule: the answer rests on a trial of the store that is at most a second old. A trial never
blocks the loop, and requests that come at the same time share one trial.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import Provider
from tornado_stream.store.base import Store, StoreError

#: Seconds for which the result of a trial holds, and seconds that a trial may take. Monitors wait
#: about a second.
TRIAL_LASTS, TRIAL_LIMIT = 1.0, 0.75
#: Seconds by which the end of a trial may be noticed too late. After more, the loop stood still.
LATE = 0.1


UNREACHABLE = "The model's server cannot be reached."
_REASONS = {
    "auth": "The model's server refuses the key.",
    "tls_failed": "The model's server cannot be trusted (TLS).",
    "local_model_failed": "The local model did not start.",
}


class Readiness:
    """Combines the states of the parts that can fail."""

    def __init__(self, generations: Generations, store: Store, provider: Provider) -> None:
        self._generations = generations
        self._store = store
        self._provider = provider
        self._trial: asyncio.Future[bool] | None = None
        self._tried_at = 0.0

    async def status(self) -> tuple[str, str]:
        """`ready` and "", or what is wrong, as a word and in a sentence. The sentence names no
        upstream and no address: everybody may ask."""
        if self._generations.draining:
            return "draining", "The server is about to stop."
        # A trial writes little: a disk may have room for it, and none for the frames it refused.
        if self._generations.failing or not await self._saves():
            return "not_saving", "The database does not take what is written."
        if self._store.health().damaged:
            return "damaged", "The last check of the database found damage."
        if failure := self._provider.failure:
            return "upstream_failing", _REASONS.get(failure.code, UNREACHABLE)
        return "ready", ""

    async def _saves(self) -> bool:
        trial = self._trial
        if trial and (not trial.done() or monotonic() < self._tried_at + TRIAL_LASTS):
            return await asyncio.shield(trial)
        self._trial = trial = asyncio.get_running_loop().create_future()
        saves = False
        try:
            saves = await self._try()
        finally:
            self._tried_at = monotonic()
            trial.set_result(saves)
        return saves

    async def _try(self) -> bool:
        """Whether the store takes a write in time. Where the loop stood still meanwhile, for
        example because another process begins on a busy machine, the time says nothing about the
        store, and there is a second trial."""
        for _ in range(2):
            due = monotonic() + TRIAL_LIMIT
            try:
                async with asyncio.timeout(TRIAL_LIMIT):
                    await self._store.check()
                return True
            except StoreError:
                return False
            except TimeoutError:
                if monotonic() < due + LATE:
                    return False
        return False
