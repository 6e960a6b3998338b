"""A store that forgets when the process ends."""

from __future__ import annotations

from dataclasses import replace

from tornado_stream.messages import Conversation, Message
from tornado_stream.store.base import Page, Progress, Store, StoredGeneration, Turn


class MemoryStore(Store):
    """Dictionaries. Frames are shared with the running logs, so they are held once."""

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}
        self._messages: dict[str, Message] = {}
        self._generations: dict[str, StoredGeneration] = {}

    async def begin(self, turn: Turn) -> None:
        if turn.conversation:
            self._conversations[turn.conversation.id] = turn.conversation
        if turn.user_message:
            self._messages[turn.user_message.id] = turn.user_message
        message = turn.message
        self._messages[message.id] = message
        self._generations[turn.generation_id] = StoredGeneration(
            turn.generation_id, turn.fingerprint, message, [turn.frame]
        )
        conversation = self._conversations[message.conversation_id]
        self._conversations[conversation.id] = replace(
            conversation, current_id=message.id, updated_at=message.created_at
        )

    async def append(self, batch: list[Progress]) -> None:
        for progress in batch:
            stored = self._generations[progress.generation_id]
            stored.frames.extend(progress.frames)
            if progress.message:
                self._messages[progress.message.id] = progress.message
                self._generations[stored.id] = replace(stored, message=progress.message)

    async def conversation(self, id: str) -> Conversation | None:
        return self._conversations.get(id)

    async def message(self, id: str) -> Message | None:
        return self._messages.get(id)

    async def thread(self, message_id: str) -> list[Message]:
        thread: list[Message] = []
        next_id: str | None = message_id
        while next_id and (message := self._messages.get(next_id)):
            thread.append(message)
            next_id = message.parent_id
        return thread[::-1]

    async def generation(self, id: str) -> StoredGeneration | None:
        stored = self._generations.get(id)
        return replace(stored, frames=list(stored.frames)) if stored else None

    async def unfinished(self) -> list[StoredGeneration]:
        return [g for g in self._generations.values() if g.message.state == "running"]

    async def conversations(
        self, *, query: str = "", limit: int = 50, before: str | None = None
    ) -> Page:
        return Page([], None)

    async def create(self, conversation: Conversation) -> None:
        self._conversations[conversation.id] = conversation

    async def update(self, conversation: Conversation) -> None:
        self._conversations[conversation.id] = conversation

    async def delete(self, id: str) -> None:
        self._conversations.pop(id, None)

    async def messages(self, conversation_id: str) -> list[Message]:
        return [m for m in self._messages.values() if m.conversation_id == conversation_id]

    async def close(self) -> None:
        pass
