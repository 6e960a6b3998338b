"""The files of a question: checked, and read for the model.

The rule: what a model gets of the files of all messages is known before the answer begins, so a
question is refused whole or asked whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tornado_stream.chat.requests import (
    CONVERSATION_TOO_LARGE,
    SendRequest,
    Thread,
    history_with_files,
    with_files,
)
from tornado_stream.chat.temporary import with_earlier_files
from tornado_stream.files.service import Files
from tornado_stream.providers.base import Provider
from tornado_stream.store.base import Store
from tornado_stream.values.content import has_pictures, stored_length
from tornado_stream.values.errors import InvalidRequest, TooLarge, in_bytes
from tornado_stream.values.files import IMAGE, StoredFile


class QuestionFiles:
    """The files of questions. `max_conversation` is the most bytes of text that a model is sent; 0
    is no limit."""

    def __init__(
        self, files: Files, store: Store, provider: Provider, max_conversation: int = 0
    ) -> None:
        self._files = files
        self._store = store
        self._provider = provider
        self._max_conversation = max_conversation

    async def check(self, request: SendRequest, model: str | None) -> None:
        """Check the files of a question that is asked later, perhaps of this model. Raises what
        `with_files` raises for them."""
        files = await self._files.for_message(request.owner, request.files)
        self._sees(model, asked=_has_pictures(files))

    async def with_files(self, request: SendRequest, thread: Thread) -> Thread:
        """The thread with the files of the new message, and with what the model gets of all files.

        Raises `NotFound` `file_not_found`, `Conflict` `file_not_ready`, `InvalidRequest`
        `no_vision`, or `TooLarge` (`too_many_files`, `conversation_too_large`).
        """
        if request.files:
            files = await self._files.for_message(request.owner, request.files)
            thread = with_files(request, thread, files)
        if ids := [id for one in request.history for id in one.files]:
            earlier = await self._store.for_owner(request.owner).files(ids)
            messages = with_earlier_files(request.history, thread.messages, earlier)
            thread = replace(thread, messages=messages)
        history = history_with_files(request, thread)
        if not history:
            return thread
        if self._max_conversation and sum(map(stored_length, history)) > self._max_conversation:
            code, message = CONVERSATION_TOO_LARGE
            raise TooLarge(message.format(in_bytes(self._max_conversation)), code=code)
        model = request.model or thread.conversation.model
        pictures = request.pictures and self._sees(model, asked=has_pictures(history[-1]))
        contents = await self._files.contents(request.owner, history, pictures=pictures)
        return replace(thread, contents=contents)

    def _sees(self, model: str | None, *, asked: bool) -> bool:
        """Whether the model gets pictures; one that is known not to see gets their names. Raises
        `InvalidRequest` `no_vision` if they belong to the question: then `asked` is true."""
        can = self._provider.can(model)
        if can is None or "vision" in can:
            return True
        if asked:
            raise InvalidRequest(
                "This model cannot see pictures. Choose one that can, or send the question "
                "without them.",
                code="no_vision",
            )
        return False


def _has_pictures(files: Sequence[StoredFile]) -> bool:
    return any(file.kind == IMAGE for file in files)
