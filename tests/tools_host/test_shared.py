"""What readers of a shared link get of calls of tools."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest
from handlers.test_shares import share

from tests.tools_host.conftest import call, called, start

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.gen_test
async def test_readers_get_names_and_states_and_neither_arguments_nor_results(
    serve, settings, tmp_path, upstream, files
):
    tools = start(serve, replace(settings, sharing=True), tmp_path)
    calls = (
        f"say=I look.;{call('c__get_count', {'text': 'secret words'}, id='a')}",
        f"{call('c__draw', {'text': 'secret words'}, id='b')}",
        "say=So it is.",
    )
    first = await tools.ask(*calls)
    answer = await tools.decide(first, {"b": "run"})
    (picture,) = called(answer)[-1]["result"]["files"]
    path, _ = await share(tools.chat, answer.start, live=True, files=files)
    shown = (await tools.chat.request("GET", f"{path}.json")).json()["messages"]
    assert shown[1]["tool_calls"] == [
        {"index": 0, "name": "c__get_count", "state": "done"},
        {"index": 1, "name": "c__draw"},
    ]
    assert shown[-1]["content"] == "So it is."
    texts = [repr(shown)]
    for ending in ("", ".md", ".txt"):
        texts.append((await tools.chat.request("GET", path + ending)).body.decode())
    assert "c__get_count</code> · Done" in texts[1]
    for message in (shown[1], shown[-1]):
        read = await tools.chat.open("GET", f"{path}/stream/{message['generation_id']}")
        events = [(event.name, event.data) for event in (await read.read()).events]
        told = [data for name, data in events if name == "tool"]
        assert told and all(data.keys() <= {"index", "name", "state", "t"} for data in told)
        texts.append(repr(events))
    for text in texts:
        assert not [
            word for word in ("secret words", "This is number", picture["id"]) if word in text
        ]
    got = await tools.chat.request("GET", f"{path}/files/{picture['id']}")
    assert got.status == 404, "files are those of messages"
