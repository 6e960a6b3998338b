"""OpenAI's clients retry behind nginx while the upstream is silent; the upstream is asked once.

nginx gives up after `READ_TIMEOUT` without a byte, and the upstream is silent for longer. Three
ways keep a call from being asked for twice: a stream has its head and pings in time, a kept answer
is joined by the retry, and so is one with an `Idempotency-Key`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from deadlines import LONG
from process import environ

from .proxy_programs import listening
from .proxy_programs import nginx as proxy

pytestmark = [pytest.mark.wide, pytest.mark.timed]

ROOT = Path(__file__).resolve().parents[2] / ".venv-clients"
PYTHON, NODE = ROOT / "bin/python", shutil.which("node")
#: Seconds. The long form has the figures of a usual nginx; the others have the same relation.
READ_TIMEOUT, SILENCE, HEARTBEAT = (20, 25, 15.0) if LONG else (4, 6, 1.0)

SITE = """
server {{
  listen 127.0.0.1:{port};
  location / {{
    proxy_pass http://127.0.0.1:{server};
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_read_timeout {timeout}s;
  }}
}}
"""

PYTHON_CALLS = """
import json, sys
from openai import OpenAI

client = OpenAI()
for call in json.load(sys.stdin):
    answer = client.chat.completions.create(**call["body"], extra_headers=call["headers"])
    if call["body"]["stream"]:
        print("".join(c.choices[0].delta.content or "" for c in answer if c.choices))
    else:
        print(answer.choices[0].message.content)
"""

NODE_CALLS = """
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI();
for (const { body, headers } of JSON.parse(readFileSync(0))) {
  const answer = await client.chat.completions.create(body, { headers });
  let text = "";
  if (body.stream) for await (const chunk of answer) text += chunk.choices[0]?.delta?.content ?? "";
  console.log(body.stream ? text : answer.choices[0].message.content);
}
"""


@pytest.fixture
def nginx(serve, settings, tmp_path: Path) -> Iterator[int]:
    """The port of nginx in front of a server."""
    chat = serve(replace(settings, heartbeat=HEARTBEAT))
    sock, port = listening()
    with proxy(tmp_path, SITE.format(port=port, server=chat.port, timeout=READ_TIMEOUT), [sock]):
        yield port


def call(streamed: bool, script: str, **headers: str) -> dict:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"model": script, "messages": [{"role": "user", "content": "hi"}], "stream": streamed}
    return {"body": body, "headers": named}


#: Silence before the upstream's head, and after it.
SILENT = [f"nohead={SILENCE};say=late", f"wait={SILENCE};say=late"]
KEPT, KEY = {"Tornado_Stream_Keep": "true"}, "Idempotency_Key"
CALLS = {
    "streams": [call(True, script) for script in SILENT],
    "kept": [call(streamed, SILENT[1], **KEPT) for streamed in (False, True)],
    "keys": [call(streamed, SILENT[0], **{KEY: f"k{streamed}"}) for streamed in (False, True)],
}


@pytest.mark.gen_test
@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("client", ["python", "node"])
async def test_the_upstream_is_asked_once(nginx, upstream, tmp_path, client, calls):
    said = await play(nginx, tmp_path, client, CALLS[calls])
    assert said == ["late"] * len(CALLS[calls])
    assert len(upstream.requests) == len(CALLS[calls])


async def play(port: int, home: Path, client: str, calls: list[dict]) -> list[str]:
    """The lines that OpenAI's client prints, one for each call."""
    if client == "node":
        if not NODE or not (ROOT / "node_modules/openai").exists():
            pytest.skip("make clients installs it")
        (home / "node_modules").symlink_to(ROOT / "node_modules")
        script, text = home / "calls.mjs", NODE_CALLS
    else:
        if not list(ROOT.glob("lib/python3*/site-packages/openai")):
            pytest.skip("make clients installs it")
        script, text = home / "calls.py", PYTHON_CALLS
    script.write_text(text)
    done = await asyncio.to_thread(
        subprocess.run,
        [NODE if client == "node" else PYTHON, script],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        env=environ(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1", OPENAI_API_KEY="any"),
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()
