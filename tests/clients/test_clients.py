"""OpenAI's own clients and the program llm run their usual examples against `/v1`, unchanged."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.wide

ROOT = Path(__file__).parents[2] / ".venv-clients"
PYTHON, LLM, NODE = ROOT / "bin/python", ROOT / "bin/llm", shutil.which("node")

needs_python = pytest.mark.skipif(not LLM.exists(), reason="make clients installs the clients")
needs_node = pytest.mark.skipif(
    not NODE or not (ROOT / "node_modules/openai").exists(), reason="make clients installs it"
)
long = pytest.mark.gen_test

PYTHON_EXAMPLES = """
import asyncio
from openai import APIStatusError, AsyncOpenAI, OpenAI

client = OpenAI()
messages = [{"role": "user", "content": "hello you"}]
whole = client.chat.completions.create(model="fake-model", messages=messages)
print(whole.choices[0].message.content, whole.choices[0].finish_reason)
options = {"include_usage": True}
with client.chat.completions.create(
    model="say=Hel;say=lo;usage=3", messages=messages, stream=True, stream_options=options
) as stream:
    for chunk in stream:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="")
        else:
            print("", chunk.usage.completion_tokens)
with client.chat.completions.stream(model="say=via;say= helper", messages=messages) as stream:
    print(stream.get_final_completion().choices[0].message.content)
print([model.id for model in client.models.list()])
try:
    client.chat.completions.create(model="status=500", messages=messages)
except APIStatusError as error:
    print(error.status_code, error.code)
try:
    for chunk in client.chat.completions.create(
        model="say=a;error=boom", messages=messages, stream=True
    ):
        pass
except Exception as error:
    print(type(error).__name__, error)

async def main():
    client = AsyncOpenAI()
    stream = await client.chat.completions.create(
        model="say=as;say=ync", messages=messages, stream=True
    )
    print("".join([c.choices[0].delta.content or "" async for c in stream]))

asyncio.run(main())
"""

NODE_EXAMPLES = """
import OpenAI from "openai";

const client = new OpenAI();
const messages = [{ role: "user", content: "hello you" }];
const whole = await client.chat.completions.create({ model: "fake-model", messages });
console.log(whole.choices[0].message.content, whole.choices[0].finish_reason);
const asked = { model: "say=Hel;say=lo", messages, stream: true };
const stream = await client.chat.completions.create(asked);
let text = "";
for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
console.log(text);
const runner = client.chat.completions.stream({ model: "say=via;say= helper", messages });
console.log(await runner.finalContent());
for await (const model of client.models.list()) console.log(model.id);
const failing = client.chat.completions.create({ model: "status=500", messages });
await failing.catch((error) => console.log(error.status, error.code));
"""


async def run(chat, tmp_path, *command: str | Path, **more: str) -> str:
    base = f"http://127.0.0.1:{chat.port}/v1"
    environ = {
        **os.environ,
        "OPENAI_BASE_URL": base,
        "OPENAI_API_KEY": "any",
        "OPENAI_API_BASE": base,
        **more,
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environ,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@needs_python
@long
async def test_openai_for_python(chat, upstream, tmp_path):
    script = tmp_path / "examples.py"
    script.write_text(PYTHON_EXAMPLES)
    said = (await run(chat, tmp_path, PYTHON, script)).splitlines()
    assert said == [
        "hello you stop",
        "Hello 3",
        "via helper",
        "['fake-model']",
        "502 upstream_5xx",
        "APIError boom",
        "async",
    ]
    assert len(upstream.requests) == 6  # no request was sent twice


PRESET_EXAMPLE = """
from openai import OpenAI

client = OpenAI()
assert client.models.retrieve("preset/Translator").id == "preset/Translator"
messages = [{"role": "user", "content": "Guten Tag"}]
whole = client.chat.completions.create(model="preset/Translator", messages=messages)
print(whole.choices[0].message.content)
print(client.responses.create(model="preset/Translator", input="Guten Tag").output_text)
"""


@needs_python
@long
async def test_openai_for_python_asks_a_preset(chat, upstream, tmp_path):
    preset = {"name": "Translator", "system": "Translate.", "model": "say=Hello", "options": {}}
    assert (await chat.request("POST", "/api/presets", preset)).status == 201
    script = tmp_path / "examples.py"
    script.write_text(PRESET_EXAMPLE)
    assert (await run(chat, tmp_path, PYTHON, script)).splitlines() == ["Hello", "Hello"]
    for request in upstream.requests:
        assert request["messages"][0] == {"role": "system", "content": "Translate."}
        assert (request["model"], request["messages"][1]["content"]) == ("say=Hello", "Guten Tag")


@needs_node
@long
async def test_openai_for_javascript(chat, upstream, tmp_path):
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    script = tmp_path / "examples.mjs"
    script.write_text(NODE_EXAMPLES)
    said = (await run(chat, tmp_path, NODE, script)).splitlines()
    assert said == ["hello you stop", "Hello", "via helper", "fake-model", "502 upstream_5xx"]
    assert len(upstream.requests) == 4


@needs_python
@long
async def test_llm(chat, upstream, tmp_path):
    home = tmp_path / "llm"
    home.mkdir()
    model = {
        "model_id": "ours",
        "model_name": "fake-model",
        "api_base": f"http://127.0.0.1:{chat.port}/v1",
    }
    (home / "extra-openai-models.yaml").write_text(json.dumps([model]))
    environ = {"LLM_USER_PATH": str(home)}
    assert await run(chat, tmp_path, LLM, "-m", "ours", "hello you", **environ) == "hello you\n"
    whole = await run(chat, tmp_path, LLM, "-m", "ours", "--no-stream", "hello", **environ)
    assert whole == "hello\n"
    assert len(upstream.requests) == 2
