"""The way of a chunk and of a question through the modules: how many of them it visits.

The rule: the spine stays short enough to be held in the head. `pytest tests/test_paths.py -s`
prints the modules in the order in which they are first entered.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tornado_stream.handlers import base

#: What a commit does: on the loop, or when the store's thread has made it.
COMMIT = ("store/shared_transaction.py:_commit", "store/shared_transaction.py:_settle")
PACKAGE = str(Path(__file__).resolve().parent.parent / "tornado_stream") + "/"


class Walk:
    """The modules of the package that are entered on this thread between two calls. A commit of the
    store is not followed: its thread may as well do it."""

    def __init__(self, first: str, last: str) -> None:
        self.walks: list[list[str]] = []
        self._first, self._last = first, last
        self._modules: dict[str, None] | None = None
        self._committing: FrameType | None = None

    def notice(self, frame: FrameType, event: str, argument: Any) -> None:
        if self._committing:
            if event == "return" and frame is self._committing:
                self._committing = None
        elif event == "call":
            self._entered(frame)
        elif event == "c_call":
            self._called(frame, argument.__name__)

    def _entered(self, frame: FrameType) -> None:
        if module := _module(frame):
            if f"{module}:{frame.f_code.co_name}" in COMMIT:
                self._committing = frame
                return
            if self._modules is None and f"{module}:{frame.f_code.co_name}" == self._first:
                self._modules = {}
            if self._modules is not None:
                self._modules[module] = None
        elif frame.f_back:
            self._called(frame.f_back, frame.f_code.co_name)

    def _called(self, caller: FrameType, name: str) -> None:
        if self._modules is not None and f"{_module(caller)}:{name}" == self._last:
            self.walks.append(list(self._modules))
            self._modules = None


def _module(frame: FrameType) -> str:
    file = frame.f_code.co_filename
    return file.removeprefix(PACKAGE) if file.startswith(PACKAGE) else ""


@contextmanager
def walking(first: str, last: str) -> Iterator[Walk]:
    """Follow every way from a call of `first` (module:function) to one of `last` (the module that
    calls, and the name of the foreign function that it calls)."""
    walk = Walk(first, last)
    sys.setprofile(walk.notice)
    try:
        yield walk
    finally:
        sys.setprofile(None)


def show(name: str, modules: list[str]) -> None:
    print(f"\n{name}: {len(modules)} modules")
    for module in modules:
        print(f"  {module}")


@pytest.mark.gen_test
async def test_a_chunk_visits_few_modules(chat):
    with walking("net/http_client.py:buffer_updated", "net/streamed_body.py:send") as walk:
        answer = await chat.ask(model="gap=0.02;count=8")
    assert answer.end["state"] == "done"
    steady = min(walk.walks[2:], key=len)
    show("a chunk", steady)
    assert len(steady) <= 8


#: Where a question enters, and how many modules it visits: after Tornado has parsed and routed it,
#: and, on the short way in, from its first byte on.
ENTRANCES = {
    "tornado": ("handlers/base.py:prepare", 19),
    "short": ("handlers/short_way.py:__call__", 26),
}


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_question_visits_few_modules(chat, way, monkeypatch):
    monkeypatch.setattr(base, "LOGIN_LASTS", 60.0)  # a busy machine looks the login up again
    first, most = ENTRANCES[way]
    await chat.ask()
    with walking(first, "net/upstream_connections.py:write") as walk:
        for _ in range(5):  # something else may run in between, for example a timer
            await chat.ask()
    modules = min(walk.walks, key=len)
    show(f"a question ({way})", modules)
    assert len(modules) <= most
