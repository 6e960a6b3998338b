"""The fake upstream for the page, which does not choose a script by the model's name.

The last line of a question may be `play SCRIPT`; fake_upstream describes the steps of a script.
Where ` | ` separates several scripts, the first request for this question gets the first one, the
next request (a regenerated or a continued answer) the second, and all others the last one. Scripts
that begin with `MODEL: ` are for requests of that model alone, which are counted by themselves.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fake_upstream

_asked: dict[str, int] = {}
_parse_script = fake_upstream.parse_script


def text(content: Any) -> str:
    """A content as a text, without its pictures."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def parse_script(body: dict[str, Any]) -> list[tuple[str, str]]:
    body = {**body, "messages": [{**m, "content": text(m["content"])} for m in body["messages"]]}
    asked = [m["content"] for m in body["messages"] if m["role"] == "user"]
    if len(asked) > 1 and asked[-1].startswith("Your answer broke off."):
        asked.pop()
    line = asked[-1].rsplit("\n", 1)[-1]
    if not line.startswith("play "):
        return _parse_script(body)
    scripts = line.removeprefix("play ").split(" | ")
    own = f"{body['model']}: "
    if mine := [script.removeprefix(own) for script in scripts if script.startswith(own)]:
        scripts, line = mine, own + line
    turn = _asked.get(line, 0)
    _asked[line] = turn + 1
    return _parse_script({**body, "model": scripts[min(turn, len(scripts) - 1)]})


fake_upstream.parse_script = parse_script

if __name__ == "__main__":
    asyncio.run(fake_upstream.main())
