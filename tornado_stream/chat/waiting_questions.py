"""Questions that wait for the end of an answer: put, taken back, and asked when their time comes.

The rule: what is done with the question of one conversation happens one after the other. The
question is asked like any other, with its own request id, and the transaction that begins its
answer takes it away. After a restart no question is asked by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from tornado_stream.chat.requests import SendRequest
from tornado_stream.chat.service import ChatService
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.registry import Generations
from tornado_stream.store.base import Store, WaitingQuestion
from tornado_stream.values.errors import ChatError, NotFound
from tornado_stream.values.messages import Message, waiting_calls

logger = logging.getLogger(__name__)

#: Why a question is held, where it is not the code of an error. Most are states of answers.
REASONS = {
    "stopped": "The answer before it was stopped.",
    "error": "The answer before it failed.",
    "cut_off": "The answer before it was cut off.",
    "interrupted": "The answer before it was interrupted.",
    "waiting": "The answer before it waits for a decision on calls of tools.",
    "unanswered": "The message before it has no answer.",
    "restarted": "The server was restarted.",
}
#: Conversations of which it is remembered why their question waits. The questions of more of them
#: are held as if the server had been restarted.
MOST = 100_000


class WaitingQuestions:
    """The waiting questions of all owners, at most one for each conversation. `is_user` tells
    whether an owner is a user who can still log in."""

    def __init__(
        self,
        store: Store,
        generations: Generations,
        chat: ChatService,
        is_user: Callable[[str], bool] = lambda owner: True,
    ) -> None:
        self._store = store
        self._generations = generations
        self._chat = chat
        self._is_user = is_user
        #: Conversation → why its question is held; None: it is asked when the answer is done.
        self._held: dict[str, tuple[str, str] | None] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        generations.on_ended = self._answer_ended
        generations.neighbours.on_free = self._conversation_free

    async def get(self, owner: str, conversation_id: str) -> dict[str, Any] | None:
        """The question as the API shows it."""
        question = await self._store.for_owner(owner).waiting(conversation_id)
        if question is None:
            return None
        if conversation_id not in self._held:
            if await self._generations.neighbours.await_end(owner, conversation_id):
                self._hold(conversation_id, None)  # whichever process sees that end first asks it
        return await self._json(owner, question)

    async def put(self, owner: str, question: WaitingQuestion) -> dict[str, Any]:
        """Let a question wait, or change the one that waits. It is asked at once if no answer is
        running and the last one is done. Returns it as the API shows it; `generation_id` then
        names the answer.

        Raises `NotFound`, `TooLarge`, `InvalidRequest` `no_vision`, or `Conflict`
        (`changed_meanwhile`, `already_sent`, `request_id_reused`, `file_not_ready`).
        """
        await self._chat.check_question(_request(owner, question))
        id = question.conversation_id
        async with self._lock(id):
            question = await self._store.for_owner(owner).put_waiting(question)
            self._hold(id, None)
            generation = await self._settle(owner, question)
            shown = await self._json(owner, question)
            return shown | {"generation_id": generation and generation.id}

    async def delete(
        self, owner: str, conversation_id: str, request_id: str | None, version: int | None
    ) -> None:
        """Take a question back; with a `version`, only that one. If none waits, nothing happens.

        Raises `NotFound`, or `Conflict` (`changed_meanwhile`, `already_sent`).
        """
        store = self._store.for_owner(owner)
        async with self._lock(conversation_id):
            if not await store.conversation(conversation_id):
                raise NotFound("There is no conversation with this id.")
            await store.delete_waiting(conversation_id, request_id, version)
            self._held.pop(conversation_id, None)

    async def _json(self, owner: str, question: WaitingQuestion) -> dict[str, Any]:
        ids = question.files
        files = await self._store.for_owner(owner).files(ids) if ids else []
        reason = self._held.get(question.conversation_id, ("restarted", REASONS["restarted"]))
        return {
            "request_id": question.request_id,
            "message": question.message,
            "files": [file.in_message() for file in files],
            "model": question.model,
            "options": question.options,
            "version": question.version,
            "held": {"reason": reason[0], "message": reason[1]} if reason else None,
        }

    def _lock(self, conversation_id: str) -> asyncio.Lock:
        return self._locks.setdefault(conversation_id, asyncio.Lock())

    def _hold(self, conversation_id: str, reason: tuple[str, str] | None) -> None:
        self._held.pop(conversation_id, None)
        self._held[conversation_id] = reason
        if len(self._held) > MOST:
            del self._held[next(iter(self._held))]

    async def _answer_ended(self, ended: Generation) -> None:
        """Ask or hold the question that waits for this answer and those beside it."""
        id = ended.message.conversation_id
        if self._held.get(id, "") is not None:  # the question of most conversations: there is none
            return
        try:
            async with self._lock(id):
                if self._held.get(id, "") is not None or await self._is_busy(ended.owner, id):
                    return
                question = await self._store.for_owner(ended.owner).waiting(id)
                if question is None:  # sent by its client, or deleted
                    self._held.pop(id, None)
                else:
                    last = await self._last(ended)
                    await self._ask(ended.owner, question, _state(last), last.id)
        except ChatError as error:
            self._hold(id, (error.code, error.message))

    async def _conversation_free(self, owner: str, id: str) -> None:
        """Ask or hold the question that waits for an answer of another process."""
        try:
            async with self._lock(id):
                question = await self._store.for_owner(owner).waiting(id)
                if question and self._held.get(id, "") is None:
                    await self._settle(owner, question)
        except ChatError as error:
            self._hold(id, (error.code, error.message))

    async def _is_busy(self, owner: str, id: str) -> bool:
        """Whether an answer runs in the conversation. Its end will be noticed."""
        neighbours = self._generations.neighbours
        return bool(self._generations.running_in(id)) or await neighbours.await_end(owner, id)

    async def _last(self, ended: Generation) -> Message:
        """The message that a question follows after this end: the answer, or the one of those
        beside it with which its user goes on."""
        store = self._store.for_owner(ended.owner)
        conversation = await store.conversation(ended.message.conversation_id)
        current_id = conversation and conversation.current_id
        current = await store.message(current_id) if current_id else None
        fits = current and current.parent_id == ended.message.parent_id
        return current if current and fits and current.state != "running" else ended.message

    async def _settle(self, owner: str, question: WaitingQuestion) -> Generation | None:
        """Ask or hold a question, unless an answer runs in its conversation."""
        if await self._is_busy(owner, question.conversation_id):
            return None
        store = self._store.for_owner(owner)
        conversation = await store.conversation(question.conversation_id)
        last_id = conversation.current_id if conversation else None
        last = await store.message(last_id) if last_id else None
        (message,) = await self._generations.with_ends(owner, [last]) if last else (None,)
        state = (_state(message) or "unanswered") if message else "done"
        if state == "running":
            return await self._settle(owner, question)  # it has begun or ended just now
        return await self._ask(owner, question, state, last_id)

    async def _ask(
        self, owner: str, question: WaitingQuestion, state: str | None, parent_id: str | None
    ) -> Generation | None:
        """Ask the question if the answer before it is done; else hold it."""
        id = question.conversation_id
        if state != "done":
            self._hold(id, (state or "", REASONS.get(state or "", "")))
            return None
        if not self._is_user(owner):
            self._hold(id, ("login_required", "The user who asked can no longer log in."))
            return None
        request = replace(_request(owner, question), parent_id=parent_id, parent_given=True)
        try:
            generation = await self._chat.send(request)
        except ChatError as error:
            if error.code != "conversation_busy":  # else it waits for that answer
                self._hold(id, (error.code, error.message))
            return None
        except Exception:
            logger.exception("a waiting question cannot be sent")
            self._hold(id, ("server_error", "This server failed; its log says why."))
            return None
        self._held.pop(id, None)
        return generation


def _request(owner: str, question: WaitingQuestion) -> SendRequest:
    """The request that asks the question, without its place in the conversation."""
    return SendRequest(
        question.request_id,
        question.message,
        question.conversation_id,
        model=question.model,
        options=question.options,
        owner=owner,
        files=question.files,
    )


def _state(message: Message) -> str | None:
    """The state of an answer; `waiting` if a person has to decide on its calls."""
    return "waiting" if message.state == "done" and waiting_calls(message) else message.state
