"""What happens when a user sends, regenerates, continues or stops: requests become answers.

The rule: a request's id is registered before anything is awaited, so the same request, sent
again at any moment, meets the answer it made and never makes a second one.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tornado_stream.chat.requests import (
    SendRequest,
    answer_message,
    is_larger,
    leave_out,
    make_title,
    new_conversation,
    start_frame,
    user_message,
    wire_messages,
)
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.producer import Job
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import ModelInfo, Provider
from tornado_stream.store.base import AlreadyStored, NewAnswer, Store
from tornado_stream.values.errors import (
    ChatError,
    Conflict,
    InvalidRequest,
    NotFound,
    TooLarge,
    in_bytes,
)
from tornado_stream.values.events import Delta, Notice
from tornado_stream.values.messages import ChatRequest, Conversation, Message


class ChatService:
    """The verbs of the chat, over generations, a store and a provider."""

    def __init__(
        self,
        generations: Generations,
        store: Store,
        provider: Provider,
        *,
        max_message: int = 0,
        max_conversation: int = 0,
    ) -> None:
        self._generations = generations
        self._store = store
        self._provider = provider
        self._max_message = max_message  # bytes; 0: any
        self._max_conversation = max_conversation
        self._sending: dict[tuple[str, str], asyncio.Future[Generation]] = {}

    async def send(self, request: SendRequest) -> Generation:
        """The answer to this request: begun now, or found where the request was sent before.

        Raises `InvalidRequest`, `NotFound`, `TooLarge` (`message_too_large`,
        `conversation_too_large`), `TooMany`, `Unavailable` `draining`, or `Conflict`
        (`request_id_reused`, `conversation_busy`).
        """
        if sending := self._sending.get((request.owner, request.request_id)):
            generation = await asyncio.shield(sending)
        else:
            generation = await self._register(request)
        if generation.fingerprint != request.fingerprint:
            raise _reused()
        return generation

    async def generation(self, owner: str, id: str) -> Generation:
        """The owner's answer with this id. Raises `NotFound`."""
        if sending := self._sending.get((owner, id)):
            return await asyncio.shield(sending)
        if generation := await self._generations.get(owner, id):
            return generation
        raise NotFound("There is no answer with this id.")

    async def stop(self, owner: str, id: str) -> Generation:
        """Stop an owner's answer, in any phase; returns when it has ended. Raises `NotFound`."""
        generation = await self.generation(owner, id)
        await self._generations.stop(id)
        return generation

    async def models(self) -> list[ModelInfo]:
        """What can be asked for, the default first."""
        return await self._provider.models()

    async def _register(self, request: SendRequest) -> Generation:
        future = asyncio.get_running_loop().create_future()
        self._sending[request.owner, request.request_id] = future
        try:
            generation = await self._find_or_begin(request)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # who waits with us gets it too; who does not must not be blamed
            raise
        else:
            future.set_result(generation)
            return generation
        finally:
            del self._sending[request.owner, request.request_id]

    async def _find_or_begin(self, request: SendRequest) -> Generation:
        """Nearly every request is new, so the store is asked only where beginning fails."""
        if known := self._generations.known(request.owner, request.request_id):
            return known
        try:
            return await self._begin(request)
        except ChatError as error:
            if known := await self._generations.get(request.owner, request.request_id):
                return known
            if isinstance(error, AlreadyStored):  # it is another owner's
                raise _reused() from None
            raise

    async def _begin(self, request: SendRequest) -> Generation:
        fingerprint = request.fingerprint
        self._generations.admit(request.owner)
        if is_larger([request.message or ""], self._max_message):
            raise TooLarge(
                f"This message is too long: {in_bytes(self._max_message)} is the most.",
                code="message_too_large",
            )
        continued = await self._continued(request)
        if continued:
            request = replace(
                request,
                conversation_id=continued.conversation_id,
                parent_id=continued.parent_id,
                parent_given=True,
            )
        conversation, is_new = await self._conversation(request)
        thread = await self._thread(request, conversation)
        new_user = request.message is not None
        if request.message is not None:
            thread = [*thread, user_message(request.message, conversation.id, thread)]
        history, left_out = leave_out(thread, request.leave_out)
        message = answer_message(request, thread[-1], continued, self._provider.default_model)
        new_answer = NewAnswer(
            generation_id=request.request_id,
            fingerprint=fingerprint,
            conversation=conversation if is_new else None,
            user_message=thread[-1] if new_user else None,
            message=message,
            frame=start_frame(message, thread[-1]),
        )
        messages = wire_messages(conversation.system, history)
        self._check_size(messages)
        chat_request = ChatRequest(
            messages=messages,
            model=request.model or (continued.model if continued else None),
            options=request.options,
            continued_text=continued.content if continued else "",
            left_out=left_out,
        )
        first: list[Delta | Notice] = []
        if continued:
            first.append(Delta(continued.content, continued.reasoning))
        if left_out:
            first.append(Notice("context_trimmed", {"turns": left_out}))
        job = Job(new_answer, self._provider, chat_request, tuple(first), request.owner)
        return await self._generations.start(job)

    def _check_size(self, messages: list[dict[str, str]]) -> None:
        if is_larger((message["content"] for message in messages), self._max_conversation):
            raise TooLarge(
                "This conversation has become too long to be sent to a model: "
                f"{in_bytes(self._max_conversation)} is the most. Start a new conversation.",
                code="conversation_too_large",
            )

    async def _continued(self, request: SendRequest) -> Message | None:
        """The message that is to be gone on with, checked to be one that can be."""
        if request.continue_id is None:
            return None
        message = await self._store.for_owner(request.owner).message(request.continue_id)
        if message is None or message.role != "assistant":
            raise NotFound("There is no answer with this id to continue.")
        if message.state in ("done", "running") or not message.content:
            raise InvalidRequest(
                "Only an answer that broke off, and of which there is text, can be continued."
            )
        return message

    async def _conversation(self, request: SendRequest) -> tuple[Conversation, bool]:
        if request.conversation_id is None:
            return new_conversation(make_title(request.message or "")), True
        store = self._store.for_owner(request.owner)
        conversation = await store.conversation(request.conversation_id)
        if conversation is None:
            raise NotFound("There is no conversation with this id.")
        if request.message and not (conversation.title or conversation.current_id):
            title = make_title(request.message)
            await store.update(conversation.id, {"title": title})
        return conversation, False

    async def _thread(self, request: SendRequest, conversation: Conversation) -> list[Message]:
        """The messages that the request follows, checked to be what it says they are."""
        parent_id = request.parent_id if request.parent_given else conversation.current_id
        if parent_id is None:
            if request.message is None:
                raise InvalidRequest("Without a message, parent_id must name a user's message.")
            return []
        stored = await self._store.for_owner(request.owner).thread(parent_id)
        thread = await self._generations.settle(request.owner, stored)
        if not thread or thread[-1].conversation_id != conversation.id:
            raise NotFound("There is no message with this parent_id in the conversation.")
        wanted = "user" if request.message is None else "assistant"
        if thread[-1].role != wanted:
            raise InvalidRequest(
                "parent_id must name an assistant's message when a message is sent, and a "
                "user's message when message is null (to answer it again)."
            )
        return thread


def _reused() -> Conflict:
    return Conflict(
        "This request_id was used for another request. Make a new one.", code="request_id_reused"
    )
