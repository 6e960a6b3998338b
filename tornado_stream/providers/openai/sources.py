"""Finds the pages that an answer refers to, wherever an upstream names them. Pure; nothing raises.

OpenAI's API has `annotations` of the type `url_citation`; Perplexity and xAI have `citations`, a
list of URLs, and Perplexity has titles in `search_results`; other servers have lists of their own
(Groq's `executed_tools`, Google's `grounding_metadata`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tornado_stream.providers.openai.lenient_json import mend
from tornado_stream.values.events import Source

#: Members of a chunk, a choice, a delta or a message that name pages. The order of the first
#: counts, since the text refers to it by number.
MEMBERS = (
    "citations",
    "annotations",
    "search_results",
    "sources",
    "references",
    "web_search",
    "search_info",
    "context",
    "grounding_metadata",
    "vertex_ai_grounding_metadata",
    "executed_tools",
)
MEMBER_SET = frozenset(MEMBERS)
#: Pages of one answer, and characters of a URL and of a title. A longer URL is left out.
MAX_SOURCES, MAX_URL, MAX_TITLE = 200, 2048, 300
#: Entries of one list that are looked at.
_MAX_ENTRIES = 1000

_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]+", re.IGNORECASE)
_URLS = ("url", "uri", "link", "href", "source_url")
_TITLES = ("title", "name", "site_name")
#: Members of an entry or of an object around a list that lead to what is looked for.
_INNER = (
    *("url_citation", "source", "web", "document", "search_results", "citations", "results"),
    *("grounding_chunks", "groundingChunks"),
)


def read_sources(*places: dict[str, Any]) -> tuple[Source, ...]:
    """The pages that these objects name, in order; a page may come more than once."""
    found: dict[str, str] = {}
    for name in MEMBERS:
        for place in places:
            if value := place.get(name):
                for url, title in _entries(value):
                    found[url] = found.get(url) or title
    return tuple({"url": url, "title": title} for url, title in found.items())


class SourcesOnce:
    """Returns of the pages that an answer names those that it has not named before."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def new(self, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        new = [source for source in sources if source["url"] not in self._known]
        new = new[: MAX_SOURCES - len(self._known)]
        self._known.update(source["url"] for source in new)
        return tuple(new)


def _entries(value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """URLs and titles in a list of entries, or in an object that has such a list."""
    for entry in value[:_MAX_ENTRIES] if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            if url := _clean_url(entry):
                yield url, ""
        elif isinstance(entry, dict):
            if url := next((url for n in _URLS if (url := _clean_url(entry.get(n)))), ""):
                yield url, next((t for n in _TITLES if (t := _clean_title(entry.get(n)))), "")
            elif depth < 3:
                for name in _INNER:
                    if name in entry:
                        yield from _entries(entry[name], depth + 1)


def _clean_url(value: Any) -> str:
    """The URL, if it is one of a page; else ""."""
    if not isinstance(value, str) or len(value) > MAX_URL:
        return ""
    url = mend(value).strip()
    try:
        return url if _URL.fullmatch(url) and urlsplit(url).hostname else ""
    except ValueError:
        return ""


def _clean_title(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    title = " ".join(mend(value[: 4 * MAX_TITLE]).split())
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"
