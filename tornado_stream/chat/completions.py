"""Answers for programs that speak OpenAI's API, over the same upstreams as the chat's.

The rule: an answer that the client did not ask to keep is only in memory, and is cancelled when
the client leaves, unless the request has an `Idempotency-Key`. An answer that the client asked to
keep is a conversation like any other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.chat.remembered_answers import RememberedAnswers
from tornado_stream.chat.requests import SendRequest, new_answer, new_thread
from tornado_stream.chat.sent_messages import leading_system, sent_messages
from tornado_stream.generations.job import Job
from tornado_stream.generations.registry import Generations
from tornado_stream.generations.relay import Relay
from tornado_stream.providers.base import Provider
from tornado_stream.store.extent import ConversationFull
from tornado_stream.values.content import content_text
from tornado_stream.values.costs import TOKEN_LENGTH
from tornado_stream.values.errors import TooLarge
from tornado_stream.values.messages import LOCAL_OWNER, ChatRequest

#: The message where a request is larger than a conversation can be.
KEEP_LESS = (
    "This request is too large to be kept as a conversation: {} are the most. Send fewer messages, "
    "or send it without the header Tornado-Stream-Keep."
)


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """The content of `POST /v1/chat/completions`. `messages` and `options` are passed on unchanged;
    `keep` says that the answer is saved, and continues when its client leaves.

    `idempotency_key` is the client's own name for the request, "" if it gave none; `is_retry` says
    that the client has sent the request before. `fingerprint` is the same for an equal body.
    `tools` are servers of tools, whose tools that run unasked the model may use.
    """

    id: str
    messages: list[dict[str, Any]]
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    stream: bool = False
    include_usage: bool = False
    keep: bool = False
    owner: str = LOCAL_OWNER
    idempotency_key: str = ""
    is_retry: bool = False
    fingerprint: bytes = b""
    tools: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether the same request, sent again, finds the answer."""
        return bool(self.idempotency_key or self.keep)


@dataclass(frozen=True, slots=True)
class StartedAnswer:
    """The log of an answer; `replayed` says that an earlier request has started it."""

    relay: Relay
    replayed: bool = False


class CompletionService:
    """Starts such answers, and cancels those whose clients have left."""

    def __init__(
        self,
        generations: Generations,
        provider: Provider,
        resolve: Callable[[CompletionRequest], Awaitable[CompletionRequest]] | None = None,
        with_tools: Callable[[CompletionRequest], Provider] | None = None,
    ) -> None:
        """`resolve` gives a request the values of the preset that it names as its model.
        `with_tools` makes the provider of one that may use tools; it raises `ChatError`."""
        self._with_tools = with_tools
        self._resolve = resolve
        self._generations = generations
        self._provider = provider
        self._remembered = RememberedAnswers()

    @property
    def default_model(self) -> str | None:
        """The model for requests that name none; None while it is not known."""
        return self._provider.default_model

    async def start(
        self, request: CompletionRequest, make_relay: Callable[[CompletionRequest], Relay]
    ) -> StartedAnswer:
        """Start the answer, or join the one that the same request started before.

        `make_relay` makes its log in the form that the program wants. Raises what
        `Generations.start` raises, and `Conflict` `idempotency_key_reused`; `TooLarge`
        `conversation_full` where the request cannot be kept; `Elsewhere` where another process has
        started the answer.
        """
        name = _name(request)
        if request.idempotency_key or request.is_retry:
            if known := self._remembered.find(name, request.fingerprint):
                return StartedAnswer(await known, replayed=True)
            if name:
                kind, owner, rest = name
                await self._generations.neighbours.check_unstored(owner, f"{kind} {rest}")
        if self._resolve:
            request = await self._resolve(request)
        relay = make_relay(request)
        with self._remembered.remembering(name, request.fingerprint, relay):
            try:
                await self._generations.start(self._job(request, relay))
            except ConversationFull as error:
                raise TooLarge(KEEP_LESS.format(error.most), code=error.code) from None
        return StartedAnswer(relay)

    def has(self, owner: str, name: str) -> bool:
        """Whether this process remembers the answer with this name, which consists of its kind and
        the rest."""
        kind, _, rest = name.partition(" ")
        return self._remembered.has((kind, owner, rest))

    def response_ended(self, request: CompletionRequest) -> None:
        """Cancel the answer if it is still running, unless it goes on without its client."""
        if not request.is_named:
            self._generations.cancel(request.id)

    def _job(self, request: CompletionRequest, relay: Relay) -> Job:
        """What is saved of the request if it is kept, and what the model is asked."""
        text = last_question(request.messages)
        send = SendRequest(request.id, text, model=request.model, owner=request.owner)
        system = leading_system(request.messages)
        thread = new_thread(text, system)
        rest = request.messages if system is None else request.messages[1:]
        added = sent_messages(rest, thread.conversation.id)
        answer = new_answer(send, thread, added, self._provider.default_model)
        provider, takes_chunks = self._provider, relay.takes_chunks
        if request.tools and self._with_tools:
            # The program gets one answer, which is not what the upstream sends in each step.
            provider, takes_chunks = self._with_tools(request), False
        return Job(
            answer,
            provider,
            ChatRequest(request.messages, request.model, request.options, relay=takes_chunks),
            owner=request.owner,
            persisted=request.keep,
            relay=relay,
        )


def _name(request: CompletionRequest) -> tuple[str, str, str] | None:
    """The name under which the answer is remembered; None: it is not."""
    if request.idempotency_key:
        return "key", request.owner, request.idempotency_key
    if request.keep:
        return "kept", request.owner, request.fingerprint.hex()
    return None


def last_question(messages: list[dict[str, Any]]) -> str:
    """The text of the user's last message; "" where there is none."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return content_text(message)
    return ""


def estimated_usage(request: CompletionRequest, answer_length: int) -> dict[str, Any]:
    """An estimate, marked as one, for clients that need a usage when the upstream sent none."""
    texts = (content_text(message) for message in request.messages)
    prompt = sum(map(len, texts)) // TOKEN_LENGTH
    answer = answer_length // TOKEN_LENGTH
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "estimated": True,
    }
