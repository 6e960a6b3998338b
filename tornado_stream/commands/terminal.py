"""What a command of users asks a person for, and how it shows times and numbers."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import datetime

from tornado_stream.auth import commands
from tornado_stream.settings import SettingError


def ask(name: str) -> str:
    """A new password for this user: asked for twice, or a line of standard input. Raises
    `SettingError`."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass(f"Password for {name}: ")
        if getpass.getpass("Again: ") != password:
            raise SettingError("the two passwords differ; nothing was changed")
    commands.check_password(password)
    return password


def days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= 36500:
        raise argparse.ArgumentTypeError("it must be a number of days from 1 to 36500")
    return int(text)


def day(seconds: int) -> str:
    """A time for a person, in this machine's time zone."""
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}" if seconds else "at an unknown time"


def used(seconds: int) -> str:
    """When something was last used, for a person."""
    return f"used {day(seconds)}" if seconds else "never used"


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
