"""Answers that may use tools of this server, and what a person decides of their calls.

The rule: what is decided is stored with the answer that carries it out, in one transaction. So the
same decision, sent by whomever, is carried out once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.requests import SendRequest, Thread, compose
from tornado_stream.files.service import Files
from tornado_stream.generations.job import Job
from tornado_stream.providers.base import Provider
from tornado_stream.store.base import Store
from tornado_stream.store.calls import already_decided
from tornado_stream.tools_host.toolbox import Toolbox
from tornado_stream.values.calls import DECISIONS, after_decision
from tornado_stream.values.errors import ChatError, InvalidRequest
from tornado_stream.values.messages import Message, waiting_calls
from tornado_stream.values.pictures import SentPicture

logger = logging.getLogger(__name__)


class ToolAnswers:
    """Makes the jobs of such answers. `max_steps` are requests to the upstream for one of them."""

    def __init__(
        self, toolbox: Toolbox, store: Store, provider: Provider, files: Files, max_steps: int
    ) -> None:
        self._files = files
        self.toolbox = toolbox
        self._store = store
        self._provider = provider
        self._max_steps = max_steps

    def job(self, request: SendRequest, thread: Thread) -> Job | None:
        """As `compose`, with a `ToolLoop` as the provider; None if there are no tools to use.
        Raises `NotFound` `tools_not_found` and `InvalidRequest` `no_tools`."""
        before = thread.messages[-1].parts if request.decide is not None else []
        decisions = request.decide or {}
        decided = after_decision(before, decisions) if decisions else []
        names = self._names(request, thread) or _servers(before)
        if not names and request.decide is None:
            return None
        from tornado_stream.tools_host.loop import ToolLoop, ToolUse  # most answers use no tools

        servers = self.toolbox.servers(request.owner, names)
        job = compose(request, thread, self._provider, decided=decided)
        self._check_model(job.request.model)
        use = ToolUse(
            request.request_id,
            servers,
            self._store.for_owner(request.owner),
            decided,
            partial(self._always, request.owner, thread.conversation.id),
            self._max_steps,
            keep_pictures=partial(self._keep, job.new_answer.message, request.owner),
        )
        return replace(job, provider=ToolLoop(self._provider, self.toolbox, use))

    def _names(self, request: SendRequest, thread: Thread) -> list[str]:
        """The names of the servers that the request has, else those that were chosen for the
        conversation: as many as there are, if the model may use tools."""
        if request.tools is not None:
            return list(request.tools)
        if not (chosen := thread.conversation.tools):
            return []
        can = self._provider.can(request.model or thread.conversation.model)
        mine = self.toolbox.names(request.owner) if can is None or "tools" in can else []
        return [name for name in chosen if name in mine]

    async def _always(self, owner: str, conversation_id: str) -> dict[tuple[str, str], str]:
        """The definitions of the tools that run unasked in a conversation, by server and name.
        Where the store cannot tell, all ask."""
        try:
            found = await self._store.for_owner(owner).conversation(conversation_id)
        except ChatError as error:
            logger.warning("a tool asks, although it may be allowed: %s", error.message)
            return {}
        always = found.always if found else []
        return {(one["server"], one["name"]): one["definition"] for one in always}

    async def _keep(
        self, answer: Message, owner: str, pictures: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Keep the pictures of a result as files; see `KeepPictures`."""
        kept: list[dict[str, Any]] = []
        lost: list[str] = []
        for picture in pictures:
            try:
                sent = SentPicture(picture["data"])
                file = await self._files.keep_picture(owner, sent, answer, stored=True)
                kept.append(file.in_message())
            except ChatError as error:
                logger.warning("a picture of a tool is left out: %s", error.message)
                lost.append(error.code)
        return kept, lost

    def for_program(self, request: CompletionRequest) -> Provider:
        """The provider of an answer for a program, which nobody watches: its model may use the
        tools that run unasked. Raises as `job` does."""
        from tornado_stream.tools_host.loop import ToolLoop, ToolUse

        servers = self.toolbox.servers(request.owner, request.tools)
        self._check_model(request.model)
        use = ToolUse(request.id, servers, max_steps=self._max_steps, person=False)
        return ToolLoop(self._provider, self.toolbox, use)

    def _check_model(self, model: str | None) -> None:
        can = self._provider.can(model)
        if can is not None and "tools" not in can:
            raise InvalidRequest(
                "This model cannot use tools. Choose another one, or send the question without "
                "tools.",
                code="no_tools",
            )


async def check_decision(store: Store, answer: Message, decide: dict[str, str]) -> None:
    """Raises `InvalidRequest` where this cannot be decided of the answer's calls, and `Conflict`
    `already_decided`; the store compares again when it begins the new answer."""
    calls = {part["id"]: part for part in answer.parts if part["type"] == "call"}
    if answer.state == "running" or not calls:
        raise InvalidRequest("parent_id must name an answer that has ended and has calls of tools.")
    waiting = waiting_calls(answer)
    if not decide and not waiting:
        was_decided = any(part["decision"] for part in calls.values() if part["index"] is not None)
        if answer.state == "done" or was_decided:
            raise InvalidRequest("This answer has ended; nothing of it is left to decide.")
        return
    if any(id in calls and id not in waiting for id in decide):
        messages = await store.messages(answer.conversation_id)
        after = (m.generation_id for m in messages if m.parent_id == answer.id and m.generation_id)
        raise already_decided(next(after, None))
    if set(decide) != set(waiting):
        raise InvalidRequest(f"decide must name all of these calls: {', '.join(waiting)}.")
    for id, decision in decide.items():
        allowed = DECISIONS[calls[id]["state"]]
        if decision not in allowed:
            raise InvalidRequest(f"decide: {id} can be one of {', '.join(allowed)}.")


def _servers(parts: Sequence[dict[str, Any]]) -> list[str]:
    """The servers of the calls of an answer."""
    return sorted({part["server"] for part in parts if part.get("server")})
