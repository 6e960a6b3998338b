"""Measures what streaming a long answer as markdown costs the browser: `make bench-render`.

Chromium opens the page of a real server, and the page's own modules run under its own content
security policy. A run shows an answer of 20,000 tokens twice (code, tables, lists, maths, quotes;
highlighting and formulas on). "ours" is the page's renderer. "whole" renders the whole message in
every frame, with the same parser and sanitizer, but without highlighting. The clock is virtual: 100
tokens and 60 frames a second. Each frame scrolls to the end, which forces style and layout; the
browser does not paint it.

On Linux a cost is the CPU time of the page's main thread, so that other programs on the machine add
little to it; elsewhere it is wall-clock time. The durations of single tasks are always wall-clock
time. Of the "whole" renderings the program makes only a sample for every 1,000 tokens, and assumes
the same cost for the others. A slow rendering leaves out the frames that it blocks, so the cost of
1,000 tokens is at most 10,000 ms: then the main thread does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
#: Collects in `window.slices` how many milliseconds each callback of `setTimeout` takes, with the
#: microtasks that follow from it.
TIMERS = """
window.slices = [];
const { setTimeout: plain } = window;
window.setTimeout = (act, ms) => plain(() => {
  const began = performance.now();
  act();
  queueMicrotask(() => queueMicrotask(() => window.slices.push(performance.now() - began)));
}, ms);
"""
WORDS = (
    "the model reads what came before and writes one word after another until the answer is done "
    "while a reader waits for **what matters** and `some code` or *a thought* in between"
).split()
CODE = """```python
def merge_{n}(left: list[int], right: list[int]) -> list[int]:
    \"\"\"Merge two sorted lists.\"\"\"
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:  # stable
            result.append(left[i])
            i += 1
        else:
            result.append(right[j])
            j += 1
    return result + left[i:] + right[j:] + [{n}]
```
"""
MATHS = "$$\nT_{{{n}}}(n) = 2\\,T\\left(\\frac{{n}}{{2}}\\right) + \\sum_{{k=0}}^{{n}} k^2\n$$\n"


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(10, 22))).capitalize() + "."


def section(chance: random.Random, n: int) -> str:
    """About a thousand tokens with every kind of markdown."""
    prose = [
        " ".join(sentence(chance) for _ in range(5)) + f" It is $x_{{{n}}}^2 + y$." for _ in (1, 2)
    ]
    items = "".join(f"{i}. **Point {i}**: {sentence(chance)}\n" for i in range(1, 8))
    nested = "".join(f"- {sentence(chance)}\n  - inner $a_{i}$\n" for i in range(3))
    tasks = "- [x] done\n- [ ] not yet\n"
    rows = "".join(f"| row {i} | `v{i}` | {chance.random():.3f} |\n" for i in range(6))
    table = f"| name | value | size |\n|:-----|-------|-----:|\n{rows}"
    quote = f"> {sentence(chance)}\n> {sentence(chance)}\n"
    parts = [f"## Part {n}", prose[0], items, CODE.format(n=n), MATHS.format(n=n), table, prose[1]]
    return "\n".join(f"{part}\n" for part in [*parts, nested, tasks, quote])


def tokens(tokens: int) -> list[str]:
    """An answer, split into that many tokens of one to seven characters."""
    chance = random.Random(4)
    pieces: list[str] = []
    n = 0
    while len(pieces) < tokens:
        text = section(chance, n := n + 1)
        while text:
            size = min(chance.randint(1, 7), len(text))
            pieces.append(text[:size])
            text = text[size:]
    return pieces[:tokens]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokens", type=int, default=20_000, help="length of the answer")
    parser.add_argument("--rate", type=int, default=100, help="tokens a second")
    parser.add_argument("--sample", type=int, default=30, help="whole renderings per 1,000 tokens")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "main.py", "--port", "0", "--data-dir", data]
        environ = os.environ | {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "x"}
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            try:
                lines = (re.search(r"http://\S+", line) for line in server.stdout or ())
                url = next(found[0] for found in lines if found)
                report(measure(url, arguments), arguments.tokens)
            finally:
                server.terminate()


class Clock:
    """Reads the CPU time of the page's main thread, in milliseconds; wall-clock time if the system
    does not tell it."""

    def __init__(self, page: Page) -> None:
        renderers = {
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if re.search(
                rb"--type=renderer(?!.*(?:--top-chrome|--extension))", _read(path), re.DOTALL
            )
            and _descends(int(path.parent.name), os.getpid())
        }
        before = {pid: self._of(pid) for pid in renderers}
        page.evaluate(
            "() => { const end = performance.now() + 1000; while (performance.now() < end); }"
        )
        # The page's process is the renderer that has just been busy.
        self.pid = max(renderers, key=lambda pid: self._of(pid) - before[pid], default=0)

    def now(self) -> float:
        return self._of(self.pid) if self.pid else time.perf_counter() * 1000

    def _of(self, pid: int) -> float:
        fields = _read(Path(f"/proc/{pid}/task/{pid}/schedstat")).split()
        return int(fields[0]) / 1e6 if fields else 0.0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        found = re.search(rb"PPid:\s+(\d+)", _read(Path(f"/proc/{pid}/status")))
        pid = int(found[1]) if found else 0
    return pid == ancestor


def measure(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.add_init_script(TIMERS)
        page.goto(url)
        script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
        given = {
            "pieces": tokens(arguments.tokens),
            "tokensPerSecond": arguments.rate,
            "warm": section(random.Random(5), 0),
        }
        page.evaluate(script[script.index("async") :], given)
        clock = Clock(page)
        ours: list[float] = []
        tasks: list[float] = []
        for end in range(1000, arguments.tokens + 1, 1000):
            began = clock.now()
            tasks += page.evaluate("end => bench.ours(end)", end)
            ours.append(clock.now() - began)
        result: dict[str, Any] = page.evaluate("bench.compare()")
        whole: list[float] = []
        second = 1000 / arguments.rate  # of a thousand tokens
        for end in range(1000, arguments.tokens + 1, 1000):
            began = clock.now()
            steps = [end - 1000, end, arguments.sample]
            page.evaluate("steps => bench.whole(...steps)", steps)
            each = (clock.now() - began) / arguments.sample
            whole.append(each * min(second * 60, second * 1000 / each))
        browser.close()
    return result | {"ours": ours, "whole": whole, "tasks": tasks}


def report(result: dict[str, Any], count: int) -> None:
    ours, whole, tasks = result.pop("ours"), result.pop("whole"), result.pop("tasks")
    figures: dict[str, Any] = {"tokens": count, **result}
    for name, costs in (("ours", ours), ("whole", whole)):
        mean, first, last = statistics.mean(costs), costs[0], costs[-1]
        figures[f"{name}: ms per 1,000 tokens"] = round(mean, 1)
        figures[f"{name}: first and last 1,000"] = [round(first, 1), round(last, 1)]
    ratio = statistics.mean(whole) / statistics.mean(ours)
    p99 = statistics.quantiles(tasks, n=100)[98]
    figures |= {
        "ours / whole": f"1/{ratio:.1f}",
        "last / first": round(ours[-1] / ours[0], 2),
        "tasks": len(tasks),
        "p99 ms": round(p99, 1),
        "longest ms": round(max(tasks), 1),
        "over 50 ms": sum(ms > 50 for ms in tasks),
    }
    print(json.dumps(figures, indent=2))
    sys.exit(not (ratio >= 6 and ours[-1] <= 1.3 * ours[0] and p99 <= 50 and result["same"]))


if __name__ == "__main__":
    main()
