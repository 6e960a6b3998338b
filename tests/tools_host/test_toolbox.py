"""Without servers of tools in the file, there is nothing of them."""

from __future__ import annotations

import sys

import pytest


@pytest.mark.gen_test
async def test_without_servers_nothing_is_imported_and_nothing_is_started(chat):
    assert (await chat.request("GET", "/api/tools")).json() == {"servers": []}
    refused = await chat.ask("hi", tools=["time"])
    assert refused.response.json()["error"]["code"] == "tools_not_found"
    assert chat.application.tools.toolbox.pid is None
    assert not {"mcp", "pydantic", "anyio", "httpx2"} & sys.modules.keys() - BEFORE


#: The plugins of pytest have imported these.
BEFORE = set(sys.modules)
