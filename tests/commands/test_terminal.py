"""How commands ask for passwords and show times and numbers."""

from __future__ import annotations

import argparse
import io

import pytest

from tornado_stream.commands.terminal import ask, count, day, days
from tornado_stream.settings import SettingError


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "36501", "9" * 5000, "٣", "1e3", " 1"])
def test_days_that_are_no_number_from_1_to_36500(text):
    with pytest.raises(argparse.ArgumentTypeError, match="a number of days from 1 to 36500"):
        days(text)


def test_numbers_and_times_for_a_person():
    assert (days("1"), days("36500")) == (1, 36500)
    assert (count(1, "token"), count(0, "token")) == ("1 token", "0 tokens")
    assert day(0) == "at an unknown time" and day(1_700_000_000).startswith("2023-11-1")


def test_a_password_is_a_line_of_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse \r\nmore\n"))
    assert ask("anna") == "correct horse "
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SettingError, match="must not be empty"):
        ask("anna")
