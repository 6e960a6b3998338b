"""The page's modules that need no browser, tested by Node's own runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent / "js"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_modules_of_the_page():
    files = sorted(map(str, TESTS.rglob("*.test.mjs")))
    command = ["node", "--test", "--test-timeout=60000", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
