"""What an upstream signed goes back to it alone, in a conversation that two upstreams answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest
from client import Client
from fake_upstream import FakeUpstream

KEEP = {"Tornado-Stream-Keep": "true"}


@pytest.fixture
def another(io_loop):
    """A second upstream."""

    async def make() -> FakeUpstream:
        return FakeUpstream()

    fake = io_loop.run_sync(make)
    yield fake
    io_loop.run_sync(fake.close)


@pytest.fixture
def over(serve, settings, tmp_path, upstream, another) -> Callable[[], Client]:
    """Starts a server over the upstreams `alpha` and `beta`."""

    def start() -> Client:
        path = tmp_path / "upstreams.toml"
        path.write_text(
            f'[upstream.alpha]\nbase_url = "{upstream.url}"\n'
            f'[upstream.beta]\nbase_url = "{another.url}"\n'
        )
        return serve(replace(settings, config=path, base_url=None, model=None))

    return start


def signs(seal: str, ending: str = "finish=stop") -> str:
    """The script of a model that thinks, signs that, and says a word."""
    thought = {"type": "reasoning.text", "text": "hm", "signature": seal, "index": 0}
    delta = {"content": f"by {seal}", "reasoning": "hm", "reasoning_details": [thought]}
    chunk = "data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}) + "\n\n"
    return f"raw={quote(chunk, safe='')};{ending}"


def seals(upstream: FakeUpstream) -> list[str]:
    """The signatures in the newest request."""
    body = json.dumps(upstream.requests[-1]["messages"])
    return [seal for seal in ("A1", "A2", "B1", "other") if json.dumps(seal) in body]


@pytest.mark.gen_test
async def test_signed_reasoning_goes_back_to_its_upstream_and_model_alone(over, upstream, another):
    upstream.models, another.models = ["a", "a-other"], ["b"]
    upstream.scripts = {"a": signs("A1"), "a-other": signs("other")}
    another.scripts = {"b": signs("B1")}
    chat = over()
    first = await chat.ask("one")  # names no model: the first upstream's first one
    id = first.start["conversation_id"]

    async def ask(parent, model):
        return await chat.ask("more", conversation_id=id, parent_id=parent, model=model)

    last = first
    for model, judge, expected in [
        ("b", another, []),
        ("a", upstream, ["A1"]),
        ("alpha/a", upstream, ["A1"]),
        ("a-other", upstream, []),
        ("beta/b", another, ["B1"]),
        ("a", upstream, ["A1"]),
    ]:
        last = await ask(last.start["message_id"], model)
        assert last.end["state"] == "done"
        assert (model, seals(judge)) == (model, expected)
    thoughts = [m.get("reasoning_details") for m in upstream.requests[-1]["messages"]]
    assert [bool(thought) for thought in thoughts[1::2]] == [True, False, True, True, False, False]


@pytest.mark.gen_test
async def test_an_answer_that_another_upstream_continues_has_nothing_signed_of_the_first(
    over, upstream, another
):
    upstream.models, another.models = ["a"], ["b"]
    upstream.scripts = {"a": signs("A1", "finish=abort")}
    another.scripts = {"b": "say= and more"}
    chat = over()
    first = await chat.ask("one", model="a")
    id, parent = first.start["conversation_id"], first.start["user_message_id"]
    more = await chat.ask(
        None,
        conversation_id=id,
        parent_id=parent,
        **{"continue": first.start["message_id"]},
        model="b",
    )
    assert more.end["upstream"] == "beta"
    for model, judge in (("b", another), ("a", upstream)):
        await chat.ask("next", conversation_id=id, parent_id=more.start["message_id"], model=model)
        assert seals(judge) == []


@pytest.mark.gen_test
async def test_no_conversation_and_no_file_shows_what_was_signed(over, upstream, another):
    upstream.models, another.models = ["a"], ["b"]
    upstream.scripts = {"a": signs("A1")}
    chat = over()
    first = await chat.ask("one", model="a")
    id = first.start["conversation_id"]
    body = {"model": "a", "messages": [{"role": "user", "content": "kept"}]}
    await chat.request("POST", "/v1/chat/completions", body, KEEP)
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert len(listed) == 2
    for one in (*(talk["id"] for talk in listed), id):
        for path in (f"/api/conversations/{one}", *(f"/c/{one}.{end}" for end in ("json", "md"))):
            shown = (await chat.request("GET", path)).body
            assert b"by A1" in shown
            assert b"signature" not in shown and b'"signed"' not in shown
        assert b"signature" not in (await chat.request("GET", f"/c/{one}.txt")).body
