"""The command that the page and messages name."""

from __future__ import annotations

import sys

import pytest

from tornado_stream.own_command import command_again, program, short_command


def test_it_is_the_one_that_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAKE_TARGET", raising=False)
    assert (short_command(), short_command("--x")) == ("python main.py", "python main.py --x")
    monkeypatch.setattr(sys, "argv", ["/opt/tornado-stream/bin/tornado-stream"])
    assert (program(), short_command("--x")) == ("tornado-stream", "tornado-stream --x")
    monkeypatch.setenv("MAKE_TARGET", "run")
    assert (short_command(), short_command("--x")) == ("make run", "make run ARGS=--x")
    assert command_again(["--a b"], "$") == """make run ARGS=''"'"'--a b'"'"' '"'"'$$'"'"''"""


@pytest.mark.gen_test
async def test_the_page_names_the_command_that_works_here(chat, monkeypatch) -> None:
    monkeypatch.setenv("MAKE_TARGET", "run")
    page = (await chat.request("GET", "/")).body.decode()
    assert "OPENAI_API_KEY=sk-… make run<" in page and "main.py" not in page
