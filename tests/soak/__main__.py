"""Runs a server under fifty users and bad networks, and checks that it does not grow: `make soak`.

The exit status is 1 if a check fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from soak import figures
from soak.run import Options, Result, soak

BUILD = Path(__file__).resolve().parent.parent.parent / "build" / "soak"


def options() -> Options:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=Options.minutes, help="how long the users act")
    add("--users", type=int, default=Options.users, help="how many users act at a time")
    add("--faults", type=float, default=Options.faults, help="share of faults, 0 to 1")
    add("--warmup", type=int, default=Options.warmup, help="answers before the measurement")
    add("--seed", default=str(time.time_ns() // 10**9 % 10**6), help="of all random choices")
    add("--trace", action="store_true", help="also write which lines allocated memory")
    add("--environ", nargs="*", default=[], metavar="NAME=VALUE", help="the server's environment")
    given = vars(parser.parse_args())
    return Options(**given | {"environ": tuple(given["environ"])})


def write(result: Result, options: Options, directory: Path) -> Path:
    path = directory / "result.json"
    value = {"options": asdict(options), **asdict(result), "met": result.met}
    path.write_text(json.dumps(value, indent=1))
    return path


def main() -> int:
    asked = options()
    BUILD.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=time.strftime("%m%d-%H%M-"), dir=BUILD))
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)

    say(f"seed {asked.seed}, {asked.minutes:g} minutes, {asked.users} users, {directory}")
    result = asyncio.run(soak(asked, directory, say))
    for wrong in result.wrong:
        print(wrong)
    shown = {name: value for name, value in result.figures.items() if name != "rows"}
    print(*(f"{name}: {value}" for name, value in shown.items()), sep="\n")
    print(figures.table(result.checks))
    print(write(result, asked, directory))
    return 0 if result.met else 1


if __name__ == "__main__":
    sys.exit(main())
