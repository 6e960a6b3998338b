"""Temporary chats: nothing of them is stored, and they are counted."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest

SECRET, SAID = "xylophonequestion", "zeppelinanswer"


def history(*texts: str) -> list[dict[str, str]]:
    """Messages of the user and the model in turns."""
    return [
        {"role": ("user", "assistant")[index % 2], "content": text}
        for index, text in enumerate(texts)
    ]


def files_with(directory, *words: str) -> list[str]:
    """The files of a directory that have one of the words."""
    return [
        path.name
        for path in directory.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
    ]


@pytest.mark.gen_test
async def test_no_word_of_a_temporary_chat_is_stored(serve, settings, upstream):
    chat = serve(settings)
    said = SAID.replace("z", "%7A")  # the ledger has the name of the model
    stream = await chat.send(SECRET, keep=False, model=f"say={said};hold=here;say=.")
    await stream.until("delta")
    kept = await chat.ask("this is keptword", model="say=a")  # is flushed after that delta
    assert files_with(settings.data_dir, SECRET, SAID) == []
    upstream.holds["here"].set()
    answer = await stream.read()
    assert (answer.text, answer.end["state"], answer.end["saved"]) == (f"{SAID}.", "done", False)
    second = await chat.ask(
        "and now?", keep=False, history=history(SECRET, SAID), system="Be brief.", model="say=b"
    )
    sent = [message["content"] for message in upstream.requests[-1]["messages"]]
    assert sent == ["Be brief.", SECRET, SAID, "and now?"] and second.text == "b"
    assert files_with(settings.data_dir, "keptword") != [], "the test sees what is stored"
    found = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert [one["id"] for one in found] == [kept.start["conversation_id"]]
    for word in (SECRET, SAID):
        listed = await chat.request("GET", f"/api/conversations?q={word}")
        assert listed.json()["conversations"] == []
    for path in ("/api/conversations/{}", "/c/{}.json"):
        gone = await chat.request("GET", path.format(answer.start["conversation_id"]))
        assert gone.status == 404
    usage = (await chat.request("GET", "/api/usage?by=model")).json()["rows"]
    assert sum(row["requests"] for row in usage) == 3, "the ledger counts it"
    assert files_with(settings.data_dir, SECRET, SAID, "and now", "Be brief") == []


@pytest.mark.gen_test
async def test_the_same_request_gets_the_same_answer_while_it_runs_and_after(chat, upstream):
    body = {"message": "hi", "keep": False, "request_id": str(uuid.uuid4()), "model": "say=a"}
    streams = await asyncio.gather(*(chat.open("POST", "/stream", body) for _ in range(3)))
    for stream in [*streams, await chat.open("POST", "/stream", body)]:
        assert (await stream.read()).text == "a"
    assert (await chat.resume(body["request_id"], after=1)).end["state"] == "done"
    assert len(upstream.requests) == 1
    for other in ({"keep": True}, {"history": history("x", "y")}, {"system": "x"}):
        refused = await chat.request("POST", "/stream", body | other)
        assert refused.json()["error"]["code"] == "request_id_reused"


@pytest.mark.gen_test
async def test_ended_answers_are_forgotten(chat, upstream, monkeypatch):
    ended = chat.application.generations._saver.ended
    monkeypatch.setattr("tornado_stream.generations.ended_answers.MOST", 2)
    ids = [(await chat.ask("hi", keep=False)).start["generation_id"] for _ in range(3)]
    assert list(ended.by_id) == ids[1:]
    monkeypatch.setattr("tornado_stream.generations.ended_answers.MOST_BYTES", 1)
    last = (await chat.ask("hi", keep=False)).start["generation_id"]
    assert last not in ended.by_id and not ended.by_id and not ended._sizes
    assert (await chat.request("GET", f"/stream/{ids[0]}")).status == 404


@pytest.mark.gen_test
async def test_a_temporary_answer_stops_and_does_not_count_as_unsaved(chat, upstream):
    stream = await chat.send(keep=False, model="count=30;stall")
    start = (await stream.until("start")).data
    await stream.until("delta")
    assert chat.application.generations.unsaved_frames == 0
    assert (await chat.stop(start["generation_id"])).json()["state"] == "stopped"
    assert (await stream.read()).end["state"] == "stopped"


@pytest.mark.gen_test
async def test_a_temporary_chat_begins_with_a_preset(serve, settings, upstream, tmp_path):
    file = tmp_path / "chat.toml"
    file.write_text('[preset.Brief]\nsystem = "Be brief."\nmodel = "say=p"\noptions = {seed = 7}\n')
    chat = serve(replace(settings, config=file))
    answer = await chat.ask("hi", keep=False, preset="Brief")
    sent = upstream.requests[-1]
    assert (answer.text, sent["seed"], sent["messages"][0]["content"]) == ("p", 7, "Be brief.")


@pytest.mark.gen_test
async def test_what_a_temporary_chat_cannot_have(chat, upstream):
    start = (await chat.ask("hi")).start
    asked = len(upstream.requests)
    for fields, says in [
        ({"conversation_id": start["conversation_id"]}, "conversation_id"),
        ({"parent_id": start["message_id"]}, "parent_id"),
        ({"message": None, "continue": start["message_id"]}, "continue"),
        ({"message": None}, "message is required"),
        ({"history": "hi"}, "history"),
        ({"history": [{"role": "system", "content": "x"}]}, "history"),
        ({"history": [{"role": "user", "content": 7}]}, "history"),
        ({"history": [7]}, "history"),
        ({"keep": 0}, "keep"),
        ({"keep": True, "conversation_id": start["conversation_id"], "system": "x"}, "system"),
    ]:
        refused = await chat.request("POST", "/stream", {"message": "hi", "keep": False} | fields)
        assert refused.status == 400 and says in refused.json()["error"]["message"], fields
    assert len(upstream.requests) == asked


@pytest.mark.gen_test
async def test_a_new_conversation_begins_with_a_system_prompt(chat, upstream):
    start = (await chat.ask("hi", system="Be brief.")).start
    assert upstream.requests[-1]["messages"][0] == {"role": "system", "content": "Be brief."}
    stored = await chat.request("GET", f"/api/conversations/{start['conversation_id']}")
    assert stored.json()["system"] == "Be brief."
