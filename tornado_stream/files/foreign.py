"""Runs a program for bytes of strangers: as a process of its own, with little time and no secrets.

The rule: whatever the bytes do, the process ends in time, and the server goes on. The program sets
limits to itself before it reads any of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Timer
from typing import BinaryIO

#: The environment variables that the process inherits. The others may be secrets, under any name.
INHERITED = re.compile(
    r"PATH|LANG|LC_\w+|TEMP|TMP|TMPDIR|SYSTEMROOT|WINDIR|LD_LIBRARY_PATH|DYLD_\w+|PYTHONPATH|"
    r"PYTHONHOME|VIRTUAL_ENV",
    re.IGNORECASE,
)
#: Seconds that a process may take, of which it may use a part itself.
LONGEST = 60.0


class ForeignProcess:
    """One process. `run` and `lines` block; the other methods may be called on any thread."""

    def __init__(
        self, program: Path, arguments: Sequence[str], stdin: BinaryIO, *, longest: float = LONGEST
    ) -> None:
        """Start it. -P keeps the directory of the program off its import path. Raises `OSError`."""
        self._process = subprocess.Popen(
            (sys.executable, "-P", str(program), *arguments),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)},
            # Ctrl-C in the terminal must reach only the server.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._timer = Timer(longest, self.kill)
        self._timer.daemon = True
        self._timer.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, most: int) -> tuple[bytes, int]:
        """Its output and its exit code. Of more than `most` bytes nothing is kept, and it is
        killed."""
        assert self._process.stdout
        try:
            with self._process.stdout as stdout:
                output = stdout.read(most + 1)
            if len(output) > most:
                output = b""
                self.kill()
            return output, self._process.wait()
        finally:
            self._timer.cancel()

    def lines(self, most: int) -> Generator[bytes, None, None]:
        """Its output as it comes, line by line; a line has at most `most` bytes, or the rest of it
        follows. When the last line is taken, or no more are wanted, it is over."""
        assert self._process.stdout
        try:
            with self._process.stdout as stdout:
                while line := stdout.readline(most):
                    yield line
        finally:
            self._timer.cancel()
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it. Idempotent."""
        self._process.kill()
