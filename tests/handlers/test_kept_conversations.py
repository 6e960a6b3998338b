"""A program's kept call is a conversation like any other, with everything that was sent."""

from __future__ import annotations

import pytest

KEEP = {"Tornado-Stream-Keep": "true"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SENT = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "where?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "here"},
    {"role": "assistant", "content": "Here."},
    {"role": "user", "content": [{"type": "text", "text": "what is this?"}, PICTURE]},
]


async def keep(chat, messages, model):
    body = {"messages": messages, "model": model}
    response = await chat.request("POST", "/v1/chat/completions", body, KEEP)
    generation = response.headers["x-generation-id"]
    return (await chat.resume(generation)).start["conversation_id"]


@pytest.mark.gen_test
async def test_everything_that_was_sent_is_kept_and_shown(chat):
    id = await keep(chat, SENT, "say=a cat")
    talk = (await chat.request("GET", f"/api/conversations/{id}")).json()
    assert (talk["system"], talk["title"]) == ("be brief", "what is this?")
    *sent, answer = talk["messages"]
    assert [m["role"] for m in sent] == [m["role"] for m in SENT[1:]]
    assert [m["content"] for m in sent] == ["where?", "", "here", "Here.", "what is this?"]
    assert [m["sent"] for m in sent] == [None, SENT[2], SENT[3], None, SENT[5]]
    assert [m["parent_id"] for m in talk["messages"]] == [None, *(m["id"] for m in sent)]
    assert (answer["content"], answer["state"], answer["sent"]) == ("a cat", "done", None)
    found = (await chat.request("GET", "/api/conversations?q=what+is")).json()
    assert [one["id"] for one in found["conversations"]] == [id]


@pytest.mark.gen_test
async def test_the_model_is_asked_again_what_the_program_sent(chat, upstream):
    id = await keep(chat, SENT, "say=a cat")
    talk = (await chat.request("GET", f"/api/conversations/{id}")).json()["messages"]
    await chat.ask(None, conversation_id=id, parent_id=talk[-2]["id"], model="say=a dog")
    assert upstream.requests[-1]["messages"] == SENT
    await chat.ask("sure?", conversation_id=id, parent_id=talk[-1]["id"], model="say=yes")
    more = [{"role": "assistant", "content": "a cat"}, {"role": "user", "content": "sure?"}]
    assert upstream.requests[-1]["messages"] == [*SENT, *more]
    await chat.ask("and this?", conversation_id=id, parent_id=talk[3]["id"], model="say=yes")
    assert upstream.requests[-1]["messages"] == [
        *SENT[:5],
        {"role": "user", "content": "and this?"},
    ]


@pytest.mark.gen_test
async def test_a_tools_result_can_be_answered_again(chat, upstream):
    id = await keep(chat, SENT[:4], "say=Here.")
    talk = (await chat.request("GET", f"/api/conversations/{id}")).json()["messages"]
    await chat.ask(None, conversation_id=id, parent_id=talk[-2]["id"], model="say=There.")
    assert upstream.requests[-1]["messages"] == SENT[:4]


@pytest.mark.gen_test
async def test_files_show_what_was_sent(chat):
    id = await keep(chat, SENT, "say=a cat")
    text = (await chat.request("GET", f"/c/{id}.md")).body.decode()
    for part in ("## Tool", "here", "look", "[image/png]", "what is this?", "a cat"):
        assert part in text
    assert "iVBOR" not in text


@pytest.mark.gen_test
async def test_old_calls_and_refusals_are_kept_and_shown(chat, upstream):
    function = {"name": "old_way", "arguments": '{"x":7}'}
    parts = [{"type": "text", "text": "in parts"}, {"type": "refusal", "refusal": "but no"}]
    sent = [
        SENT[1],
        {"role": "assistant", "content": None, "function_call": function},
        {"role": "function", "name": "old_way", "content": "the old result"},
        {"role": "assistant", "content": None, "refusal": "I will not."},
        {"role": "user", "content": "why?"},
        {"role": "assistant", "content": parts},
        {"role": "user", "content": "well?"},
    ]
    id = await keep(chat, sent, "say=yes")
    assert upstream.requests[-1]["messages"] == sent
    talk = (await chat.request("GET", f"/api/conversations/{id}")).json()["messages"]
    texts = ["where?", "", "the old result", "I will not.", "why?", "in parts\nbut no", "well?"]
    assert [m["content"] for m in talk[:-1]] == texts
    text = (await chat.request("GET", f"/c/{id}.txt")).body.decode()
    assert '[old_way({"x":7})]' in text and text.count("but no") == 1
    assert "Tool:\nthe old result" in text
    await chat.ask("more", conversation_id=id, parent_id=talk[-1]["id"], model="say=yes")
    assert upstream.requests[-1]["messages"][: len(sent)] == sent


@pytest.mark.gen_test
async def test_each_kept_call_is_a_conversation_of_its_own(chat, upstream):
    first = await keep(chat, SENT, "say=a cat")
    before = (await chat.request("GET", f"/api/conversations/{first}")).json()["messages"]
    answer = {"role": "assistant", "content": "a cat"}
    question = {"role": "user", "content": "sure?"}
    edited = {"role": "user", "content": "where exactly? "}
    for messages in (
        [*SENT, answer, question],
        [*SENT, {"role": "assistant", "content": [{"type": "text", "text": "a cat"}]}, question],
        [*SENT, {"role": "assistant", "content": "a cat\n"}, question],
        [SENT[0], edited, *SENT[2:], answer, question],
    ):
        id = await keep(chat, messages, "say=yes")
        assert upstream.requests[-1]["messages"] == messages
        talk = (await chat.request("GET", f"/api/conversations/{id}")).json()
        kept = talk["messages"]
        assert id != first and len(kept) == len(messages)  # the system prompt is beside them
        assert kept[-1]["content"] == "yes" and {m["id"] for m in kept}.isdisjoint(
            m["id"] for m in before
        )
        again = (await chat.request("GET", f"/api/conversations/{first}")).json()["messages"]
        assert again == before
        await chat.ask(None, conversation_id=id, parent_id=kept[-2]["id"], model="say=yes")
        assert upstream.requests[-1]["messages"] == messages
    listed = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    assert len(listed) == 5


@pytest.mark.gen_test
async def test_an_answer_that_the_program_began_is_one_text_for_the_model(chat, upstream):
    begun = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "Once up"}]
    id = await keep(chat, begun, "say=on a time")
    await chat.ask("more", conversation_id=id, model="say=yes")
    assert upstream.requests[-1]["messages"] == [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "Once upon a time"},
        {"role": "user", "content": "more"},
    ]
