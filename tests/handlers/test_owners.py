"""A user sees only their own conversations; every other one is not found."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tornado_stream.handlers.base import BaseHandler


@pytest.fixture
def owned(chat, monkeypatch):
    """A server that takes the owner of a request from the header X-Owner."""
    owner = property(lambda handler: handler.request.headers.get("X-Owner", "local"))
    monkeypatch.setattr(BaseHandler, "owner", owner)
    return chat


OTHER = {"X-Owner": "other"}


@pytest.mark.gen_test
@pytest.mark.parametrize("running", [False, True])
async def test_conversations_of_another_user_are_not_found(owned, upstream, running):
    stream = await owned.send("hi", **({"model": "say=one;hold"} if running else {}))
    start = (await stream.until("start")).data
    if not running:
        await stream.read()
    home, answer = start["conversation_id"], start["generation_id"]
    for method, path, body in [
        ("GET", f"/api/conversations/{home}", None),
        ("PATCH", f"/api/conversations/{home}", {"title": "mine"}),
        ("DELETE", f"/api/conversations/{home}", {}),
        ("GET", f"/c/{home}.md", None),
        ("GET", f"/c/{home}.json", None),
        ("GET", f"/c/{home}.txt", None),
        ("GET", f"/stream/{answer}", None),
        ("POST", f"/stream/{answer}/stop", {}),
        ("POST", "/stream", {"message": "hi", "conversation_id": home}),
        ("POST", "/stream", {"continue": start["message_id"]}),
    ]:
        response = await owned.request(method, path, body, OTHER)
        assert (response.status, response.json()["error"]["code"]) == (404, "not_found"), path
    listed = await owned.request("GET", "/api/conversations", headers=OTHER)
    assert listed.json()["conversations"] == []
    found = await owned.request("GET", "/api/conversations?q=hi", headers=OTHER)
    assert found.json()["conversations"] == []
    mine = (await owned.request("GET", f"/api/conversations/{home}")).json()
    assert mine["title"].startswith("hi")
    assert [m["state"] for m in mine["messages"]] == [None, "running" if running else "done"]
    assert len(upstream.requests) == 1
    stream.close()


@pytest.mark.gen_test
@pytest.mark.parametrize("at_once", [False, True])
async def test_the_request_id_of_another_user_is_refused(owned, upstream, at_once):
    body = {"message": "hi", "request_id": str(uuid.uuid4())}
    if at_once:
        first, second = await asyncio.gather(
            owned.open("POST", "/stream", body), owned.open("POST", "/stream", body, OTHER)
        )
    else:
        first = await owned.open("POST", "/stream", body)
        await first.until("end")
        second = await owned.open("POST", "/stream", body, OTHER)
    answers = {stream.response.status: await stream.read() for stream in (first, second)}
    assert set(answers) == {200, 409}
    assert answers[409].response.json()["error"]["code"] == "request_id_reused"
    assert answers[200].end["state"] == "done"
    assert len(upstream.requests) == 1
