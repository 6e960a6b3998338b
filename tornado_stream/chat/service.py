"""Sending, regenerating, continuing and stopping: requests become answers.

The rule: the id of a request is registered before anything is awaited. So the same request, sent
again at any moment, finds the answer that it made and never makes a second one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from tornado_stream.chat.requests import (
    SendRequest,
    Thread,
    begun_with,
    check_continuable,
    compose,
    content_text,
    earlier_messages,
    is_larger,
    make_title,
    new_thread,
    summary_message,
)
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import ModelInfo, Provider
from tornado_stream.store.base import AlreadyStored, Store
from tornado_stream.values.errors import (
    ChatError,
    Conflict,
    InvalidRequest,
    NotFound,
    TooLarge,
    in_bytes,
)
from tornado_stream.values.events import frame_data
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.presets import Preset

#: Code and message of the errors for texts that are too large.
MESSAGE_TOO_LARGE = "message_too_large", "This message is too long: {} is the most."
CONVERSATION_TOO_LARGE = (
    "conversation_too_large",
    "This conversation has become too long to be sent to a model: {} is the most. "
    "Start a new conversation.",
)


async def no_preset(owner: str, name: str) -> Preset:
    raise NotFound("There is no preset with this id or name.", code="preset_not_found")


class ChatService:
    """Starts, finds and stops the answers of users."""

    def __init__(
        self,
        generations: Generations,
        store: Store,
        provider: Provider,
        *,
        max_message: int = 0,
        max_conversation: int = 0,
        preset: Callable[[str, str], Awaitable[Preset]] = no_preset,
    ) -> None:
        """`preset` finds the preset of an owner by its id or name. It raises `NotFound` or
        `InvalidRequest`."""
        self._generations = generations
        self._store = store
        self._provider = provider
        self._max_message = max_message  # bytes; 0: no limit
        self._max_conversation = max_conversation
        self._preset = preset
        self._sending: dict[tuple[str, str], asyncio.Future[Generation]] = {}

    async def send(self, request: SendRequest) -> Generation:
        """The answer to this request: a new one, or the one that the same request made before.

        Raises `InvalidRequest`, `NotFound`, `TooLarge` (`message_too_large`,
        `conversation_too_large`), `TooMany`, `Unavailable` `draining`, or `Conflict`
        (`request_id_reused`, `conversation_busy`).
        """
        if sending := self._sending.get((request.owner, request.request_id)):
            generation = await asyncio.shield(sending)
        else:
            generation = await self._register(request)
        if not _is_answer_to(generation, request):
            raise _reused()
        return generation

    def check_message(self, message: str) -> None:
        """Raises `TooLarge` `message_too_large`."""
        _check_size([message], self._max_message, *MESSAGE_TOO_LARGE)

    async def generation(self, owner: str, id: str) -> Generation:
        """The owner's answer with this id. Raises `NotFound`."""
        if sending := self._sending.get((owner, id)):
            return await asyncio.shield(sending)
        if generation := await self._generations.get(owner, id):
            return generation
        raise NotFound("There is no answer with this id.")

    async def stop(self, owner: str, id: str) -> Generation:
        """Stop an owner's answer, in any phase. Returns when it has ended. Raises `NotFound`, or
        what `send` raises where the answer is beginning and does not begin."""
        if (owner, id) in self._sending:
            self._generations.cancel(id)  # before it begins, so that its model is not asked
        generation = await self.generation(owner, id)
        await self._generations.stop(id)
        return generation

    async def models(self) -> list[ModelInfo]:
        """The models that can be asked, the default one first."""
        return await self._provider.models()

    async def _register(self, request: SendRequest) -> Generation:
        future = asyncio.get_running_loop().create_future()
        self._sending[request.owner, request.request_id] = future
        try:
            generation = await self._find_or_begin(request)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # mark as retrieved, or asyncio logs an error when nobody waits
            raise
        else:
            future.set_result(generation)
            return generation
        finally:
            del self._sending[request.owner, request.request_id]

    async def _find_or_begin(self, request: SendRequest) -> Generation:
        """Begin first: nearly every request is new, so the store is asked only after a failure."""
        if known := self._generations.known(request.owner, request.request_id):
            return known
        try:
            return await self._begin(request)
        except ChatError as error:
            if known := await self._generations.get(request.owner, request.request_id):
                return known
            if isinstance(error, AlreadyStored):  # the id belongs to another owner's answer
                raise _reused() from None
            raise

    async def _begin(self, request: SendRequest) -> Generation:
        with self._generations.admitted(request.owner, request.request_id):
            self.check_message(request.message or "")
            thread = await self._find(request)
            job = compose(request, thread, self._provider)
            texts = map(content_text, job.request.messages)
            _check_size(texts, self._max_conversation, *CONVERSATION_TOO_LARGE)
            await self._set_title(request, thread)
            return await self._generations.begin(job)

    async def _find(self, request: SendRequest) -> Thread:
        """The thread that the answer belongs to."""
        continued = await self._continued(request)
        if continued:
            request = replace(
                request,
                conversation_id=continued.conversation_id,
                parent_id=continued.parent_id,
                parent_given=True,
            )
        if request.conversation_id is None:
            thread = new_thread(request.message or "", request.system)
            if request.preset:
                preset = await self._preset(request.owner, request.preset)
                own = replace(thread.conversation, model=request.model, options=request.options)
                thread = replace(thread, conversation=begun_with(preset, own))
        else:
            thread = Thread(await self._conversation(request.owner, request.conversation_id), [])
        if request.summary_id:
            return replace(thread, root=await self._summary(request, request.summary_id))
        messages = (
            await self._messages(request, thread.conversation)
            if request.keep
            else earlier_messages(request, thread.conversation)
        )
        return replace(thread, messages=messages, continued=continued)

    async def _summary(self, request: SendRequest, id: str) -> Message:
        """The message that a branch begins with whose model reads this answer alone."""
        answer = await self._store.for_owner(request.owner).message(id)
        if answer is None or answer.conversation_id != request.conversation_id:
            raise NotFound("There is no answer with this id in the conversation.")
        if answer.state in (None, "running") or not answer.content:
            raise InvalidRequest("summary must name an answer that has ended and has a text.")
        return summary_message(answer)

    async def _continued(self, request: SendRequest) -> Message | None:
        """The answer that the request continues, if it continues one."""
        if request.continue_id is None:
            return None
        message = await self._store.for_owner(request.owner).message(request.continue_id)
        if message is None or message.state is None:
            raise NotFound("There is no answer with this id to continue.")
        check_continuable(message)
        return message

    async def _conversation(self, owner: str, id: str) -> Conversation:
        if conversation := await self._store.for_owner(owner).conversation(id):
            return conversation
        raise NotFound("There is no conversation with this id.")

    async def _set_title(self, request: SendRequest, thread: Thread) -> None:
        """Give a title to a conversation that was created without one, at its first message."""
        conversation = thread.conversation
        if thread.is_new or conversation.title or conversation.current_id or not request.message:
            return
        title = make_title(request.message)
        await self._store.for_owner(request.owner).update(conversation.id, {"title": title})

    async def _messages(self, request: SendRequest, conversation: Conversation) -> list[Message]:
        """The messages that the request follows. Raises `NotFound` or `InvalidRequest` where
        `parent_id` does not fit."""
        parent_id = request.parent_id if request.parent_given else conversation.current_id
        if parent_id is None:
            if request.message is None:
                raise InvalidRequest("Without a message, parent_id must name a user's message.")
            return []
        stored = await self._store.for_owner(request.owner).thread(parent_id)
        messages = await self._generations.with_ends(request.owner, stored)
        if not messages or messages[-1].conversation_id != conversation.id:
            raise NotFound("There is no message with this parent_id in the conversation.")
        # A program's conversation has messages of other roles, too. Only an answer has a state.
        last = messages[-1]
        fits = last.state is None if request.message is None else last.role != "user"
        if not fits:
            raise InvalidRequest(
                "parent_id must name an assistant's message when a message is sent, and a "
                "user's message when message is null (to answer it again)."
            )
        return messages


def _check_size(texts: Iterable[str], limit: int, code: str, message: str) -> None:
    if is_larger(texts, limit):
        raise TooLarge(message.format(in_bytes(limit)), code=code)


def _is_answer_to(generation: Generation, request: SendRequest) -> bool:
    """Whether this request made the answer, or one that only named its parent or did not."""
    if generation.fingerprint == request.fingerprint:
        return True
    parent_id = frame_data(generation.frames[0])["parent_id"]
    if request.parent_given and request.parent_id != parent_id:
        return False
    other = replace(request, parent_given=not request.parent_given)
    other = replace(other, parent_id=parent_id if other.parent_given else None)
    return generation.fingerprint == other.fingerprint


def _reused() -> Conflict:
    return Conflict(
        "This request_id was used for another request. Make a new one.", code="request_id_reused"
    )
