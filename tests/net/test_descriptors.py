"""Clients never get the last file descriptors."""

from __future__ import annotations

import resource
import subprocess
import sys

from tornado_stream.net import descriptors
from tornado_stream.settings import Settings


def test_with_enough_descriptors_the_settings_count(monkeypatch):
    monkeypatch.setattr(descriptors, "limit", lambda: 1_000_000)
    assert descriptors.shares(Settings()) == (20_000, 4000)
    assert descriptors.shares(Settings(max_connections=7, max_answers=3)) == (7, 3)


def test_with_few_descriptors_each_answer_still_has_one_for_its_model(monkeypatch):
    for limit in (1024, 20_000, 256):
        monkeypatch.setattr(descriptors, "limit", lambda limit=limit: limit)
        connections, answers = descriptors.shares(Settings())
        assert connections + answers + descriptors.RESERVE <= limit
        assert answers == min(4000, (limit - descriptors.RESERVE) // 2)


def test_the_soft_limit_becomes_the_hard_one():
    code = (
        "import resource; from tornado_stream.net import descriptors;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300)); descriptors.raise_limit();"
        "print(descriptors.limit())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "300"
    assert descriptors.limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
