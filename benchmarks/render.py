"""What streaming a long answer as markdown costs the browser's main thread: `make bench-render`.

Real Chromium over a real server, and the page's own modules under its own content security policy.
An answer of 20,000 tokens (code, tables, lists, maths, quotes; colours and formulas on) is shown
twice in the same run: by the page's renderer, and by rendering the whole message in every frame
with the same parser and sanitiser, without colours. The clock is virtual, 100 tokens and 60 frames
a second; each frame scrolls to the end, which forces style and layout. What is timed is script,
style and layout, not paint. Of the whole renderings one in ten is made, the others cost the same;
frames that a slow one blocks are not counted. Colours and formulas are tasks of their own.
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
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
#: Times what `setTimeout` starts, with the microtasks that follow from it.
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
    """About a thousand tokens of all there is."""
    prose = [" ".join(sentence(chance) for _ in range(5)) + f" It is $x_{{{n}}}^2 + y$." for _ in (1, 2)]
    items = "".join(f"{i}. **Point {i}**: {sentence(chance)}\n" for i in range(1, 8))
    nested = "".join(f"- {sentence(chance)}\n  - inner $a_{i}$\n" for i in range(3))
    tasks = "- [x] done\n- [ ] not yet\n"
    rows = "".join(f"| row {i} | `v{i}` | {chance.random():.3f} |\n" for i in range(6))
    table = f"| name | value | size |\n|:-----|-------|-----:|\n{rows}"
    quote = f"> {sentence(chance)}\n> {sentence(chance)}\n"
    parts = [f"## Part {n}", prose[0], items, CODE.format(n=n), MATHS.format(n=n), table, prose[1]]
    return "\n".join(f"{part}\n" for part in [*parts, nested, tasks, quote])


def tokens(tokens: int) -> list[str]:
    """An answer in pieces of one to seven characters, as tokens are."""
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
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=100, help="tokens a second")
    parser.add_argument("--sample", type=int, default=10, help="one whole rendering in so many")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "main.py", "--port", "0", "--data-dir", data]
        environ = os.environ | {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "x"}
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            try:
                found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stdout or ())))
                report(measure(found[0], arguments), arguments)
            finally:
                server.terminate()


def measure(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.add_init_script(TIMERS)
        page.goto(url)
        given = {
            "pieces": tokens(arguments.tokens),
            "tokensPerSecond": arguments.rate,
            "warm": section(random.Random(5), 0),
            "sample": arguments.sample,
        }
        script = (Path(__file__).with_suffix(".js")).read_text(encoding="utf-8")
        result: dict[str, Any] = page.evaluate(script[script.index("async") :], given)
        browser.close()
        return result


def report(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    thousands = arguments.tokens / 1000
    figures: dict[str, Any] = {"tokens": arguments.tokens, **result["counts"]}
    for name in ("ours", "whole"):
        tasks, per = result[name]["tasks"], result[name]["perThousand"]
        figures[name] = {
            "ms per 1,000 tokens": round(sum(per) / thousands, 1),
            "first thousand": round(per[0], 1),
            "last thousand": round(per[-1], 1),
            "tasks": len(tasks),
            "p99 ms": round(statistics.quantiles(tasks, n=100)[98], 1),
            "longest ms": round(max(tasks), 1),
            "over 50 ms": sum(ms > 50 for ms in tasks),
        }
    ours, whole = figures["ours"], figures["whole"]
    figures["ours / whole"] = f"1/{whole['ms per 1,000 tokens'] / ours['ms per 1,000 tokens']:.1f}"
    figures["last / first"] = round(ours["last thousand"] / ours["first thousand"], 2)
    figures["same DOM as a whole rendering"] = result["equal"]
    print(json.dumps(figures, indent=2))
    good = (
        ours["ms per 1,000 tokens"] <= whole["ms per 1,000 tokens"] / 6
        and figures["last / first"] <= 1.3
        and ours["p99 ms"] <= 50
        and result["equal"]
    )
    sys.exit(not good)


if __name__ == "__main__":
    main()
