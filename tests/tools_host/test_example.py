"""examples/tools.toml does what its comments and docs/tools.md say, with an upstream of the tests
in the place of Ollama."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.tools_host.conftest import Tools, call, called, states

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/tools.toml"

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
    pytest.mark.skipif(not (BIN / "mcp-server-fetch").exists(), reason="it is not installed"),
]


@pytest.fixture
def documents() -> Iterator[str]:
    """The address of the documents, served as the example says."""
    words = re.search(r"python -m (http.server .*) 8000", EXAMPLE.read_text())[1].split()
    command = [sys.executable, "-u", "-m", *words, "0"]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    port = re.search(r"port (\d+)", server.stdout.readline())[1]
    yield f"http://localhost:{port}"
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.mark.gen_test
async def test_the_example_has_a_clock_and_reads_the_documents(
    serve, settings, tmp_path, upstream, documents, monkeypatch
):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # no environment of Python is activated
    file = tmp_path / "tools.toml"
    ollama = 'preset = "ollama"\ndefault_model = "qwen3:8b"'
    assert ollama in EXAMPLE.read_text()
    file.write_text(EXAMPLE.read_text().replace(ollama, f'base_url = "{upstream.url}"'))
    settings = replace(settings, base_url="", model="", config=file)
    tools = Tools(serve(settings), tmp_path)
    both = {"tools": ["time", "fetch"]}
    then = "say=It says ;result"
    time = await tools.ask(call("time__get_current_time", {"timezone": "Asia/Tokyo"}), then, **both)
    assert states(time) == ["running", "done"]
    assert called(time)[-1]["result"]["structured"]["timezone"] == "Asia/Tokyo"
    read = await tools.ask(call("fetch__fetch", {"url": f"{documents}/tools.md"}), then, **both)
    assert read.end["waiting"] == ["call_1"]
    after = await tools.decide(read, {"call_1": "run"})
    assert states(after) == ["waiting", "running", "done"]
    assert "# Tools" in after.text and "allow" in after.text
