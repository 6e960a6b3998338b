"""Runs the tests of the page's modules that need no browser, with Node's test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent / "js"
#: Seconds after which a file of tests has failed; a file takes a few seconds.
DEADLINE = 500


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_modules_of_the_page():
    files = sorted(map(str, TESTS.rglob("*.test.mjs")))
    # Some files mostly wait for sockets, so more of them run at once than there are cores.
    command = ["node", "--test", f"--test-timeout={DEADLINE * 1000}", "--test-concurrency=4"]
    command.append("--test-reporter=spec")  # which lists the failures at its end
    done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=DEADLINE + 50)
    assert done.returncode == 0, done.stdout.partition("failing tests:")[2] + done.stderr
