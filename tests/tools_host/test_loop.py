"""Answers that use tools: the loop, approval, and what becomes of every call."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from dataclasses import replace
from importlib.util import find_spec

import pytest

from tests.tools_host.conftest import call, called, start, states

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

FIRST, THEN = "say=Let me look.;" + call("c__get_count"), "say=It is ;result"


@pytest.mark.gen_test
async def test_a_tool_that_may_run_unasked_runs_and_the_model_gets_its_result(tools, upstream):
    answer = await tools.ask(FIRST + ";usage=3", THEN + ";usage=5")
    assert answer.text == "Let me look.\n\nIt is This is number 1."
    assert (answer.end["state"], answer.end["waiting"]) == ("done", [])
    assert states(answer) == ["running", "done"]
    assert tools.ran == ["get_count"]
    names = [event.name for event in answer.events if event.name != "delta"]
    assert names == ["start", "step", "tool", "tool", "step", "end"]
    usage = answer.end["usage"]
    assert (usage["completion_tokens"], usage["steps"]) == (8, 2)
    told = upstream.requests[-1]["messages"]
    assert told[1]["content"] == "Let me look."
    assert told[1]["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "c__get_count", "arguments": "{}"},
        }
    ]
    result = {"role": "tool", "tool_call_id": "call_1", "content": "This is number 1."}
    assert told[2] == result
    message = await tools.message(answer)
    assert [part["type"] for part in message["parts"]] == ["text", "step", "call", "text", "step"]
    assert message["content"] == answer.text


@pytest.mark.gen_test
async def test_the_next_question_has_the_calls_of_the_answers_before(tools, upstream):
    answer = await tools.ask(FIRST, THEN)
    ids = {"conversation_id": answer.start["conversation_id"]}
    await tools.chat.ask("And now?", model="say=a", **ids)
    roles = [message["role"] for message in upstream.requests[-1]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.gen_test
async def test_a_tool_that_asks_ends_the_answer_and_runs_once_when_it_is_allowed(tools, upstream):
    answer = await tools.ask(call("c__count", {"text": "é 1"}), THEN)
    assert (answer.end["state"], answer.end["finish_reason"]) == ("done", "stop")
    assert answer.end["waiting"] == ["call_1"]
    assert tools.ran == []
    asked = await tools.message(answer)
    assert asked["waiting"] == ["call_1"]
    (waiting,) = (part for part in asked["parts"] if part["type"] == "call")
    assert (waiting["state"], waiting["why"], waiting["name"]) == ("waiting", "asks", "count")
    after = await tools.decide(answer, {"call_1": "run"})
    assert after.start["user_message_id"] == answer.start["message_id"]
    assert after.text == "It is This is number 1."
    assert states(after) == ["waiting", "running", "done"]
    assert tools.ran == ["é 1"]
    assert (await tools.message(answer))["waiting"] == []
    roles = [message["role"] for message in upstream.requests[-1]["messages"]]
    assert roles == ["user", "assistant", "tool"]
    assert upstream.requests[-1]["messages"][2]["content"] == "This is number 1."


@pytest.mark.gen_test
async def test_the_same_decision_from_five_clients_runs_the_tool_once(tools):
    answer = await tools.ask(call("c__count"), THEN)
    same = str(uuid.uuid4())
    answers = await asyncio.gather(
        *(tools.decide(answer, {"call_1": "run"}, request_id=same) for _ in range(5))
    )
    assert {one.text for one in answers} == {"It is This is number 1."}
    other = await tools.decide(answer, {"call_1": "run"})
    assert (other.response.status, other.response.json()["error"]["code"]) == (
        *(409, "already_decided"),
    )
    assert tools.ran == ["count"]


@pytest.mark.gen_test
async def test_five_clients_that_decide_with_ids_of_their_own_run_the_tool_once(tools):
    answer = await tools.ask(call("c__count"), THEN)
    answers = await asyncio.gather(*(tools.decide(answer, {"call_1": "run"}) for _ in range(5)))
    assert sorted(one.response.status for one in answers) == [200, 409, 409, 409, 409]
    assert tools.ran == ["count"]


@pytest.mark.gen_test
async def test_a_refused_call_does_not_run_and_the_model_is_told(tools, upstream):
    answer = await tools.ask(
        call("c__count", id="a") + ";" + call("c__get_count", id="b", index=1), "say=Well."
    )
    assert answer.end["waiting"] == ["a"]
    assert tools.ran == ["get_count"]
    after = await tools.decide(answer, {"a": "refuse"})
    assert (after.text, tools.ran) == ("Well.", ["get_count"])
    told = [m["content"] for m in upstream.requests[-1]["messages"] if m["role"] == "tool"]
    assert told == ["The user refused this call. It did not run.", "This is number 1."]


@pytest.mark.parametrize(
    "decide, says",
    [
        ({}, "decide must name all of these calls: call_1"),
        ({"call_1": "perhaps"}, "call_1 can be one of run, always, refuse"),
        ({"call_1": "tell"}, "call_1 can be one of run, always, refuse"),
        ({"call_2": "run"}, "decide must name all of these calls: call_1"),
    ],
)
@pytest.mark.gen_test
async def test_a_wrong_decision_is_refused_in_words(tools, decide, says):
    answer = await tools.ask(call("c__count"), THEN)
    refused = await tools.decide(answer, decide)
    assert refused.response.status == 400
    assert says in refused.response.json()["error"]["message"]
    assert tools.ran == []


@pytest.mark.gen_test
async def test_a_stopped_call_is_unknown_and_runs_again_only_as_a_new_call(tools, upstream):
    allowed = await tools.ask(call("c__hang", {"text": "one"}), THEN)
    ids = {"parent_id": allowed.start["message_id"], "decide": {"call_1": "run"}}
    stream = await tools.chat.send(None, **ids)
    while (await stream.until("tool")).data["state"] != "running":
        pass
    await until(lambda: tools.ran)
    await tools.chat.stop(stream.answer.start["generation_id"])
    stopped = await stream.read()
    assert (stopped.end["state"], stopped.end["waiting"]) == ("stopped", ["call_1"])
    told = await tools.decide(stopped, {"call_1": "tell"})
    assert told.text == "It is " + upstream.requests[-1]["messages"][2]["content"]
    assert "It may have run" in told.text
    assert (told.end["waiting"], tools.ran) == ([], ["one"])


@pytest.mark.gen_test
async def test_a_call_whose_server_died_is_unknown_and_runs_again_as_a_new_call(tools, upstream):
    answer = await tools.ask(call("c__die", {"text": "d"}), THEN)
    died = await tools.decide(answer, {"call_1": "run"})
    assert (died.end["state"], died.end["waiting"]) == ("done", ["call_1"])
    assert called(died)[-1]["why"] == "it has ended"
    again = await tools.decide(died, {"call_1": "run"})
    assert tools.ran == ["d", "d"]
    (waiting,) = again.end["waiting"]
    assert (waiting, called(again)[-1]["again"]) == ("call_1_again", "call_1")
    told = await tools.decide(again, {waiting: "tell"})
    assert "It may have run" in told.text
    assert [m["role"] for m in upstream.requests[-1]["messages"]] == ["user", "assistant", "tool"]


async def until(is_true) -> None:
    while not is_true():  # noqa: ASYNC110 (another process does it)
        await asyncio.sleep(0.01)


@pytest.mark.gen_test
async def test_a_question_to_unknown_servers_is_refused(tools):
    answer = await tools.ask("say=a", tools=["nope"])
    assert (answer.response.status, answer.response.json()["error"]["code"]) == (
        *(404, "tools_not_found"),
    )


@pytest.mark.gen_test
async def test_a_tool_that_there_is_not_and_arguments_that_are_none_are_told_to_the_model(
    tools, upstream
):
    answer = await tools.ask(
        call("c__nope", id="a")
        + ";"
        + call("c__get_count", "[1", id="b", index=1)
        + ";"
        + call("c__get_count", "", id="c", index=2),
        "say=ok",
    )
    assert [data["state"] for data in called(answer)] == ["failed", "failed", "running", "done"]
    told = [m["content"] for m in upstream.requests[-1]["messages"] if m["role"] == "tool"]
    assert told == [
        "The call failed: There is no such tool.",
        "The call failed: Its arguments are no JSON object, so it did not run.",
        "This is number 1.",
    ]


@pytest.mark.gen_test
async def test_pictures_are_files_of_the_user_for_as_long_as_the_answer_is(tools, upstream):
    answer = await tools.ask(call("c__draw"), "say=Nice.")
    drawn = await tools.decide(answer, {"call_1": "run"})
    result = called(drawn)[-1]["result"]
    (file,) = result["files"]
    assert (file["type"], file["kind"]) == ("image/png", "image")
    picture = await tools.chat.request("GET", f"/api/files/{file['id']}")
    assert picture.body.startswith(b"\x89PNG")
    assert upstream.requests[-1]["messages"][-1]["content"].endswith("[Picture: picture.png]")
    sources = [s for e in drawn.events if e.name == "delta" for s in e.data.get("sources", ())]
    assert sources == [{"url": "https://example.org/a", "title": "A"}]
    assert (await tools.chat.request("GET", "/api/files")).json() == {"files": []}, "it is in use"
    home = drawn.start["conversation_id"]
    await tools.chat.request("DELETE", f"/api/conversations/{home}")
    gone = await tools.chat.request("GET", f"/api/files/{file['id']}")
    assert gone.status == 404


@pytest.mark.gen_test
async def test_a_picture_that_cannot_be_kept_is_told(serve, settings, tmp_path):
    tools = start(serve, replace(settings, max_user_files=10), tmp_path)
    answer = await tools.ask(call("c__draw"), "say=Nice.")
    drawn = await tools.decide(answer, {"call_1": "run"})
    assert (called(drawn)[-1]["state"], called(drawn)[-1]["result"]["files"]) == ("done", [])
    lost = [e.data["reason"] for e in drawn.events if e.data.get("code") == "image_not_kept"]
    assert (lost, drawn.text) == (["files_full"], "Nice.")


@pytest.mark.gen_test
async def test_a_decision_that_was_not_carried_out_waits_again(tools, upstream):
    answer = await tools.ask(call("c__count", {"text": "x"}), THEN)
    asked = tools.chat.application.tools.toolbox
    listing, asked.tools = asked.tools, lambda server: asyncio.sleep(3600)
    ids = {"parent_id": answer.start["message_id"], "decide": {"call_1": "run"}}
    stream = await tools.chat.send(None, **ids)
    id = (await stream.until("tool")) and stream.answer.start["generation_id"]
    await tools.chat.stop(id)
    asked.tools = listing
    stopped = await stream.read()
    assert (stopped.end["state"], stopped.end["waiting"], tools.ran) == ("stopped", ["call_1"], [])
    assert (await tools.message(stopped))["waiting"] == ["call_1"]
    after = await tools.decide(stopped, {"call_1": "run"})
    assert (after.text, tools.ran) == ("It is This is number 1.", ["x"])
    told = [m["content"] for m in upstream.requests[-1]["messages"] if m["role"] == "tool"]
    assert told == ["This is number 1."]


@pytest.mark.gen_test
async def test_an_answer_goes_on_after_its_calls_without_running_them_again(tools, upstream):
    failed = await tools.ask(call("c__get_count"), "status=500;times=2;say=It is ;result")
    assert (failed.end["state"], tools.ran) == ("error", ["get_count"])
    ids = {"continue": failed.start["message_id"]}
    refused = await tools.chat.request("POST", "/stream", ids)
    assert (refused.status, "decide" in refused.json()["error"]["message"]) == (400, True)
    after = await tools.decide(failed, {}, tools=["c"])
    assert (after.text, tools.ran) == ("It is This is number 1.", ["get_count"])
    done = await tools.decide(after, {}, tools=["c"])
    assert done.response.status == 400


@pytest.mark.gen_test
async def test_an_approval_holds_for_the_exact_arguments_alone(tools):
    answer = await tools.ask(call("c__count", {"text": "a"}), THEN)
    with sqlite3.connect(tools.folder / "data/0/chat.db") as db:
        db.execute(
            "UPDATE messages SET parts = replace(parts, '\\\"a\\\"', '\\\"b\\\"') "
            "WHERE parts <> '[]'"
        )
    db.close()
    after = await tools.decide(answer, {"call_1": "run"})
    assert called(after)[-1]["why"] == "Its arguments are not those that were allowed."
    assert tools.ran == []


@pytest.mark.gen_test
async def test_the_list_starts_servers_only_when_it_is_asked_to(tools):
    idle = (await tools.chat.request("GET", "/api/tools?live=0")).json()["servers"]
    assert [(one["name"], one["state"], one["tools"]) for one in idle] == [("c", "idle", [])]
    assert tools.chat.application.tools.toolbox.pid is None
    state = "starting"
    while state == "starting":
        (one,) = (await tools.chat.request("GET", "/api/tools")).json()["servers"]
        state = one["state"]
    asks = {tool["name"]: tool["asks"] for tool in one["tools"]}
    assert (state, asks["count"], asks["get_count"]) == ("ready", True, False)
    assert all(tool["read_only"] for tool in one["tools"]), "which changes nothing"


@pytest.mark.gen_test
async def test_a_server_of_others_is_as_if_it_were_not_there(serve, settings, tmp_path):
    tools = start(serve, settings, tmp_path, "users = ['ada']\n")
    assert (await tools.chat.request("GET", "/api/tools")).json() == {"servers": []}
    answer = await tools.ask("say=a")
    assert answer.response.json()["error"]["code"] == "tools_not_found"


@pytest.mark.gen_test
async def test_a_server_that_cannot_be_used_is_told_and_the_model_is_asked_without_it(
    serve, settings, tmp_path, upstream
):
    tools = start(serve, settings, tmp_path, "[tools.gone]\ncommand = ['/nowhere']\n")
    answer = await tools.ask("say=Without.", tools=["gone"])
    (notice,) = (event.data for event in answer.events if event.name == "notice")
    assert (notice["code"], notice["server"]) == ("tools_unavailable", "gone")
    assert "/nowhere cannot be started" in notice["message"]
    assert (answer.text, "tools" in upstream.requests[0]) == ("Without.", False)


@pytest.mark.gen_test
async def test_the_same_call_for_the_third_time_asks(tools):
    calls = [call("c__get_count", id=f"i{n}") for n in range(5)]
    answer = await tools.ask(*calls, "say=end")
    assert len(tools.ran) == 2
    assert (answer.end["waiting"], called(answer)[-1]["why"]) == (["i2"], "repeated")


@pytest.mark.gen_test
async def test_after_eight_steps_a_person_decides(tools, upstream):
    calls = [call("c__get_count", {"text": str(n)}, id="same") for n in range(9)]
    answer = await tools.ask(*calls)
    assert (len(tools.ran), len(upstream.requests)) == (7, 8)
    assert called(answer)[-1]["why"] == "steps"
    ids = {data["id"] for data in called(answer)}
    assert len(ids) == 8, "every call has an id of its own"
