from typing import Any

import pytest
from upstream_json import chunk, fold, say, sse

from tornado_stream.providers.openai.sources import MAX_SOURCES, MAX_TITLE, MAX_URL

A, B = "https://a.example/1", "http://b.example/?q=2"


def sources(*chunks: Any) -> list[tuple[str, str]]:
    return [(source["url"], source["title"]) for source in fold(sse(*chunks))[0].sources]


def citation(url: Any, title: Any = "") -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": {"url": url, "title": title}}


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"citations": [A, B]}, [(A, ""), (B, "")]),
        ({"citations": [{"url": A, "title": "One"}, B]}, [(A, "One"), (B, "")]),
        ({"annotations": [citation(A, "One"), citation(B)]}, [(A, "One"), (B, "")]),
        ({"annotations": [{"type": "url_citation", "url": A, "title": "One"}]}, [(A, "One")]),
        ({"annotations": [{"type": "file_citation", "file_id": "f"}]}, []),
        ({"search_results": [{"title": "One", "url": A, "date": None}]}, [(A, "One")]),
        (
            {"citations": [B, A], "search_results": [{"title": "One", "url": A}]},
            [(B, ""), (A, "One")],
        ),
        ({"web_search": [{"link": A, "title": "One", "media": "m"}]}, [(A, "One")]),
        ({"search_info": {"search_results": [{"url": A, "title": "One"}]}}, [(A, "One")]),
        ({"context": {"citations": [{"url": A, "title": "One"}]}}, [(A, "One")]),
        ({"sources": [{"source": {"uri": A, "name": "One"}}]}, [(A, "One")]),
        (
            {"grounding_metadata": {"grounding_chunks": [{"web": {"uri": A, "title": "One"}}]}},
            [(A, "One")],
        ),
        ({"vertex_ai_grounding_metadata": [{"groundingChunks": [{"web": {"uri": A}}]}]}, [(A, "")]),
        ({"executed_tools": [{"search_results": {"results": [{"url": A}]}}]}, [(A, "")]),
    ],
)
def test_pages_wherever_they_are_named(
    place: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sources({**chunk({"content": "Hi"}), **place}) == expected  # at the top
    assert sources(chunk({"content": "Hi", **place})) == expected  # in the delta
    last = {"index": 0, "delta": {}, "finish_reason": "stop", **place}
    assert sources(say("Hi"), {"choices": [last]}) == expected  # in the choice
    assert sources(say("Hi"), {"choices": [{"message": {"content": "Hi", **place}}]}) == expected
    assert sources({"choices": [{"message": {"content": "Hi", **place}}]}) == expected


def test_annotations_of_a_part_of_the_content() -> None:
    part = {"type": "text", "text": "Hi", "annotations": [citation(A, "One")]}
    answer, _ = fold(sse(chunk({"content": [part]})))
    assert (answer.content, answer.sources) == ("Hi", [{"url": A, "title": "One"}])


def test_each_page_comes_once() -> None:
    assert sources(*[{**say(text), "citations": [A, B, A]} for text in "abc"]) == [(A, ""), (B, "")]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.example/",
        "//a.example/",
        "https://",
        "http://[::1",
        "https://a.example/ b",
        'https://a.example/"x',
        "https://a.example/" + "x" * MAX_URL,
        "",
        7,
        None,
    ],
)
def test_only_urls_of_pages_count(url: Any) -> None:
    found = sources({**say("a"), "citations": [url, A]}, chunk({"annotations": [citation(url)]}))
    assert found == [(A, "")]


def test_titles_are_one_line_and_bounded() -> None:
    titles = ["  One\n two\t ", "x" * 1000, 7, "\ud83d half"]
    found = sources(
        *[chunk({"annotations": [citation(f"{A}/{n}", t)]}) for n, t in enumerate(titles)]
    )
    assert [title for _, title in found] == [
        "One two",
        "x" * (MAX_TITLE - 1) + "…",
        "",
        "\ufffd half",
    ]


def test_the_number_of_pages_is_bounded() -> None:
    urls = [f"https://a.example/{n}" for n in range(MAX_SOURCES + 50)]
    assert (
        len(sources({**say("a"), "citations": urls[:150]}, {**say("b"), "citations": urls}))
        == MAX_SOURCES
    )


@pytest.mark.parametrize(
    "value", [None, 7, "x", {}, [[]], [{"source": {"source": {"source": {}}}}]]
)
def test_members_that_name_no_page(value: Any) -> None:
    assert sources({**say("a"), "citations": value}, chunk({"annotations": value})) == []
