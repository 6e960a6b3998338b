"""Runs a command beside processes that compute without pause: `python tests/busy.py 8 make test`.

The first argument is the number of these processes; its exit status is the command's. A test
that fails here and passes alone depends on how fast the machine is.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys


def compute(parent: int) -> None:
    """Compute until the parent process has gone, however it ended."""
    while os.getppid() == parent:
        sum(range(100_000))


def main(count: int, command: list[str]) -> int:
    loops = [
        multiprocessing.Process(target=compute, args=(os.getpid(),), daemon=True)
        for _ in range(count)
    ]
    for loop in loops:
        loop.start()
    try:
        return subprocess.run(command).returncode
    finally:
        for loop in loops:
            loop.terminate()


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[1].isdecimal():
        sys.exit(__doc__)
    try:
        sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
