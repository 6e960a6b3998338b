"""The files of a node: its own, or named in its text."""

from __future__ import annotations

import pytest

from tornado_stream.chat.imports.attachments import Attachments
from tornado_stream.chat.imports.node_files import add_archived, add_inline, take_pictures
from tornado_stream.chat.imports.trees import Node

#: Long enough to be a picture.
BASE64 = "iVBORw0KGgo" + "A" * 197
URL = f"data:image/png;base64,{BASE64}"


def node(text: str = "") -> Node:
    return Node("n", None, "user", text)


def names(node: Node) -> list[str]:
    return [file["name"] for file in node.files]


def test_a_data_url_is_a_file_and_the_same_one_is_one_file():
    one = node()
    assert add_inline(one, URL, "picture", "cat\n.png") == ""
    assert add_inline(one, URL, "picture", "again.png") == ""
    (file,) = one.files
    assert file == {"id": file["id"], "name": "cat .png", "instead": "[picture: cat .png]"}
    assert one.data == {file["id"]: BASE64}
    assert add_inline(one, "data:image/png;name=x;charset=y;base64,QUJD", "picture") == ""
    assert names(one)[1] == "picture"


@pytest.mark.parametrize(
    "url",
    [None, 7, "", "x", "/api/files/1", "https://x.example/a.png", "data:,hello", URL[:22]],
)
def test_what_has_no_bytes_is_named(url):
    one = node()
    assert add_inline(one, url, "picture", "cat.png") == "[picture: cat.png]"
    assert add_inline(one, url, "file") == "[file]"
    assert (one.files, one.data) == ([], {})


def test_what_the_archive_does_not_have_is_named():
    one = node()
    assert add_archived(one, Attachments(), "sediment://file_1", "picture") == "[picture: file_1]"
    assert add_archived(one, Attachments(), "", "file", "a.txt") == "[file: a.txt]"
    assert one.files == []


def test_pictures_within_a_text_become_files():
    one = node(f'Before ![a cat]({URL}) between\n![]( <{URL[:-1]}B> "title" ) behind')
    take_pictures(one)
    assert one.text == "Before  between\n behind" and names(one) == ["a cat", "picture"]


@pytest.mark.parametrize(
    "text",
    [
        "Write `![](data:image/png;base64,AAAA)` for it.",
        f"[a link]({URL})",
        f"![text](data:text/html;base64,{BASE64})",
        f"![cut]({URL}",
        "![" * 100_000 + "data:image/",
        f"![]({URL}" * 50,
    ],
)
def test_other_texts_stay_as_they_are(text):
    one = node(text)
    take_pictures(one)
    assert (one.text, one.files) == (text, [])
