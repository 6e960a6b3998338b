"""Turns for a store: message u1 asks, and message a1 answers in the log g1 of conversation c."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from tornado_stream.store.base import NewAnswer, Progress, Store
from tornado_stream.values.messages import Conversation, Message


def frame(number: int, event: str = "delta", data: str = "{}") -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number, event.encode(), data.encode())


def crashed(store: Store) -> Store:
    """The store as a process has it that is dead meanwhile."""
    view = copy(store)
    view.instance = "0123456789abcdef"
    return view


def new_answer(
    number: int = 1,
    *,
    conversation: Conversation | None = None,
    parent: str | None = None,
    text: str = "hi",
    home: str = "c",
    title: str = "title",
) -> NewAnswer:
    new = conversation is None
    conversation = conversation or Conversation(home, title, None, None, 1, 1)
    user = Message(f"u{number}", conversation.id, parent, "user", text, number)
    answer = Message(
        f"a{number}",
        conversation.id,
        user.id,
        "assistant",
        "",
        number,
        state="running",
        generation_id=f"g{number}",
    )
    added = conversation if new else None
    # In these tests, an answer may begin though the ends of those before it are not stored.
    ended = tuple(f"g{n}" for n in range(max(0, number - 100), number))
    return NewAnswer(f"g{number}", b"print", added, (user,), answer, frame(1, "start"), ended=ended)


async def converse(
    store: Store, number: int, text: str, answer: str, *, owner: str = "local", **more
) -> None:
    """Store a turn, from its question to the end of its answer."""
    one = new_answer(number, text=text, **more)
    await store.begin(one)
    await end(store, one, answer, owner=owner)


async def end(
    store: Store, one: NewAnswer, answer: str = "", first: int = 2, owner: str = "local"
) -> Message:
    done = replace(one.message, content=answer, state="done")
    frames = [frame(first), frame(first + 1, "end")]
    await store.append([Progress(one.generation_id, first, frames, done, owner)])
    return done


async def listed(store: Store, **more) -> list[str]:
    return [match.conversation.id for match in (await store.conversations(**more)).matches]
