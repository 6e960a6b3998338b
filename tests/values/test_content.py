"""The forms of a message's content."""

from __future__ import annotations

from typing import Any

import pytest

from tornado_stream.values.content import (
    FileBytes,
    content_text,
    has_pictures,
    joined,
    lines_of_parts,
    model_content,
    picture_count,
    plain_text,
    stored_length,
    text_length,
    wire_messages,
)
from tornado_stream.values.messages import Message


async def read(start: int, size: int) -> bytes:
    return b""


PICTURE = FileBytes("image/png", 10, read, tokens=5)


def file(id: str, kind: str = "text", tokens: int = 0) -> dict[str, Any]:
    return {"id": id, "name": f"{id}.x", "kind": kind, "tokens": tokens}


def message(text: str, *files: dict[str, Any], role: str = "user") -> Message:
    return Message("m", "c", None, role, text, 1, files=list(files))


def test_a_message_without_files_is_its_text():
    assert model_content(message("a"), {}) == "a"
    assert lines_of_parts(message("a")) == []
    assert stored_length(message("abc")) == 3 and not has_pictures(message("a"))


def test_files_that_models_get():
    one, two = file("one"), file("two", "image", tokens=10)
    content = model_content(message("why?", one, two), {"one": "words", "two": PICTURE})
    text = "[File: one.x]\n\nwords\n\n[End of one.x]\n\nwhy?"
    assert content == [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": PICTURE}},
    ]
    sent = {"role": "user", "content": content}
    assert content_text(sent) == text
    assert text_length(sent) == len(text) + 5 * 4
    assert picture_count([sent, {"role": "user", "content": "a"}]) == 1
    assert plain_text(sent) is None
    assert stored_length(message("why?", one, two)) == 4 + 10 * 4


def test_files_that_models_do_not_get_are_named():
    content = model_content(message("", file("one"), file("two", "image")), {})
    assert content == "[File: one.x]\n\n[Picture: two.x]"
    assert lines_of_parts(message("", file("two", "image"))) == ["[Picture: two.x]"]
    assert has_pictures(message("", file("two", "image")))


def test_a_picture_alone_has_no_text():
    content = model_content(message("", file("two", "image")), {"two": PICTURE})
    assert content == [{"type": "image_url", "image_url": {"url": PICTURE}}]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("a", "b", "a\n\nb"),
        ("a", [{"type": "x"}], [{"type": "text", "text": "a"}, {"type": "x"}]),
        ([{"type": "x"}], "b", [{"type": "x"}, {"type": "text", "text": "b"}]),
        ([{"type": "x"}], "", [{"type": "x"}]),
    ],
)
def test_contents_are_joined(first, second, both):
    assert joined(first, second, "\n\n") == both


def test_two_questions_of_which_one_has_a_picture_are_one():
    """As where a program's system message stands before the page's own."""
    history = [message("s", role="system"), message("a", file("p", "image"))]
    wire, _ = wire_messages("system", history, {"p": PICTURE})
    assert [one["role"] for one in wire] == ["system", "user"]
    assert wire[0]["content"] == "system\n\ns"
    assert wire[1]["content"][1]["image_url"]["url"] is PICTURE


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("a", "a"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "text", "text": "a"}, {"type": "image_url"}], None),
        ([{"type": "text", "text": "a"}, "b"], None),
    ],
)
def test_the_whole_content_as_text(content, text):
    assert plain_text({"role": "user", "content": content}) == text
