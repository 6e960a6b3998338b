"""Runs the tests of the page's modules that need no browser, with Node's test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent / "js"
#: Seconds after which a file of tests has failed; a file takes a few seconds.
DEADLINE = 500


pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def run(files: Iterable[Path], **environ: str) -> None:
    # Some files mostly wait for sockets, so more of them run at once than there are cores.
    command = ["node", "--test", f"--test-timeout={DEADLINE * 1000}", "--test-concurrency=4"]
    command.append("--test-reporter=spec")  # which lists the failures at its end
    command += sorted(map(str, files))
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE + 50,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stdout.partition("failing tests:")[2] + done.stderr


def test_the_modules_of_the_page():
    run(TESTS.rglob("*.test.mjs"))


@pytest.mark.wide
def test_thousands_of_random_texts_in_markdown():
    run([TESTS / "markdown" / "blocks.test.mjs"], MIXES="3000")
