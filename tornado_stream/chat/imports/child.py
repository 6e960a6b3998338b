"""The program that reads an export: foreign bytes, in a process of their own.

Whatever a file does to a library, it ends this process alone, which has no secrets, a bounded
memory and a bounded time, and writes no file. The server runs it by its path.

Input: the export as stdin, and as arguments the owner and how many of the first results are left
out. Output: lines on stdout, see `wire.py`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

#: Bytes of memory, seconds of the processor, and open files.
MAX_MEMORY, MAX_SECONDS, MAX_OPEN = 512 * 1024**2, 900, 32
#: The process gives way to the server.
NICENESS = 10


def main() -> None:
    owner, skip = sys.argv[1], int(sys.argv[2])
    limit()
    sys.dont_write_bytecode = True  # it writes no file
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    with contextlib.suppress(BrokenPipeError):  # the server has ended
        write(sys.stdin.buffer, owner, skip)
    os._exit(0)


def write(file: BinaryIO, owner: str, skip: int) -> None:
    """Write the results behind the first `skip`."""
    from tornado_stream.chat.imports.reader import Result, results
    from tornado_stream.chat.imports.trees import Unreadable
    from tornado_stream.chat.imports.wire import end_line, lines

    output, why = sys.stdout.buffer, ""
    settled = 0
    try:
        for result in results(file, owner):
            if settled >= skip:
                output.writelines(lines(result))
                output.flush()
            settled += isinstance(result, Result)
    except Unreadable as error:
        why = error.why
    except MemoryError:
        why = "too_large"
    output.write(end_line(why))
    output.flush()


def limit() -> None:
    """Give this process its limits, as far as the system knows them."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICENESS)
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_SECONDS),
        (resource.RLIMIT_NOFILE, MAX_OPEN),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
