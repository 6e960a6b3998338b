"""The end of a log that a crash cut short.

The rule: the upstream most likely charges for such an answer. So it has a cost, which is estimated
from what was stored, if the price of its model is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tornado_stream.generations.answered import with_answer
from tornado_stream.generations.event_log import RECOVERED_END
from tornado_stream.store.base import Progress, Store, StoredGeneration, StoreError
from tornado_stream.values.calls import Call, ended, from_part, undecided
from tornado_stream.values.costs import cost_of, estimated_tokens, sum_of_costs
from tornado_stream.values.events import (
    AnswerText,
    Delta,
    End,
    Finish,
    Step,
    frame_data,
    frame_name,
)
from tornado_stream.values.messages import Message

logger = logging.getLogger(__name__)

NOTHING = Finish()


class Recovery:
    """Ends logs that nothing produces any more. `expected` says what is known of the upstream and
    the price of a model."""

    def __init__(self, store: Store, expected: Callable[[str | None], Finish]) -> None:
        self._store = store
        self._expected = expected
        #: The logs whose end the store has refused, by the ids of their generations.
        self.refused: dict[str, StoredGeneration] = {}

    async def end(self, orphans: Sequence[StoredGeneration]) -> list[StoredGeneration | None]:
        """End logs, all with one `append`, and return them. None stands for one that was deleted
        meanwhile."""
        try:
            lengths = await self._store.prompt_lengths(orphans)
        except StoreError:
            lengths = [0] * len(orphans)
        try:
            calls = await self._store.calls([stored.id for stored in orphans])
        except StoreError:
            self.refused |= {stored.id: stored for stored in orphans}
            return [None] * len(orphans)
        done = [
            end_as_interrupted(
                stored, self._expected(stored.message.model), length, calls.get(stored.id, ())
            )
            for stored, length in zip(orphans, lengths, strict=True)
        ]
        try:
            gone = (await self._store.append([progress for _, progress in done])).gone
        except StoreError as error:  # they can be read all the same, and are offered again then
            self.refused.update((stored.id, stored) for stored in orphans)
            logger.warning("the end of an interrupted answer is not saved: %s", error.message)
            return [whole for whole, _ in done]
        for stored in orphans:
            self.refused.pop(stored.id, None)
        return [None if whole.id in gone else whole for whole, _ in done]


def end_as_interrupted(
    stored: StoredGeneration,
    expected: Finish = NOTHING,
    prompt_length: int = 0,
    calls: Sequence[Call] = (),
) -> tuple[StoredGeneration, Progress]:
    """The generation with an `end` of state `interrupted`, and what the store is to append.

    `expected` names the upstream and its price, as far as they are known. `prompt_length` is in
    characters. `calls` are those of the ledger: one that was running may have run.
    """
    answer = AnswerText()
    _begin(answer, stored)
    times = [0]
    first_token_ms = None
    for frame in stored.frames:
        data = frame_data(frame)
        times.append(data["t"])
        if _add(answer, frame_name(frame), data):
            first_token_ms = data["t"] if first_token_ms is None else first_token_ms
    for call in calls:  # the log may lack what the ledger has
        answer.add_call(call.to_part())
    timings: dict[str, int | None] = {"first_token_ms": first_token_ms, "total_ms": times[-1]}
    length = answer.length
    cost = cost_of(None, expected.price, prompt_length, length)
    if steps := [part["cost"] for part in answer.parts if part["type"] == "step"]:
        # The last request may have been under way. What it took is not known.
        rest = [] if answer.parts[-1]["type"] == "step" else [cost]
        cost = sum_of_costs([*steps, *rest])
    upstream = expected.upstream
    parts = ended(answer.parts)
    end = End(
        *("interrupted", None, None, None, None, True, timings),
        upstream=upstream,
        cost=cost,
        waiting=undecided(parts),
    )
    frame = end.encode(RECOVERED_END, times[-1])
    message = replace(
        with_answer(stored.message, answer),
        parts=parts,
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
    _begin(answer, stored)
    for frame in stored.frames:
        _add(answer, frame_name(frame), frame_data(frame))
    return with_answer(stored.message, answer)


def _begin(answer: AnswerText, stored: StoredGeneration) -> None:
    """The calls with which an answer begins that follows a decision are in its stored message."""
    for part in stored.message.parts:
        answer.add_call(part)


def _add(answer: AnswerText, name: str, data: dict[str, Any]) -> bool:
    """Add an event of a log to an answer; whether it was a delta."""
    if name == "delta":
        answer.add(_delta(data))
    elif name == "step":
        answer.add_step(Step(*(data[field] for field in Step.__slots__)))
    elif name == "tool":
        answer.add_call(_part(answer, data))
    return name == "delta"


def _part(answer: AnswerText, data: dict[str, Any]) -> dict[str, Any]:
    """The part of a `tool` event, with the arguments that the deltas before it have."""
    index = data["index"]
    if index is not None:
        data["arguments"] = answer.tool_calls[index]["arguments"]
    return from_part(data).to_part()


def _delta(data: dict[str, Any]) -> Delta:
    content, reasoning, refusal = (data.get(n, "") for n in ("content", "reasoning", "refusal"))
    calls, sources = (tuple(data.get(name, ())) for name in ("tool_calls", "sources"))
    was_reasoning = data.get("was_reasoning", False)
    images = tuple(data.get("images", ()))
    return Delta(
        content, reasoning, refusal, calls, sources, data.get("signed"), was_reasoning, images
    )
