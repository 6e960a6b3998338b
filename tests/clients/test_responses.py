"""Clients of `/v1/responses` beyond their first examples: OpenAI's own types, and many turns."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import pytest

from .test_clients import NODE, PYTHON, ROOT, needs_python, run

pytestmark = pytest.mark.wide

needs_ai = pytest.mark.skipif(
    not NODE or not (ROOT / "node_modules/ai").exists(), reason="make clients installs it"
)

#: Every event of every stream, and every whole response, is what OpenAI's types say.
TYPES = """
import sys
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

events = TypeAdapter(ResponseStreamEvent)
client = OpenAI()
for model in sys.argv[1:]:
    asked = {"model": model, "input": "hello", "tools": [{"type": "function", "name": "f",
             "parameters": {}, "strict": True}]}
    raw = client.responses.with_streaming_response.create(**asked, stream=True)
    with raw as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    seen = [events.validate_json(line.removeprefix("data: ")) for line in lines]
    print(len(seen), seen[-1].type)
    if "reset" not in model:
        whole = client.responses.with_raw_response.create(**asked)
        print(Response.model_validate_json(whole.text).status)
"""

#: The AI SDK names its earlier answers instead of sending them again.
TURNS = """
import { openai } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";

const messages = [{ role: "user", content: "first" }];
const whole = await generateText({ model: openai("think=so;say=one"), messages });
messages.push(...whole.response.messages, { role: "user", content: "second" });
const streamed = streamText({ model: openai("think=hm;say=two"), messages });
console.log(await streamed.text, await streamed.reasoningText);
messages.push(...(await streamed.response).messages, { role: "user", content: "third" });
console.log((await generateText({ model: openai("say=three"), messages })).text);
"""


def raw(*deltas: Any) -> str:
    texts = [f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas]
    return ";".join("raw=" + urllib.parse.quote(text, safe="") for text in texts)


@needs_python
@pytest.mark.gen_test
async def test_every_event_has_openais_type(chat, tmp_path):
    script = tmp_path / "kinds.py"
    script.write_text(TYPES)
    page = {"type": "url_citation", "url_citation": {"url": "https://a.example/", "title": "A"}}
    calls = [
        {"tool_calls": [{"index": i, "id": f"c{i}", "function": {"name": "f", "arguments": "{}"}}]}
        for i in range(2)
    ]
    all_kinds = raw({"content": "so"}, {"annotations": [page]}, {"refusal": "no"}, *calls)
    models = [
        f"think=so;{all_kinds};usage=4",
        "say=a;finish=length;done",
        "say=a;wait=0.1;reset",
    ]
    said = (await run(chat, tmp_path, PYTHON, script, *models)).splitlines()
    assert [line.split()[-1] for line in said] == [
        "response.completed",
        "completed",
        "response.incomplete",
        "incomplete",
        "response.failed",
    ]


@needs_ai
@pytest.mark.gen_test
async def test_the_ai_sdk_goes_on_for_several_turns(chat, upstream, tmp_path):
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    script = tmp_path / "turns.mjs"
    script.write_text(TURNS)
    said = (await run(chat, tmp_path, NODE, script)).splitlines()
    assert said == ["two hm", "three"]
    assert [message["content"] for message in upstream.requests[-1]["messages"]] == [
        "first",
        "one",
        "second",
        "two",
        "third",
    ]
