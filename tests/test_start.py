"""What a server that has started does without: the modules of what nobody has asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from deadlines import at_most
from process import environ

#: Modules that few servers need, by the beginning of their names. Each costs time at the start, or
#: memory as long as the server runs.
RARE = (
    "bz2",
    "curses",
    "difflib",
    "lzma",
    "mcp",
    "shutil",
    "zipfile",
    "tornado_stream.chat.conversation_archive",
    "tornado_stream.chat.imports.reader",
    "tornado_stream.chat.imports.runner",
    "tornado_stream.chat.export",
    "tornado_stream.chat.responses",
    "tornado_stream.handlers.account",
    "tornado_stream.handlers.exports",
    "tornado_stream.handlers.imports",
    "tornado_stream.handlers.index",
    "tornado_stream.handlers.usage",
    "tornado_stream.providers.local",
    "tornado_stream.providers.openai.responses_",
    "tornado_stream.store.postgres",
    "tornado_stream.tools_host.child",
    "tornado_stream.tools_host.loop",
)
CODE = """
import asyncio, gc, sys
from pathlib import Path
from tornado_stream.start import load

load()
assert gc.isenabled() and gc.get_freeze_count() > 10_000
from tornado_stream.app import ChatApplication
from tornado_stream.settings import Settings

async def start():
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    settings = Settings(data_dir=Path(sys.argv[1]), base_url="http://127.0.0.1:9/v1", config=file)
    application = ChatApplication(settings)
    await application.open()
    await application.tools.toolbox.listing("local", live=False)
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if sys.platform == "linux" else 0
    children = Path("/proc/thread-self/children")
    told = {"memory": pages * 4096}
    told["modules"] = sorted(name for name, module in sys.modules.items() if module)
    told["children"] = children.read_text().split() if children.exists() else []
    print(told)
    await application.close(1)

asyncio.run(start())
"""
#: Prints the milliseconds of the processor that the modules of tools take beyond all others.
IMPORTS = """
import sys, time
import tornado_stream.app
import tornado_stream.tools_host.loop

own = [name for name in sys.modules if name.startswith("tornado_stream.tools_host")]
took = []
for _ in range(20):
    for name in own:
        del sys.modules[name]
    began = time.thread_time()
    import tornado_stream.tools_host.loop, tornado_stream.tools_host.toolbox
    took.append(1000 * (time.thread_time() - began))
print(min(took))
"""


def started(folder: Path, *arguments: Path) -> dict[str, Any]:
    """What a server is like that has started, with a data directory in `folder`."""
    done = run(CODE, folder, *arguments)
    told: dict[str, Any] = ast.literal_eval(done)
    return told


def run(code: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environ()).stdout


def test_a_server_has_no_modules_that_nobody_has_asked_for(tmp_path: Path) -> None:
    found = started(tmp_path)
    assert [name for name in found["modules"] if name.startswith(RARE)] == []
    assert found["children"] == []


@pytest.mark.wide
def test_servers_of_tools_that_nobody_has_used_cost_next_to_nothing(tmp_path: Path) -> None:
    """No module, no process, and at most 1 MiB."""
    files = tmp_path / "without.toml", tmp_path / "with.toml"
    files[0].write_text("[budget]\ntokens = 1000000\n")
    tools = "".join(f"[tools.t{number}]\ncommand = ['t', 'a']\n" for number in range(5))
    files[1].write_text(files[0].read_text() + tools)
    runs = [[started(tmp_path / file.stem, file) for file in files] for _ in range(5)]
    for without, configured in runs:
        assert configured["modules"] == without["modules"]
        assert configured["children"] == []
    more = median(configured["memory"] - without["memory"] for without, configured in runs)
    print(f"servers of tools in the file: {more / 1024:.0f} KiB")
    assert more <= 1024 * 1024


@pytest.mark.wide
@pytest.mark.timed
def test_the_modules_of_tools_are_imported_in_ten_milliseconds() -> None:
    took = float(run(IMPORTS))
    print(f"the modules of tools: {took:.1f} ms")
    assert took <= 1000 * at_most(0.010)
