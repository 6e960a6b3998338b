"""Tools where two processes serve: asked at one and decided at the other, whichever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from client import Answer, Stream, until
from handover.fleet import Fleet

from tests.tools_host.conftest import Tools, call, called, script, states
from tests.tools_host.two import Two, TwoInstances, TwoWorkers, config

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

THEN = "say=It is ;result"
MAY_HAVE_RUN = "The answer ended while the call ran. It may have run."


@pytest.fixture(params=["instances", "workers", "workers over PostgreSQL"])
def two(request, tmp_path, upstream, io_loop) -> Iterator[Two]:
    database = None
    if "instances" in request.param or "PostgreSQL" in request.param:
        database = request.getfixturevalue("postgres").new_database()
    kind = TwoInstances if request.param == "instances" else TwoWorkers
    two = kind(tmp_path, upstream.url, database)
    try:
        io_loop.run_sync(two.start)
        yield two
    finally:
        two.close()


async def read(tools: Tools, id: str) -> Answer:
    return await tools.chat.resume(id)


async def allowed(tools: Tools, name: str, text: str, at: Tools | None = None) -> Stream:
    """Ask for a call that a person must allow, allow it `at` a process, and leave when it runs."""
    at = at or tools
    asked = await tools.ask(call(f"c__{name}", {"text": text}), THEN)
    ids = {"parent_id": asked.start["message_id"], "decide": {"call_1": "run"}}
    stream = await at.chat.send(None, **ids)
    while (await stream.until("tool")).data["state"] != "running":
        pass
    await until(lambda: text in at.ran)
    return stream


@pytest.mark.gen_test(timeout=120)
async def test_asked_at_one_and_decided_at_the_other(two, upstream):
    first, second = two.tools
    asked = await first.ask(call("c__count", {"text": "é 1"}), THEN)
    assert (asked.end["waiting"], first.ran) == (["call_1"], [])
    shown = [await one.message(asked) for one in two.tools]
    assert shown[0] == shown[1]
    after = await second.decide(asked, {"call_1": "run"})
    assert (after.text, states(after)) == (
        *("It is This is number 1.", ["waiting", "running", "done"]),
    )
    assert first.ran == ["é 1"]
    for answer in (asked, after):
        logs = [await read(one, answer.start["generation_id"]) for one in two.tools]
        events = [[(e.id, e.name, e.data) for e in log.events] for log in (answer, *logs)]
        assert events[0] == events[1] == events[2]
        shown = [await one.message(answer) for one in two.tools]
        assert shown[0] == shown[1] and shown[0]["waiting"] == []
    ids = {"conversation_id": asked.start["conversation_id"]}
    assert (await first.chat.ask("And now?", model="say=Now.", **ids)).text == "Now."
    roles = [message["role"] for message in upstream.requests[-1]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize("same", [True, False], ids=["one request", "five requests"])
@pytest.mark.gen_test(timeout=120)
async def test_five_clients_that_decide_at_both_at_once_run_the_tool_once(two, same):
    first, second = two.tools
    asked = await first.ask(call("c__count", {"text": "five"}), THEN)
    ids = [str(uuid.uuid4())] * 5 if same else [str(uuid.uuid4()) for _ in range(5)]
    answers = await asyncio.gather(
        *(
            two.tools[number % 2].decide(asked, {"call_1": "run"}, request_id=id)
            for number, id in enumerate(ids)
        )
    )
    took = [answer for answer in answers if answer.response.status == 200]
    assert {answer.text for answer in took} == {"It is This is number 1."}
    assert len(took) == (5 if same else 1)
    for answer in answers:
        if answer not in took:
            error = answer.response.json()["error"]
            assert (answer.response.status, error["code"]) == (409, "already_decided")
            assert error["generation_id"] == took[0].start["generation_id"]
    assert first.ran == ["five"]


@pytest.mark.gen_test(timeout=120)
async def test_a_call_that_runs_is_seen_at_the_other_and_stopped_from_there(two):
    first, second = two.tools
    running = await allowed(first, "hang", "stopped")
    id = running.answer.start["generation_id"]
    elsewhere = await second.chat.open("GET", f"/stream/{id}")
    while (await elsewhere.until("tool")).data["state"] != "running":
        pass
    assert (await second.chat.stop(id)).json()["state"] == "stopped"
    for answer in (await running.read(), await elsewhere.read()):
        assert (answer.end["state"], answer.end["waiting"]) == ("stopped", ["call_1"])
    told = await second.decide(running.answer, {"call_1": "tell"})
    assert "It may have run" in told.text
    assert (told.end["waiting"], first.ran) == ([], ["stopped"])


@pytest.mark.gen_test(timeout=120)
async def test_a_call_is_unknown_when_the_process_that_sent_it_is_killed(two):
    first, second = two.tools
    running = await allowed(second, "hang", "killed", at=first)
    id = running.answer.start["generation_id"]
    await two.kill(0)
    answer = await read(second, id)
    assert (answer.end["state"], answer.end["waiting"]) == ("interrupted", ["call_1"])
    message = await second.message(answer)
    (part,) = (part for part in message["parts"] if part["type"] == "call")
    assert (part["state"], part["why"]) == ("unknown", MAY_HAVE_RUN)
    assert part["server"] == "c" and part["arguments"] == '{"text": "killed"}'
    for refused in ("refuse", "always"):
        assert (await second.decide(answer, {"call_1": refused})).response.status == 400
    told = await second.decide(answer, {"call_1": "tell"})
    assert "It may have run" in told.text
    assert (told.end["waiting"], second.ran) == ([], ["killed"])


@pytest.mark.parametrize("what", ["host", "server_of_tools"])
@pytest.mark.gen_test(timeout=120)
async def test_a_call_is_unknown_when_what_carries_it_out_is_killed(two, what):
    first, second = two.tools
    running = await allowed(second, "hang", "killed", at=first)
    beside = await allowed(second, "hang", "beside")
    getattr(two, f"kill_{what}")(0)
    answer = await running.read()
    assert (answer.end["state"], answer.end["waiting"]) == ("done", ["call_1"])
    why = {"host": "the tool host has ended", "server_of_tools": "it has ended"}[what]
    assert (called(answer)[-1]["state"], called(answer)[-1]["why"]) == ("unknown", why)
    assert (await second.message(answer))["waiting"] == ["call_1"]
    told = await first.decide(answer, {"call_1": "tell"})
    assert "It may have run" in told.text
    new = await first.ask(call("c__get_count"), THEN)
    assert new.text == "It is This is number 3.", "what was killed is started again"
    assert first.ran == ["killed", "beside", "get_count"]
    await second.chat.stop(beside.answer.start["generation_id"])
    assert (await beside.read()).end["state"] == "stopped", "the other process has its own host"


@pytest.mark.gen_test(timeout=120)
async def test_a_decision_that_a_crash_kept_from_being_carried_out_waits_again(two):
    first, second = two.tools
    asked = await second.ask(call("c__count", {"text": "later"}), THEN)
    slow = two.folder / "slow"
    slow.touch()  # the tool host of the first process has not started the server of tools yet
    ids = {"parent_id": asked.start["message_id"], "decide": {"call_1": "run"}}
    stream = await first.chat.send(None, **ids)
    id = (await stream.until("start")).data["generation_id"]
    await until(lambda: (two.folder / "is_slow").exists())
    await two.kill(0)
    answer = await read(second, id)
    assert (answer.end["state"], answer.end["waiting"]) == ("interrupted", ["call_1"])
    slow.unlink()
    assert second.ran == []
    refused = await second.decide(asked, {"call_1": "run"})
    error = refused.response.json()["error"]
    assert (error["code"], error["generation_id"]) == ("already_decided", id)
    after = await second.decide(answer, {"call_1": "run"})
    assert (after.text, second.ran) == ("It is This is number 1.", ["later"])


@pytest.mark.gen_test(timeout=120)
async def test_a_decision_after_all_has_been_started_anew(two, upstream):
    """What waits, and what may have run, is decided by processes that began later."""
    asked = await two.tools[0].ask(call("c__count", {"text": "later"}), THEN)
    doubtful = await two.tools[1].ask(call("c__die", {"text": "doubtful"}, id="call_2"), THEN)
    doubtful = await two.tools[0].decide(doubtful, {"call_2": "run"})
    assert doubtful.end["waiting"] == ["call_2"]
    await two.stop()
    await two.start()
    first, second = two.tools
    after = await second.decide(asked, {"call_1": "run"})
    assert (after.text, first.ran) == ("It is This is number 2.", ["doubtful", "later"])
    told = await first.decide(doubtful, {"call_2": "tell"})
    assert "It may have run" in told.text
    for answer in (asked, doubtful, after):
        log = await read(second, answer.start["generation_id"])
        assert called(log) == called(answer) and log.end == answer.end


@pytest.mark.gen_test(timeout=120)
async def test_what_runs_unasked_is_given_at_one_and_taken_back_at_the_other(two, upstream):
    """Also for an answer that is running there."""
    first, second = two.tools
    asked = await first.ask(call("c__count", {"text": "one"}), "say=End.")
    await second.decide(asked, {"call_1": "always"})
    ids = {"conversation_id": asked.start["conversation_id"]}
    steps = ("", call("c__count", {"text": "two"}, id="b"), "say=End.")
    assert (await first.ask(*steps, **ids)).end["waiting"] == []
    path = f"/api/conversations/{ids['conversation_id']}"
    shown = [(await one.chat.request("GET", path)).json()["always"] for one in two.tools]
    assert shown[0] == shown[1] and len(shown[0]) == 1
    holds = script("", "", f"say=Wait.;hold;{call('c__count', {'text': 'three'}, id='c')}")
    running = await first.chat.send("And now?", model=holds, tools=["c"], **ids)
    await running.until("delta")
    took = await second.chat.request("PATCH", path, {"always": []})
    assert (took.status, took.json()["always"]) == (200, [])
    upstream.released.set()
    assert (await running.read()).end["waiting"] == ["c"]
    assert first.ran == ["one", "two"]


@pytest.mark.parametrize("two", ["instances", "workers over PostgreSQL"], indirect=True)
@pytest.mark.gen_test(timeout=180)
async def test_a_result_that_comes_while_the_database_is_away_is_kept(two, postgres):
    first, second = two.tools
    running = await allowed(first, "wait", "away", at=second)
    postgres.kill()
    (two.folder / "go").touch()
    await asyncio.sleep(1)
    postgres.launch()
    await asyncio.get_running_loop().run_in_executor(None, postgres.wait)
    answer = await running.read()
    assert (states(answer)[-1], answer.text) == ("done", "It is This is number 1.")
    assert (answer.end["saved"], answer.end["waiting"]) == (True, [])
    log = await read(first, answer.start["generation_id"])
    assert (called(log), log.end) == (called(answer), answer.end)
    assert (await first.message(answer))["content"] == answer.text
    assert first.ran == ["away"]


@pytest.mark.parametrize("two", ["instances"], indirect=True)
@pytest.mark.gen_test(timeout=180)
async def test_a_server_that_was_taken_for_dead_sends_no_call_any_more(two, upstream):
    first, second = two.tools
    calls = call("c__wait", {"text": "paused"}), call("c__get_count", {"text": "late"}, id="late")
    asked = await second.ask(*calls, THEN)
    ids = {"parent_id": asked.start["message_id"], "decide": {"call_1": "run"}}
    stream = await first.chat.send(None, **ids)
    id = (await stream.until("start")).data["generation_id"]
    await until(lambda: first.ran == ["paused"])
    os.kill(two.pid(0), signal.SIGSTOP)
    answer = await read(second, id)
    assert (answer.end["state"], answer.end["waiting"]) == ("interrupted", ["call_1"])
    asked_before = len(upstream.requests)
    (two.folder / "go").touch()
    os.kill(two.pid(0), signal.SIGCONT)
    async for _ in stream:
        pass
    assert all(event.name != "end" for event in stream.answer.events)
    shown = [await one.message(answer) for one in (first, second)]
    assert shown[0] == shown[1] and shown[0]["waiting"] == ["call_1"]
    assert (first.ran, len(upstream.requests)) == (["paused"], asked_before)
    told = await first.decide(answer, {"call_1": "tell"})
    assert told.response.status == 200
    assert "late" in first.ran, "the model goes on with the next call"


@pytest.fixture
def fleet(tmp_path, upstream) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, upstream.url, "--config", str(config(tmp_path)))
    yield fleet
    fleet.close()


@pytest.mark.gen_test(timeout=180)
async def test_a_process_that_takes_over_leaves_calls_that_run_to_the_old_one(fleet, tmp_path):
    old = await fleet.start()
    tools = Tools(fleet.client, tmp_path)
    asked = await tools.ask(call("c__count", {"text": "later"}), THEN)
    running = await allowed(tools, "wait", "meanwhile")
    await fleet.replace()
    after = await tools.decide(asked, {"call_1": "run"})
    assert after.text == "It is This is number 2."
    (tmp_path / "go").touch()
    answer = await running.read()
    assert (states(answer)[-1], answer.text) == ("done", "It is This is number 1.")
    assert called(await read(tools, answer.start["generation_id"])) == called(answer)
    assert await fleet.end_of(old) == 0
    assert tools.ran == ["meanwhile", "later"]
