"""The clock of PostgreSQL is set forward and back, while that of the servers goes on: nobody is
taken for dead, no answer ends, and nobody waits for a day.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from client import until

from tests.generations.test_mirrors import counting, text_of, words
from tornado_stream.values.tries import TryLimit

from .proxy import Proxy
from .test_instances import Instance, Wanderer, started

SOURCE = Path(__file__).with_name("skewed_clock.c")
pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler"),
]


class Clock:
    """The clock of an engine with these `variables`."""

    def __init__(self, folder: Path) -> None:
        self._skew = folder / "skew"
        self.set(0)
        library = folder / "skewed_clock.so"
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"]
        subprocess.run(command, check=True)
        self.variables = {"LD_PRELOAD": str(library), "SKEW": str(self._skew)}

    def set(self, seconds: int) -> None:
        """Let the clock be ahead by so many seconds."""
        with self._skew.open("r+b" if self._skew.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))


@pytest.fixture
def clock():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the engine runs as another user
        yield Clock(Path(folder))


@pytest.mark.gen_test(timeout=120)
async def test_no_clock_of_the_database_counts(engines, clock):
    engine = engines(variables=clock.variables)
    loop = asyncio.get_running_loop()
    url = await loop.run_in_executor(None, engine.new_database)

    async def hour() -> int:
        sql = "SELECT extract(epoch FROM clock_timestamp())::bigint / 3600"
        ((now,),) = await loop.run_in_executor(None, engine.execute, sql)
        return int(str(now))

    before = await hour()
    both = [await started(url, Proxy(engine.port, random.Random(1))) for _ in range(2)]
    names = [one.store.instance for one in both]
    for number, one in enumerate(both):
        await one.generations.start(counting(number, 800, 0.01))
    readers = [Wanderer(random.Random(n), both, f"g{n % 2}") for n in range(4)]
    reading = [asyncio.ensure_future(reader.read()) for reader in readers]
    key = {b"key": TryLimit(1, 900.0)}
    for hours in (1, 24 * 365, -24):
        await asyncio.sleep(1.5)
        assert await both[0].store.count_try(key) == {}, "a try waits for the clock"
        clock.set(hours * 3600)
        assert abs(await hour() - before - hours) <= 1
    await asyncio.gather(*reading)
    for reader in readers:
        assert reader.repeated == reader.resets == 0 and text_of(reader.frames) == words(800)
    assert [one.store.instance for one in both] == names, "one was taken for dead"
    for one in both:
        await until(lambda one=one: not one.generations.busy)
        await closed(one)


async def closed(one: Instance) -> None:
    one.generations.neighbours.close()
    await one.store.close()
