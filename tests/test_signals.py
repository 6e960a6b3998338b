"""Signals that come when the process has done everything. `test_server.py` has the others."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

#: A signal comes while the loop closes: it knows the descriptor no more that a signal writes to.
ENDING = """
import asyncio, os, signal, sys
from asyncio.selector_events import BaseSelectorEventLoop
from tornado_stream.signals import Signals

close_self_pipe = BaseSelectorEventLoop._close_self_pipe

def close_and_signal(loop):
    close_self_pipe(loop)
    os.kill(os.getpid(), int(sys.argv[1]))

async def main():
    signals = Signals()
    signals.on_replace(print)
    signals.close(7)

BaseSelectorEventLoop._close_self_pipe = close_and_signal
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"])
def test_a_signal_at_the_very_end_writes_no_traceback(name: str) -> None:
    command = [sys.executable, "-c", ENDING, str(int(getattr(signal, name)))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
