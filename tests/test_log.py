"""One line for each request, without what nobody should read."""

from __future__ import annotations

import logging

import pytest


@pytest.mark.gen_test
async def test_requests_are_logged_without_their_query(chat, caplog):
    caplog.set_level(logging.INFO, "tornado_stream.access")
    await chat.request("GET", "/api/models?token=secret")
    await chat.request("GET", "/%0d%0aInjected:%20line")
    lines = [r.getMessage() for r in caplog.records if r.name == "tornado_stream.access"]
    assert lines[0].startswith("GET /api/models 200 ") and lines[0].endswith("ms")
    assert not any("secret" in line or "\n" in line for line in lines)


@pytest.mark.gen_test
async def test_what_monitors_ask_is_not_logged(chat, caplog):
    caplog.set_level(logging.INFO, "tornado_stream.access")
    await chat.request("GET", "/healthz")
    assert not [r for r in caplog.records if r.name == "tornado_stream.access"]
