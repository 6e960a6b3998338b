"""Answers that a request names: to continue them, to go on with their text alone, or to decide on
their calls.
"""

from __future__ import annotations

from dataclasses import replace

from tornado_stream.chat.ids import new_id
from tornado_stream.chat.requests import SendRequest, now_ms
from tornado_stream.store.base import Store
from tornado_stream.values.errors import InvalidRequest, NotFound
from tornado_stream.values.messages import Message


async def summarized(store: Store, request: SendRequest) -> Message:
    """The message that a branch begins with whose model reads the named answer alone. Raises
    `NotFound` and `InvalidRequest`."""
    answer = await store.for_owner(request.owner).message(request.summary_id or "")
    if answer is None or answer.conversation_id != request.conversation_id:
        raise NotFound("There is no answer with this id in the conversation.")
    if answer.state in (None, "running") or not answer.content:
        raise InvalidRequest("summary must name an answer that has ended and has a text.")
    return summary_message(answer)


async def continued_answer(store: Store, request: SendRequest) -> Message:
    """The answer that the request continues. Raises `NotFound` and `InvalidRequest`."""
    message = await store.for_owner(request.owner).message(request.continue_id or "")
    if message is None or message.state is None:
        raise NotFound("There is no answer with this id to continue.")
    check_continuable(message)
    return message


async def with_home(store: Store, request: SendRequest) -> SendRequest:
    """A request that decides on calls, with the conversation of their answer. Raises
    `NotFound`."""
    answer = await store.for_owner(request.owner).message(request.parent_id or "")
    if answer is None or request.conversation_id not in (None, answer.conversation_id):
        raise NotFound("There is no answer with this id.")
    return replace(request, conversation_id=answer.conversation_id)


def summary_message(answer: Message) -> Message:
    """The root of a new branch: the text of this answer, as a part of the system prompt."""
    return Message(
        id=new_id(),
        conversation_id=answer.conversation_id,
        parent_id=None,
        role="system",
        content=answer.content,
        created_at=now_ms(),
    )


def check_continuable(answer: Message) -> None:
    """Raises `InvalidRequest` where this answer cannot be continued."""
    if any(part["type"] == "call" for part in answer.parts):
        raise InvalidRequest(
            "This answer has calls of tools. Send decide, with its id as parent_id: {} goes on "
            "with it, where all its calls are decided."
        )
    if answer.state in ("done", "running") or not answer.content:
        raise InvalidRequest(
            "Only an answer that has some text and did not finish can be continued."
        )
