"""What is read from the exports of other programs: every branch, times, models, reasoning."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest
from pictures import png

from tornado_stream.chat.export import conversation_json, message_json
from tornado_stream.chat.imports import chatgpt, claude, librechat, llama_cpp, open_webui, own
from tornado_stream.chat.imports.formats import FORMATS, format_of, read_conversation, title_of
from tornado_stream.chat.imports.trees import Found, Unreadable
from tornado_stream.values.messages import Conversation, Message

from . import samples

NOON = samples.NOON * 1000


def read(record: dict[str, Any], owner: str = "local") -> Found:
    found = read_conversation(record, owner)
    assert found
    return found


def shape(found: Found) -> list[tuple[str, str, str]]:
    """Role, text and the text before, of each message."""
    texts = {message.id: message.content for message in found.messages}
    return [(m.role, m.content, texts.get(m.parent_id or "", "")) for m in found.messages]


def files(found: Found) -> list[tuple[str, bytes]]:
    """Name and bytes of the files that stand within the JSON."""
    named = [(file["id"], file["name"]) for m in found.messages for file in m.files]
    return [(name, b64decode(found.data[id])) for id, name in named]


def current(found: Found) -> str:
    return next(m.content for m in found.messages if m.id == found.conversation.current_id)


def test_each_format_is_told_by_its_content():
    records = [
        (samples.chatgpt(), chatgpt),
        (samples.claude(), claude),
        (samples.open_webui(), open_webui),
        (samples.open_webui()["chat"], open_webui),
        (samples.open_webui_output(), open_webui),
        (samples.llama_cpp(), llama_cpp),
        (samples.librechat(), librechat),
        (samples.librechat(recursive=True), librechat),
        (exported(), own),
    ]
    for record, form in records:
        assert [one for one in FORMATS if one.matches(record)] == [form]
        assert format_of(record) is form
    for other in ({}, {"messages": []}, {"mapping": []}, {"chat": {}}, {"title": "x"}):
        assert format_of(other) is None and read_conversation(other, "local") is None


def test_chatgpt():
    found = read(samples.chatgpt())
    assert shape(found) == [
        ("user", "How do I roll back?", ""),
        ("assistant", "Use helm .", "How do I roll back?"),
        ("assistant", "Another answer.", "How do I roll back?"),
        ("user", "[picture: file_0001]\n\nAnd this?\n\n[file: values.yaml]", "Use helm ."),
        ("user", "Edited question", "Use helm ."),
        ("assistant", "Step one.\n\nStep two.", "Edited question"),
    ]
    answer = found.messages[1]
    assert (answer.model, answer.reasoning) == ("gpt-5", "Looking\n\nat the chart")
    assert (answer.state, answer.upstream) == ("done", "import:chatgpt")
    assert (answer.generation_id, answer.cost, answer.usage) == (None, None, None)
    assert answer.sources == [{"url": "https://helm.sh/", "title": "Helm"}]
    assert found.messages[0].created_at == NOON + 3000 and found.messages[0].state is None
    assert current(found) == "Step one.\n\nStep two."
    conversation = found.conversation
    assert (conversation.title, conversation.system) == ("Rolling back 1", None)
    assert (conversation.created_at, conversation.updated_at) == (NOON - 5500, NOON + 60250)
    assert not conversation.archived and not conversation.pinned
    assert found.left_out == 2, "the call of a tool, and its result"


def test_chatgpt_shows_what_a_tool_has_drawn():
    record = samples.chatgpt()
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-9"}
    record["mapping"]["tool"]["message"]["content"] = {
        "content_type": "multimodal_text",
        "parts": [picture],
    }
    assert read(record).messages[1].content == "[picture: file-9]\n\nUse helm ."
    record["mapping"]["tool"]["message"]["content"]["parts"].append("a page that it has read")
    assert read(record).messages[1].content == "Use helm ."


def test_pictures_of_open_webui():
    """In the `files` of a message, where `MessageInput.svelte` of versions up to 0.5 puts a data
    URL and later ones an address of the server; in parts of a content; in the text of an answer."""
    record = samples.open_webui()
    messages = record["chat"]["history"]["messages"]
    one, two, three, four = (png(n, n) for n in (1, 2, 3, 4))
    messages["m1"]["files"] = [
        {"type": "image", "url": samples.data_url(one)},
        {"type": "image", "url": "/api/v1/files/77/content", "name": "there.png"},
        {"type": "file", "name": "a.txt", "file": {"data": {"content": "a text"}}},
    ]
    messages["m3"]["files"] = [{"type": "image", "url": samples.data_url(two)}]
    messages["m3"]["content"] = f"Here: ![a circle]({samples.data_url(three * 3)}) It is round."
    picture = {"type": "image_url", "image_url": {"url": samples.data_url(four)}}
    messages["m4"]["content"] = [{"type": "text", "text": "Sure?"}, picture]
    found = read(record)
    assert [content for _, content, _ in shape(found)] == [
        "What is 15 * 17?\n\n[picture: there.png]\n\n[file: a.txt]\n```\na text\n```",
        "255",
        "Here:  It is round.",
        "Sure?",
        "Sure.",
    ]
    assert files(found) == [
        ("picture", one),
        ("picture", two),
        ("a circle", three * 3),
        ("picture", four),
    ]


def test_pictures_of_librechat():
    record = samples.librechat()
    one, two = png(1, 1), png(2, 2)
    question, answer = record["messages"][:2]
    question["image_urls"] = [{"type": "image_url", "image_url": {"url": samples.data_url(one)}}]
    answer["content"] = [
        {
            "type": "image_file",
            "image_file": {"filename": "drawn.png", "filepath": "/images/x.png"},
        },
        {"type": "image_url", "image_url": {"url": samples.data_url(two)}},
    ]
    found = read(record)
    assert [m.content for m in found.messages[:2]] == [
        "Fuel?\n\n[picture: car.png]",
        "[picture: drawn.png]",
    ]
    assert files(found) == [("picture", one), ("picture", two)]


def test_documents_of_llama_cpp():
    """A PDF is kept as its text; where the page made pictures of it, it comes as a file, and as its
    pages from older versions, which did not keep it: `DatabaseMessageExtraPdfFile`."""
    record = samples.llama_cpp()
    pages = [samples.data_url(png(n, 1)) for n in (1, 2)]
    scan = {"type": "PDF", "name": "scan.pdf", "content": "", "processedAsImages": True}
    record["messages"][2]["extra"] = [
        {"type": "PDF", "name": "a.pdf", "content": "its text", "processedAsImages": False},
        scan | {"images": pages, "base64Data": b64encode(b"%PDF-").decode()},
        scan | {"images": pages},
        scan,
        {"type": "AUDIO", "name": "a.wav", "base64Data": "AAAA"},
        {"type": "IMAGE", "name": "gone.png", "base64Url": "https://example.org/gone.png"},
    ]
    found = read(record)
    assert found.messages[0].content == "\n\n".join(
        [
            "Who?",
            "[file: a.pdf]\n```\nits text\n```",
            "[file: scan.pdf]",
            "[recording: a.wav]",
            "[picture: gone.png]",
        ]
    )
    assert files(found) == [
        ("scan.pdf", b"%PDF-"),
        ("scan.pdf 1", png(1, 1)),
        ("scan.pdf 2", png(2, 1)),
    ]


def test_claude():
    found = read(samples.claude())
    question = "Plan my week\n\n[file: notes.txt]\n````\none\n```\ntwo\n````"
    plan = "Monday: rest.\n\nTuesday: work."
    assert shape(found) == [
        ("user", question, ""),
        ("assistant", plan, question),
        ("user", "not a reply", question),
        ("user", "More\n\n[picture: a.png]", plan),
        ("assistant", "Wednesday.", "More\n\n[picture: a.png]"),
    ]
    assert found.messages[1].reasoning == "Which days?"
    assert found.messages[1].created_at == NOON + 120_500
    assert (current(found), found.left_out) == ("Wednesday.", 2)


def test_claude_of_earlier_years_is_one_branch():
    record = samples.claude()
    for number, message in enumerate(record["chat_messages"]):
        del message["parent_message_uuid"], message["content"]
        message["text"] = f"text {number}"
        message["attachments"] = message["files"] = []
    texts = [(text, before) for _, text, before in shape(read(record))]
    assert texts == [
        ("text 0", ""),
        ("text 1", "text 0"),
        ("text 2", "text 1"),
        ("text 3", "text 2"),
        ("text 4", "text 3"),
    ]


def test_open_webui():
    found = read(samples.open_webui())
    assert shape(found) == [
        ("user", "What is 15 * 17?\n\n[picture: x.png]", ""),
        ("assistant", "255", "What is 15 * 17?\n\n[picture: x.png]"),
        ("assistant", "It is 255.", "What is 15 * 17?\n\n[picture: x.png]"),
        ("user", "Sure?", "It is 255."),
        ("assistant", "Sure.", "Sure?"),
    ]
    assert [m.reasoning for m in found.messages] == ["", "a < b\nso c", "", "", "Yes it is"]
    assert [m.model for m in found.messages] == [None, "r1", "llama3.1:latest", None, "r1"]
    conversation = found.conversation
    assert (conversation.system, conversation.archived) == ("Be exact.", True)
    assert (found.left_out, current(found)) == (1, "Sure.")


def test_open_webui_with_output():
    found = read(samples.open_webui_output())
    question = "Read\n\n[file: notes.txt]\n```\none & <b>\n\n```\n\n[picture: cat.png]"
    assert shape(found) == [
        ("user", question, ""),
        ("assistant", "It is noon.", question),
        ("assistant", "", question),
        ("assistant", "", question),
        ("assistant", "Half", question),
        ("assistant", "t0 t1 ", question),
        ("assistant", "Both.", question),
        ("assistant", "As one.", question),
        ("user", "Again", "Both."),
    ]
    answers = [m for m in found.messages if m.role == "assistant"]
    assert [m.state for m in answers] == [
        "done",
        "error",
        "error",
        "error",
        "stopped",
        "done",
        "done",
    ]
    assert [m.error["message"] for m in answers if m.error] == [
        "quota exceeded",
        "told to fail",
        "overloaded",
    ]
    assert {m.upstream for m in answers} == {"import:open-webui"}
    assert answers[0].reasoning == "1 < 2\n> quoted"
    assert answers[0].sources == [
        {"url": "https://fjords.example/?a=1&b=2", "title": "Fjords & <more>"},
        {"url": "https://oslo.example/", "title": "Oslo"},
    ]
    assert (found.left_out, current(found)) == (2, "Again"), (
        "the call with its result, and the code"
    )
    conversation = found.conversation
    assert (conversation.system, conversation.pinned, conversation.folder) == (
        "Be exact.",
        True,
        None,
    )


@pytest.mark.parametrize(
    ("members", "state", "text", "told"),
    [
        ({"error": True, "content": "no such model"}, "error", "", "no such model"),
        ({"error": "refused"}, "error", "Half", "refused"),
        ({"error": {"detail": "gone"}}, "error", "Half", "gone"),
        ({"error": {"content": {"error": {"message": "deep"}}}}, "error", "Half", "deep"),
        ({"error": {"content": ""}}, "error", "Half", ""),
        ({"error": None, "done": False}, "interrupted", "Half", None),
        ({"error": False}, "done", "Half", None),
    ],
)
def test_how_an_answer_of_open_webui_ended(members, state, text, told):
    record = samples.open_webui_output()
    record["chat"]["history"]["messages"]["m5"] |= members
    answer = read(record).messages[4]
    assert (answer.state, answer.content) == (state, text)
    assert (answer.error and answer.error["message"]) == told


def test_parts_of_a_file_of_open_webui_are_not_the_file():
    """An answer has the parts of it that are nearest to the question, or that a tool has read."""
    for change in ({"distances": [0.9]}, {"source": {"type": "file", "id": "f1"}}):
        record = samples.open_webui_output()
        record["chat"]["history"]["messages"]["m2"]["sources"][0] |= change
        question = read(record).messages[0].content
        assert question == "Read\n\n[file: notes.txt]\n\n[picture: cat.png]"


@pytest.mark.parametrize("recursive", [True, False])
def test_librechat(recursive):
    found = read(samples.librechat(recursive=recursive))
    question = "Fuel?\n\n[picture: car.png]"
    assert sorted(shape(found)) == sorted(
        [
            ("user", question, ""),
            ("assistant", "8 litres", question),
            ("assistant", "Nine litres", question),
            ("user", "Loaded?", "Nine litres"),
            ("assistant", "Yes", "Loaded?"),
        ]
    )
    assert {m.reasoning for m in found.messages} == {"", "Let me see"}
    assert {m.model for m in found.messages if m.role == "assistant"} == {"gpt-4o"}
    assert (found.conversation.system, found.left_out, current(found)) == ("In litres.", 1, "Yes")


def test_llama_cpp():
    found = read(samples.llama_cpp())
    question = "Who?\n\n[file: note.txt]\n```\nhello\n```"
    assert shape(found) == [
        ("user", question, ""),
        ("assistant", "A cat.", question),
        ("assistant", "A dog.", question),
        ("user", "Which?", "A cat."),
    ]
    assert [m.reasoning for m in found.messages] == ["", "Cats…", "Dogs…", ""]
    assert (found.conversation.system, current(found)) == ("Purr.", "Which?")
    assert (found.messages[1].model, found.left_out) == ("smol", 1)
    assert files(found) == [("cat.png", samples.CAT)]
    assert found.conversation.updated_at == NOON + 99_000
    assert found.conversation.created_at == NOON + 2000, "that of its first message"


def exported() -> dict[str, Any]:
    """A conversation as `GET /c/{id}.json` returns it."""
    conversation = Conversation(
        *("c1", "A  title", "Be brief.", "a1", 5, 9),
        model="m",
        options={"temperature": 0.5},
        preset="Translator",
        pinned=True,
        archived=True,
        folder="Work",
    )
    question = Message("u1", "c1", None, "user", "hi\0", 6, sent={"content": [{"type": "text"}]})
    answer = Message(
        *("a1", "c1", "u1", "assistant", "", 7),
        reasoning="why",
        refusal="no",
        tool_calls=[{"index": 0, "id": "t", "name": "n", "arguments": "{}"}],
        model="m",
        state="error",
        finish_reason="stop",
        usage={"total": {"n": 1}},
        error={"code": "x", "retry_after": 0.5},
        timings={"first_token_ms": None, "total_ms": 3},
        generation_id="g1",
        continued_from="a0",
        upstream="https://api.example",
        cost={"amount": 0.5, "currency": "USD"},
        sources=[{"url": "https://x.example/", "title": ""}],
    )
    system = Message("s1", "c1", "a1", "system", "A summary", 8)
    messages = [message_json(one) for one in (question, answer, system)]
    return conversation_json(conversation) | {"messages": messages}


def test_our_own_export_comes_back_as_it_was_but_for_ids():
    record = exported()
    found = read(record)
    ids = {one["id"]: new.id for one, new in zip(record["messages"], found.messages, strict=True)}
    for one, new in zip(record["messages"], found.messages, strict=True):
        parent = ids.get(one["parent_id"])
        assert message_json(new) == one | {
            "id": new.id,
            "parent_id": parent,
            "generation_id": None,
            "continued_from": new.continued_from,
        }
        assert (new.continued_from is None) == (one["continued_from"] is None)
    again = conversation_json(found.conversation)
    own_ids = {"id": found.conversation.id, "current_id": ids["a1"]}
    assert again | {"messages": record["messages"]} == record | own_ids


def test_a_running_answer_of_our_own_export_is_interrupted():
    record = exported()
    record["messages"][1] |= {"state": "running", "last_event_id": None}
    assert read(record).messages[1].state == "interrupted"
    record["messages"] = []
    found = read(record | {"title": ""})
    assert (found.conversation.title, found.messages) == ("", [])


def test_ids_depend_on_owner_source_and_the_ids_there_alone():
    first, again = read(samples.chatgpt()), read(samples.chatgpt() | {"title": "Other"})
    assert first.conversation.id == again.conversation.id
    assert [m.id for m in first.messages] == [m.id for m in again.messages]
    other = read(samples.chatgpt(), "u:2")
    two = read(samples.chatgpt(2))
    ids = {m.id for one in (first, other, two) for m in one.messages}
    assert len(ids) == 3 * len(first.messages), "an id belongs to one conversation of one owner"


@pytest.mark.parametrize("make", [samples.chatgpt, samples.claude, samples.open_webui])
def test_an_empty_conversation_is_told_by_its_title(make):
    record = make()
    for member, empty in (
        ("mapping", {}),
        ("chat_messages", []),
        ("chat", {"history": {"messages": {}}}),
    ):
        if member in record:
            record[member] = empty
    with pytest.raises(Unreadable) as error:
        read_conversation(record, "local")
    assert (error.value.why, error.value.title) == ("empty", title_of(record))


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [None], {"a": None}, 1e400, True, "\ud800"])
def test_members_of_any_type_in_any_place(junk):
    """Each value in each place is replaced; the conversation is read or refused, never more."""
    makers: list[Any] = [
        samples.chatgpt,
        samples.claude,
        samples.open_webui,
        samples.open_webui_output,
        samples.librechat,
        lambda: samples.librechat(recursive=True),
        samples.llama_cpp,
        exported,
    ]
    for make in makers:
        for path in paths(make()):
            record = make()
            inner: Any = record
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = junk
            try:
                found = read_conversation(record, "local")
            except Unreadable as error:
                assert error.why in ("empty", "damaged")
                continue
            for message in found.messages if found else ():
                message.content.encode()
                assert replace(message) == message and isinstance(message.created_at, int)


def paths(value: Any, start: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [start] if start else []
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            found += paths(one, (*start, key))
    return found


def test_a_circle_and_a_missing_parent_lose_nothing():
    record = samples.open_webui()
    messages = record["chat"]["history"]["messages"]
    messages["m1"]["parentId"] = "m5"
    assert {text for _, text, _ in shape(read(record))} >= {"255", "Sure.", "Sure?"}
    messages["m1"]["parentId"] = "gone"
    assert shape(read(record))[0][2] == ""


def test_a_long_conversation_needs_no_deep_calls():
    record = samples.open_webui()
    messages = {
        f"m{n}": {
            "parentId": f"m{n - 1}" if n else None,
            "role": "assistant" if n % 2 else "user",
            "content": f"t{n}",
        }
        for n in range(20_000)
    }
    record["chat"]["history"]["messages"] = dict(reversed(messages.items()))
    found = read(record)
    assert len(found.messages) == 20_000 and found.messages[-1].content == "t19999"
