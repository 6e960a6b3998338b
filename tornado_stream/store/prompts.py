"""How much the model got before an answer, for the estimated cost of one that a crash cut short."""

from __future__ import annotations

from collections.abc import Sequence

from tornado_stream.store.base import Store, StoredGeneration
from tornado_stream.values.content import stored_length


async def lengths(store: Store, answers: Sequence[StoredGeneration]) -> list[int]:
    """See `Store.prompt_lengths`. Reads each conversation by itself."""
    found = []
    for answer in answers:
        view, message = store.for_owner(answer.owner), answer.message
        home = await view.conversation(message.conversation_id)
        before = await view.thread(message.parent_id or "")
        system = (home and home.system) or ""
        found.append(sum(map(stored_length, before), len(system)))
    return found
