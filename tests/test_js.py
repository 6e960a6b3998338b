"""The page's modules that need no browser, tested by Node's own runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent / "js"
#: Seconds for one file: a deadline for a test that hangs, not what any of them takes.
DEADLINE = 300


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_modules_of_the_page():
    files = sorted(map(str, TESTS.rglob("*.test.mjs")))
    # Files that wait for a socket leave the processor to others: hence more than there are cores.
    command = ["node", "--test", f"--test-timeout={DEADLINE * 1000}", "--test-concurrency=4"]
    done = subprocess.run(
        [*command, *files], capture_output=True, text=True, timeout=DEADLINE * 1.5
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
