"""Export of a conversation as a file."""

from __future__ import annotations

import json

from tornado_stream.chat.export import export
from tornado_stream.values.messages import Conversation, Message, branch

TALK = Conversation("c", "Rain", "Be brief.\nBe kind.", "a2", 1, 2)
MESSAGES = [
    Message("u1", "c", None, "user", "Why?", 1),
    Message("a1", "c", "u1", "assistant", "Half", 1, state="cut_off", model="m"),
    Message("a2", "c", "u1", "assistant", "Because **so**.", 1, state="done", model="m"),
]


def test_a_branch_runs_from_the_root_to_its_leaf():
    assert [m.id for m in branch(MESSAGES, "a2")] == ["u1", "a2"]
    assert branch(MESSAGES, None) == branch(MESSAGES, "x") == []


def test_markdown_is_the_branch_as_it_stands():
    assert export("md", TALK, branch(MESSAGES, "a2")).decode() == (
        "# Rain\n\n> Be brief.\n> Be kind.\n\n## You\n\nWhy?\n\n"
        "## Assistant (m)\n\nBecause **so**.\n"
    )
    assert "*(cut off)*" in export("md", TALK, branch(MESSAGES, "a1")).decode()


def test_text_of_a_running_answer_ends_with_its_last_character():
    running = Message("a3", "c", "u1", "assistant", "So f", 1, state="running")
    assert export("txt", TALK, [MESSAGES[0], running]).decode().endswith("Assistant:\nSo f")
    assert export("txt", TALK, branch(MESSAGES, "a1")).decode().endswith("Half\n(cut off)\n\n")


def test_json_has_every_branch():
    data = json.loads(export("json", TALK, MESSAGES))
    assert [m["id"] for m in data["messages"]] == ["u1", "a1", "a2"]
    assert data["current_id"] == "a2" and "conversation_id" not in data["messages"][0]


def test_sources_are_numbered_links():
    sources = [
        {"url": "https://a.example/x y>", "title": "On [rain]\n*now*"},
        {"url": "http://b.example", "title": ""},
    ]
    talk = [Message("a", "c", None, "assistant", "Wet.", 1, state="done", sources=sources)]
    assert (
        export("md", TALK, talk)
        .decode()
        .endswith(
            "Wet.\n\n1. [On \\[rain\\] \\*now\\*](<https://a.example/x%20y%3E>)\n"
            "2. [http\\:\\/\\/b\\.example](<http://b.example>)\n"
        )
    )
    assert "Wet.\n\n[1] On [rain]\n*now*: https" in export("txt", TALK, talk).decode()
    assert json.loads(export("json", TALK, talk))["messages"][0]["sources"] == sources
