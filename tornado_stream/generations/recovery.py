"""The end of a log that a crash cut short.

The rule: the upstream most likely charges for such an answer. So it has a cost, which is estimated
from what was stored, if the price of its model is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tornado_stream.generations.event_log import RECOVERED_END
from tornado_stream.generations.producer import with_answer
from tornado_stream.store.base import Progress, Store, StoredGeneration, StoreError
from tornado_stream.values.costs import cost_of, estimated_tokens
from tornado_stream.values.events import AnswerText, Delta, End, Finish, frame_data, frame_name
from tornado_stream.values.messages import Message

logger = logging.getLogger(__name__)

NOTHING = Finish()


class Recovery:
    """Ends logs that nothing produces any more. `expected` says what is known of the upstream and
    the price of a model."""

    def __init__(self, store: Store, expected: Callable[[str | None], Finish]) -> None:
        self._store = store
        self._expected = expected

    async def end(self, stored: StoredGeneration) -> StoredGeneration | None:
        """End a log, and return it. None: it was deleted meanwhile."""
        try:
            length = await self._prompt_length(stored)
        except StoreError:
            length = 0
        expected = self._expected(stored.message.model)
        ended, progress = end_as_interrupted(stored, expected, length)
        try:
            return None if await self._store.append([progress]) else ended
        except StoreError as error:  # it can be read all the same, and is offered again then
            logger.warning("the end of an interrupted answer is not saved: %s", error.message)
            return ended

    async def _prompt_length(self, stored: StoredGeneration) -> int:
        """The characters of what an answer of the store follows."""
        message, store = stored.message, self._store.for_owner(stored.owner)
        conversation = await store.conversation(message.conversation_id)
        thread = await store.thread(message.parent_id or "")
        system = (conversation and conversation.system) or ""
        return sum((len(one.content) for one in thread), len(system))


def end_as_interrupted(
    stored: StoredGeneration, expected: Finish = NOTHING, prompt_length: int = 0
) -> tuple[StoredGeneration, Progress]:
    """The generation with an `end` of state `interrupted`, and what the store is to append.

    `expected` names the upstream and its price, as far as they are known. `prompt_length` is in
    characters.
    """
    answer = AnswerText()
    times = [0]
    first_token_ms = None
    for frame in stored.frames:
        data = frame_data(frame)
        times.append(data["t"])
        if frame_name(frame) == "delta":
            answer.add(_delta(data))
            first_token_ms = data["t"] if first_token_ms is None else first_token_ms
    timings: dict[str, int | None] = {"first_token_ms": first_token_ms, "total_ms": times[-1]}
    length = answer.length
    cost = cost_of(None, expected.price, prompt_length, length)
    upstream = expected.upstream
    end = End("interrupted", None, None, None, None, True, timings, upstream=upstream, cost=cost)
    frame = end.encode(RECOVERED_END, times[-1])
    message = replace(
        with_answer(stored.message, answer),
        state="interrupted",
        timings=timings,
        upstream=upstream,
        cost=cost,
    )
    tokens = estimated_tokens(prompt_length), estimated_tokens(length)
    progress = Progress(stored.id, len(stored.frames) + 1, [frame], message, stored.owner, tokens)
    return replace(stored, message=message, frames=[*stored.frames, frame]), progress


def text_so_far(stored: StoredGeneration) -> Message:
    """The message of a generation that another process is still writing, with the text that the
    store has of it."""
    answer = AnswerText()
    for frame in stored.frames:
        if frame_name(frame) == "delta":
            answer.add(_delta(frame_data(frame)))
    return with_answer(stored.message, answer)


def _delta(data: dict[str, Any]) -> Delta:
    content, reasoning, refusal = (data.get(n, "") for n in ("content", "reasoning", "refusal"))
    calls, sources = (tuple(data.get(name, ())) for name in ("tool_calls", "sources"))
    was_reasoning = data.get("was_reasoning", False)
    return Delta(content, reasoning, refusal, calls, sources, data.get("signed"), was_reasoning)
