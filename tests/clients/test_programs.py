"""Libraries that speak OpenAI's API work with their defaults: a stream, a tool's round, errors.

Each program in programs/ is written as its library's documentation shows it, and prints the same
four lines. The libraries know models by name, so the fake upstream gives these names scripts.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .test_clients import NODE, PYTHON, ROOT, run

pytestmark = pytest.mark.wide

PROGRAMS = Path(__file__).parent / "programs"
LLAMA_INDEX = ROOT / "llama-index/bin/python"
REFUSAL = {
    "message": "17 tokens are too many",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}
SCRIPTS = {
    "gpt-4o-mini": "say=Hel;say=lo;usage=3",
    "gpt-4o": 'tool=weather:{"city":"Oslo"};say=It is ;result;usage=4',
    "gpt-4.1": f"status=400;body={json.dumps({'error': REFUSAL})}",
    "gpt-4.1-mini": "say=half;wait=0.05;error=boom",
}
#: No library sends anything to its makers.
QUIET = {
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGSMITH_TRACING": "false",
    "DO_NOT_TRACK": "1",
}


def python_library(name: str) -> bool:
    return bool(list(ROOT.glob(f"lib/python3*/site-packages/{name}")))


def needs(condition: bool) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not condition, reason="make clients installs it")


def program(name: str, library: str) -> object:
    return pytest.param(name, id=library, marks=needs(python_library(library)))


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "name",
    [
        program("openai_program", "openai"),
        program("openai_agents", "agents"),
        program("pydantic_ai_program", "pydantic_ai"),
        program("langchain_program", "langchain_openai"),
        program("litellm_program", "litellm"),
        program("llm_program", "llm"),
    ],
)
async def test_libraries_for_python(chat, upstream, tmp_path, name):
    said = await play(chat, upstream, tmp_path, PYTHON, PROGRAMS / f"{name}.py")
    check(said, upstream)


@pytest.mark.gen_test
@needs(LLAMA_INDEX.exists())
@pytest.mark.parametrize("name", ["OpenAI", "OpenAIResponses"])
async def test_llama_index(chat, upstream, tmp_path, name):
    program = PROGRAMS / "llama_index_program.py"
    check(await play(chat, upstream, tmp_path, LLAMA_INDEX, program, name), upstream)


@pytest.mark.gen_test
@needs(NODE is not None and (ROOT / "node_modules/ai").exists())
@pytest.mark.parametrize("name", ["openai_node", "ai_sdk"])
async def test_libraries_for_javascript(chat, upstream, tmp_path, name):
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    script = shutil.copy(PROGRAMS / f"{name}.mjs", tmp_path)
    check(await play(chat, upstream, tmp_path, NODE, script), upstream)


async def play(chat, upstream, tmp_path, *command) -> list[str]:
    """Run a program; returns the lines that it printed."""
    upstream.scripts.update(SCRIPTS)
    home = tmp_path / "llm"  # the program llm has its models in a file
    home.mkdir()
    base = f"http://127.0.0.1:{chat.port}/v1"
    models = [
        {"model_id": name, "model_name": name, "api_base": base, "supports_tools": True}
        for name in SCRIPTS
    ]
    (home / "extra-openai-models.yaml").write_text(json.dumps(models))
    environ = QUIET | {"LLM_USER_PATH": str(home), "HOME": str(tmp_path)}
    return (await run(chat, tmp_path, *command, **environ)).splitlines()


def check(said: list[str], upstream) -> None:
    """All four lines are right, and the upstream was asked once for each answer."""
    assert said[:2] == ["Hello", "It is cold in Oslo"]
    failures = [line for line in said[2:] if line.startswith(("refused ", "broken "))]
    refused, broken = failures  # a library may print advice between them
    assert refused.startswith("refused ") and REFUSAL["message"] in refused
    assert broken.startswith("broken ") and "boom" in broken
    models = [request["model"] for request in upstream.requests]
    assert models == ["gpt-4o-mini", "gpt-4o", "gpt-4o", "gpt-4.1", "gpt-4.1-mini"]
    first, second = upstream.requests[1:3]
    assert [tool["function"]["name"] for tool in first["tools"]] == ["weather"]
    *_, called, result = second["messages"]
    (call,) = called["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}
    assert (result["role"], result["tool_call_id"]) == ("tool", call["id"])
