"""What a list of conversations consists of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from tornado_stream.values.messages import Conversation


@dataclass(frozen=True, slots=True)
class Match:
    """A conversation in a list, with the ids of its running answers, the oldest first.

    `decide` says that a person has to decide on calls of its current message.
    Only a search sets `message_id` and `snippet`; a match in a title has no `message_id`. In the
    snippet, U+E000 and U+E001 enclose the match; they are removed from all other text.
    """

    conversation: Conversation
    generation_ids: tuple[str, ...]
    message_id: str | None = None
    snippet: str | None = None
    decide: bool = False


@dataclass(frozen=True, slots=True)
class Which:
    """Which conversations a list has: those that are archived or not, those of one folder, or those
    that are `loose`: neither pinned nor in a folder. `archived=None` means both."""

    archived: bool | None = False
    folder: str | None = None
    loose: bool = False


#: The conversations that are not archived.
CURRENT = Which()


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, which is listed while a conversation that is not archived is in it. `count` is the
    number of those that are not pinned either."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `next` is an opaque cursor for the following page; None at the end. Only the
    first page of the loose conversations has `pinned` and `folders`."""

    matches: list[Match]
    next: str | None
    pinned: list[Match] | None = None
    folders: list[Folder] | None = None


def current_ids(page: Page) -> list[str]:
    """The ids of the current messages of all conversations of a page."""
    shown = [match.conversation.current_id for match in (*page.matches, *(page.pinned or ()))]
    return [id for id in shown if id]


def with_undecided(page: Page, undecided: Collection[str]) -> Page:
    """The page, in which each match says whether its current message is one of these."""
    if not undecided:
        return page

    def marked(match: Match) -> Match:
        return replace(match, decide=match.conversation.current_id in undecided)

    pinned = page.pinned and list(map(marked, page.pinned))
    return replace(page, matches=list(map(marked, page.matches)), pinned=pinned)
