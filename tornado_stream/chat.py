"""What happens when a user sends, regenerates or stops: requests become turns, turns answers.

The rule: a request's id is registered before anything is awaited, so the same request, sent
again at any moment, meets the answer it made and never makes a second one.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from tornado_stream.errors import Conflict, InvalidRequest, NotFound, Unavailable
from tornado_stream.events import Delta, Notice, Start
from tornado_stream.generation import Generation, Generations, Job
from tornado_stream.messages import ChatRequest, Conversation, Message
from tornado_stream.providers.base import ModelInfo, Provider
from tornado_stream.sse import encode_event
from tornado_stream.store.base import Store, Turn

#: Characters of a title; it is made from the first message.
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What `POST /stream` asks for. `parent_given` tells an absent parent from a null one;
    `leave_out` is how many of the oldest turns not to send; `continue_id` names the message that
    is to be gone on with."""

    request_id: str
    message: str | None
    conversation_id: str | None = None
    parent_id: str | None = None
    parent_given: bool = False
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    leave_out: int = 0
    continue_id: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """The same for the same request, whatever the order of its members."""
        body = [
            self.message,
            self.conversation_id,
            self.parent_id,
            self.parent_given,
            self.model,
            self.options,
            self.leave_out,
            self.continue_id,
        ]
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


class ChatService:
    """The verbs of the chat, over generations, a store and a provider."""

    def __init__(self, generations: Generations, store: Store, provider: Provider) -> None:
        self._generations = generations
        self._store = store
        self._provider = provider
        self._sending: dict[str, asyncio.Future[Generation]] = {}
        self.draining = False

    async def send(self, request: SendRequest) -> Generation:
        """The answer to this request: begun now, or found where the request was sent before.

        Raises `InvalidRequest`, `NotFound`, `Unavailable` `draining`, or `Conflict`
        (`request_id_reused`, `conversation_busy`).
        """
        if sending := self._sending.get(request.request_id):
            generation = await asyncio.shield(sending)
        else:
            generation = await self._register(request)
        if generation.fingerprint != request.fingerprint:
            raise Conflict(
                "This request_id was used for another request. Make a new one.",
                code="request_id_reused",
            )
        return generation

    async def generation(self, id: str) -> Generation:
        """The answer with this id. Raises `NotFound`."""
        if sending := self._sending.get(id):
            return await asyncio.shield(sending)
        if generation := await self._generations.get(id):
            return generation
        raise NotFound("There is no answer with this id.")

    async def stop(self, id: str) -> Generation:
        """Stop an answer, in any phase; returns when it has ended. Raises `NotFound`."""
        generation = await self.generation(id)
        await self._generations.stop(id)
        return generation

    async def models(self) -> list[ModelInfo]:
        """What can be asked for, the default first."""
        return await self._provider.models()

    async def _register(self, request: SendRequest) -> Generation:
        future = asyncio.get_running_loop().create_future()
        self._sending[request.request_id] = future
        try:
            known = await self._generations.get(request.request_id)
            generation = known or await self._begin(request)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # who waits with us gets it too; who does not must not be blamed
            raise
        else:
            future.set_result(generation)
            return generation
        finally:
            del self._sending[request.request_id]

    async def _begin(self, request: SendRequest) -> Generation:
        fingerprint = request.fingerprint
        if self.draining:
            raise Unavailable("The server is restarting. Send it again shortly.", code="draining")
        kept = await self._kept(request)
        if kept:
            request = replace(
                request,
                conversation_id=kept.conversation_id,
                parent_id=kept.parent_id,
                parent_given=True,
            )
        conversation, is_new = await self._conversation(request)
        thread = await self._thread(request, conversation)
        now = _now()
        new_user = request.message is not None
        if request.message is not None:
            thread = [*thread, _user_message(request.message, conversation.id, thread, now)]
        history, left_out = _leave_out(thread, request.leave_out)
        message = self._answer(request, conversation, thread[-1], kept, now)
        turn = Turn(
            generation_id=request.request_id,
            fingerprint=fingerprint,
            conversation=conversation if is_new else None,
            user_message=thread[-1] if new_user else None,
            message=message,
            frame=_start_frame(message, thread[-1]),
        )
        chat_request = ChatRequest(
            messages=_wire_messages(conversation.system, history),
            model=request.model or (kept.model if kept else None),
            options=request.options,
            kept=kept.content if kept else "",
            left_out=left_out,
        )
        first: list[Delta | Notice] = []
        if kept:
            first.append(Delta(kept.content, kept.reasoning))
        if left_out:
            first.append(Notice("context_trimmed", {"turns": left_out}))
        return await self._generations.start(Job(turn, self._provider, chat_request, tuple(first)))

    def _answer(
        self,
        request: SendRequest,
        conversation: Conversation,
        user: Message,
        kept: Message | None,
        now: int,
    ) -> Message:
        return Message(
            id=str(uuid.uuid4()),
            conversation_id=conversation.id,
            parent_id=user.id,
            role="assistant",
            content="",
            created_at=now,
            model=request.model or (kept.model if kept else None) or self._provider.default_model,
            state="running",
            generation_id=request.request_id,
            continued_from=kept.id if kept else None,
        )

    async def _kept(self, request: SendRequest) -> Message | None:
        """The message that is to be gone on with, checked to be one that can be."""
        if request.continue_id is None:
            return None
        message = await self._store.message(request.continue_id)
        if message is None or message.role != "assistant":
            raise NotFound("There is no answer with this id to continue.")
        if message.state in ("done", "running") or not message.content:
            raise InvalidRequest(
                "Only an answer that broke off, and of which there is text, can be continued."
            )
        return message

    async def _conversation(self, request: SendRequest) -> tuple[Conversation, bool]:
        if request.conversation_id is None:
            now = _now()
            title = _title(request.message or "")
            return Conversation(str(uuid.uuid4()), title, None, None, now, now), True
        if conversation := await self._store.conversation(request.conversation_id):
            return conversation, False
        raise NotFound("There is no conversation with this id.")

    async def _thread(self, request: SendRequest, conversation: Conversation) -> list[Message]:
        """The messages that the request follows, checked to be what it says they are."""
        parent_id = request.parent_id if request.parent_given else conversation.current_id
        if parent_id is None:
            if request.message is None:
                raise InvalidRequest("Without a message, parent_id must name a user's message.")
            return []
        thread = await self._store.thread(parent_id)
        if not thread or thread[-1].conversation_id != conversation.id:
            raise NotFound("There is no message with this parent_id in the conversation.")
        wanted = "user" if request.message is None else "assistant"
        if thread[-1].role != wanted:
            raise InvalidRequest(
                "parent_id must name an assistant's message when a message is sent, and a "
                "user's message when message is null (to answer it again)."
            )
        return thread


