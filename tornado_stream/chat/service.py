"""Sending, regenerating, continuing and stopping: requests become answers.

The rule: the id of a request is registered before anything is awaited. So the same request, sent
again at any moment, finds the answer that it made and never makes a second one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from tornado_stream.chat.named_answers import continued_answer, summarized, with_home
from tornado_stream.chat.question_files import QuestionFiles
from tornado_stream.chat.requests import (
    CONVERSATION_TOO_LARGE,
    MESSAGE_TOO_LARGE,
    SendRequest,
    Thread,
    begun_with,
    compose,
    has_files,
    is_larger,
    make_title,
    new_thread,
    no_preset,
)
from tornado_stream.chat.temporary import earlier_messages
from tornado_stream.chat.tool_answers import ToolAnswers, check_decision
from tornado_stream.files.service import Files
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.job import Job
from tornado_stream.generations.mirrors import Mirror
from tornado_stream.generations.neighbours import Elsewhere
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import ModelInfo, Provider
from tornado_stream.store.base import AlreadyStored, Store, StoredGeneration
from tornado_stream.values.content import content_text
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
        max_beside: int = 1,
        preset: Callable[[str, str], Awaitable[Preset]] = no_preset,
        files: Files | None = None,
        tools: ToolAnswers | None = None,
    ) -> None:
        """`preset` finds the preset of an owner by its id or name. It raises `NotFound` or
        `InvalidRequest`. Without `files`, no message has any; without `tools` there are none."""
        self._generations = generations
        self._store = store
        self._provider = provider
        self._max_message = max_message  # bytes; 0: no limit
        self._max_conversation = max_conversation
        self._max_beside = max_beside
        self._preset = preset
        self._files = files and QuestionFiles(files, store, provider, max_conversation)
        self._tools = tools
        self._sending: dict[tuple[str, str], asyncio.Future[Generation]] = {}

    async def send(self, request: SendRequest) -> Generation:
        """The answer to this request: a new one, or the one that the same request made before.

        Raises `InvalidRequest`, `NotFound`, `TooLarge` (`message_too_large`,
        `conversation_too_large`, `too_many_files`), `TooMany`, `Unavailable` `draining`, or
        `Conflict` (`request_id_reused`, `conversation_busy`, `file_not_ready`). Raises `Elsewhere`
        if another process is writing the answer to this request.
        """
        try:
            if sending := self._sending.get((request.owner, request.request_id)):
                generation = await asyncio.shield(sending)
            else:
                generation = await self._register(request)
        except Elsewhere as elsewhere:
            if elsewhere.stored and not _is_answer_to(elsewhere.stored, request):
                raise _reused() from None
            return self._generations.mirrors.follow(elsewhere)
        if not _is_answer_to(generation, request):
            raise _reused()
        return generation

    async def check_question(self, request: SendRequest) -> None:
        """Check the message of a request that is to be sent later, and its files. Raises what
        `send` raises for these."""
        self._check_message(request.message or "")
        if request.files and self._files:
            conversation = await self._conversation(request.owner, request.conversation_id or "")
            await self._files.check(request, request.model or conversation.model)

    def _check_message(self, message: str) -> None:
        """Raises `TooLarge` `message_too_large`."""
        _check_size([message], self._max_message, *MESSAGE_TOO_LARGE)

    async def generation(self, owner: str, id: str) -> Generation:
        """The owner's answer with this id. Raises `NotFound`, or `Elsewhere` if another process is
        writing it."""
        if sending := self._sending.get((owner, id)):
            return await asyncio.shield(sending)
        try:
            if generation := await self._generations.get(owner, id):
                return generation
            await self._generations.neighbours.check_unstored(owner, id)
        except Elsewhere as elsewhere:
            return self._generations.mirrors.follow(elsewhere)
        raise NotFound("There is no answer with this id.")

    async def stop(self, owner: str, id: str) -> Generation:
        """Stop an owner's answer, in any phase. Returns when it has ended. Raises `NotFound`,
        `Elsewhere`, or what `send` raises where the answer is beginning and does not begin."""
        if (owner, id) in self._sending:
            self._generations.cancel(id)  # before it begins, so that its model is not asked
        generation = await self.generation(owner, id)
        if isinstance(generation, Mirror):
            await self._generations.mirrors.stop(generation)
        await self._generations.stop(id)
        return generation if generation.ended else await self.generation(owner, id)

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
        if not request.keep:
            await self._generations.neighbours.check_unstored(request.owner, request.request_id)
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
            self._check_message(request.message or "")
            thread = await self._find(request)
            if self._files and has_files(request, thread):
                thread = await self._files.with_files(request, thread)
            job = self._composed(request, thread)
            texts = map(content_text, job.request.messages)
            _check_size(texts, self._max_conversation, *CONVERSATION_TOO_LARGE)
            await self._set_title(request, thread)
            return await self._generations.begin(job)

    def _composed(self, request: SendRequest, thread: Thread) -> Job:
        tools = thread.conversation.tools if request.tools is None else request.tools
        wanted = tools or request.decide is not None
        if wanted and self._tools and (job := self._tools.job(request, thread)):
            return job
        return compose(request, thread, self._provider, self._max_beside)

    async def _find(self, request: SendRequest) -> Thread:
        """The thread that the answer belongs to."""
        continued = await continued_answer(self._store, request) if request.continue_id else None
        if continued:
            request = replace(
                request,
                conversation_id=continued.conversation_id,
                parent_id=continued.parent_id,
                parent_given=True,
            )
        if request.decide is not None:
            request = await with_home(self._store, request)
        if request.conversation_id is None:
            thread = new_thread(request.message or "", request.system, request.tools)
            if request.preset:
                preset = await self._preset(request.owner, request.preset)
                own = thread.conversation
                own = replace(own, model=request.model, options=request.options)
                thread = replace(thread, conversation=begun_with(preset, own))
        else:
            thread = Thread(await self._conversation(request.owner, request.conversation_id), [])
        if request.summary_id:
            return replace(thread, root=await summarized(self._store, request))
        messages = (
            await self._messages(request, thread.conversation)
            if request.keep
            else earlier_messages(request.history, thread.conversation.id)
        )
        if not (messages or continued):
            return thread
        return replace(thread, messages=messages, continued=continued)

    async def _conversation(self, owner: str, id: str) -> Conversation:
        if conversation := await self._store.for_owner(owner).conversation(id):
            return conversation
        raise NotFound("There is no conversation with this id.")

    async def _set_title(self, request: SendRequest, thread: Thread) -> None:
        """Give a title to a conversation that was created without one, at its first message."""
        conversation = thread.conversation
        text = (request.message or "").strip() or (thread.files[0].name if thread.files else "")
        if text and not (thread.is_new or conversation.title or conversation.current_id):
            changes = {"title": make_title(text)}
            await self._store.for_owner(request.owner).update(conversation.id, changes)

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
        if request.decide is not None:
            await check_decision(self._store.for_owner(request.owner), last, request.decide)
        elif not fits:
            raise InvalidRequest(
                "parent_id must name an assistant's message when a message is sent, and a "
                "user's message when message is null (to answer it again)."
            )
        return messages


def _check_size(texts: Iterable[str], limit: int, code: str, message: str) -> None:
    if is_larger(texts, limit):
        raise _too_large(limit, code, message)


def _too_large(limit: int, code: str, message: str) -> TooLarge:
    return TooLarge(message.format(in_bytes(limit)), code=code)


def _is_answer_to(generation: Generation | StoredGeneration, request: SendRequest) -> bool:
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