def _now() -> int:
    return time.time_ns() // 1_000_000


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def _user_message(text: str, conversation_id: str, thread: list[Message], now: int) -> Message:
    return Message(
        id=str(uuid.uuid4()),
        conversation_id=conversation_id,
        parent_id=thread[-1].id if thread else None,
        role="user",
        content=text,
        created_at=now,
    )


def _start_frame(message: Message, user: Message) -> bytes:
    start = Start(
        generation_id=message.generation_id or "",
        conversation_id=message.conversation_id,
        message_id=message.id,
        user_message_id=user.id,
        parent_id=user.parent_id,
        model=message.model,
        continued_from=message.continued_from,
    )
    return encode_event(1, start.name, {**start.to_json(), "t": 0})


def _leave_out(history: list[Message], turns: int) -> tuple[list[Message], int]:
    """The history without its oldest turns, and how many were left out; the last always stays."""
    begins = [i for i, message in enumerate(history) if message.role == "user"]
    turns = min(turns, len(begins) - 1)
    return history[begins[turns] :] if turns else history, turns


def _wire_messages(system: str | None, history: list[Message]) -> list[dict[str, str]]:
    """The messages as a model takes them: roles alternate, since many chat templates insist.

    An answer without text is left out, and the questions before and after it become one.
    """
    wire = [{"role": "system", "content": system}] if system else []
    for message in history:
        if message.role == "assistant" and not message.content:
            continue
        if wire and wire[-1]["role"] == message.role:
            wire[-1]["content"] += "\n\n" + message.content
        else:
            wire.append({"role": message.role, "content": message.content})
    return wire
