"""Shared links: one branch of a conversation for everybody who has the link.

The rule: who shows a token gets what its share allows and nothing else. A token that is unknown,
one that was taken back and one that has expired are the same to everybody: there is nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from tornado_stream.auth.shared_tries import Counted, SharedTries
from tornado_stream.auth.tries import Tries, network
from tornado_stream.chat.conversations import ConversationService, Messages
from tornado_stream.chat.ids import new_id
from tornado_stream.chat.requests import make_title, now_ms
from tornado_stream.chat.service import ChatService
from tornado_stream.chat.shared_events import shown_message
from tornado_stream.chat.shared_readers import SharedReaders
from tornado_stream.files.service import Files
from tornado_stream.generations.generation import Generation
from tornado_stream.store.base import Store
from tornado_stream.values.errors import NotFound
from tornado_stream.values.files import StoredFile
from tornado_stream.values.messages import Conversation, Message
from tornado_stream.values.shares import BranchMessage, Share
from tornado_stream.values.tries import TryLimit

#: Random bytes of a token.
TOKEN_BYTES = 16
#: Wrong tokens from one address without a wait, and the longest wait after those in seconds. People
#: behind one address share it, and a link that was taken back is opened by all who have it.
WRONG = TryLimit(20, 60.0)
DAY = 24 * 3600 * 1000


class NothingShared(NotFound):
    """There is no such link, or no longer, or it does not show this."""

    code = "nothing_shared"

    def __init__(self) -> None:
        super().__init__("There is nothing here. The link may have expired or been taken back.")


class Shares:
    """The shared links of all owners. `is_user` says whether there still is such an owner, and
    `max_readers` how many may follow answers at a time."""

    def __init__(
        self,
        store: Store,
        conversations: ConversationService,
        chat: ChatService,
        files: Files,
        is_user: Callable[[str], bool],
        *,
        max_readers: int,
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._chat = chat
        self._files = files
        self._is_user = is_user
        self._wrong = Tries(WRONG)
        self._shared_tries = SharedTries(store)
        self.readers = SharedReaders(store, is_user, max_readers)

    async def add(
        self,
        owner: str,
        conversation_id: str,
        leaf_id: str,
        *,
        live: bool,
        files: bool,
        days: int | None,
    ) -> tuple[Share, str]:
        """A new share, and its token, which is known to nobody afterwards. Without `days` it lasts
        until it is revoked. Raises `NotFound`, and `Conflict` `too_many_shares`."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), now_ms()
        until = None if days is None else now + days * DAY
        ids = (new_id(), _digest(token), owner, conversation_id, leaf_id)
        share = Share(*ids, live, files, now, until)
        await self._store.for_owner(owner).add_share(share)
        return share, token

    async def of(self, owner: str) -> list[Share]:
        """The shares of an owner that have not expired."""
        now = now_ms()
        shares = await self._store.for_owner(owner).shares()
        return [share for share in shares if not share.is_over(now)]

    async def revoke(self, owner: str, id: str) -> None:
        """Take a link back: when this returns, nobody reads with it in this process. Raises
        `NotFound`."""
        await self._store.for_owner(owner).delete_share(id)
        self.readers.end(id)

    async def open(self, token: str, address: str) -> Share:
        """The share with this token. `address` is the client's. Raises `NothingShared`, and
        `TooManyTries` after too many wrong tokens."""
        where = network(address)
        self._wrong.check(where)
        share = await self._store.share_with(_digest(token))
        if share is None or share.is_over(now_ms()) or not self._is_user(share.owner):
            await self._shared_tries.count([Counted("share", where, self._wrong)])
            self._wrong.count(where)
            raise NothingShared
        return share

    async def read(self, share: Share) -> tuple[Conversation, Messages]:
        """What a reader sees: a conversation that has a title and nothing else, and the messages as
        `ConversationService.open` gives them. Raises `NothingShared`."""
        store = self._store.for_owner(share.owner)
        places = [message.place for message in await self._branch(share)]
        found = await store.outline(share.conversation_id, current=True)
        first = await store.messages_at(places[:1]) if found else []
        while first and shown_message(first[0], with_files=False) is None and len(places) > 1:
            places.pop(0)  # the system prompt of a program
            first = await store.messages_at(places[:1])
        if not (found and first):
            raise NothingShared
        title = make_title(first[0].content)
        conversation = Conversation("", title, None, None, first[0].created_at, 0)
        messages = self._conversations.messages_at(share.owner, places, size=found[2], by="shares")
        return conversation, self._shown(share, messages)

    async def version(self, share: Share) -> str:
        """What names the present state of the messages, without reading them; empty while one of
        them is being written. A message that has ended does not change."""
        branch = await self._branch(share)
        if not branch or any(message.running for message in branch):
            return ""
        return f"{len(branch)}.{branch[-1].place}"

    async def answer(self, share: Share, generation_id: str) -> Generation:
        """An answer of the branch of a live share. Raises `NothingShared`, and `Elsewhere` as
        `ChatService.generation` does."""
        branch = await self._branch(share) if share.live else []
        if generation_id not in {message.generation_id for message in branch}:
            raise NothingShared
        return await self._chat.generation(share.owner, generation_id)

    async def file(self, share: Share, id: str) -> StoredFile:
        """A file of a message of the branch, if the share is with files. Raises `NotFound`."""
        branch = await self._branch(share) if share.with_files else []
        if not any(id in message.files for message in branch):
            raise NothingShared
        return await self._files.get(share.owner, id)

    def file_pieces(self, file: StoredFile) -> AsyncGenerator[bytes, None]:
        """The bytes of a file."""
        return self._files.pieces(file)

    async def _branch(self, share: Share) -> list[BranchMessage]:
        """The messages from the root to the leaf. Those that follow the leaf belong to a live share
        for as long as the owner sees them: in another branch they do not follow it."""
        store = self._store.for_owner(share.owner)
        if share.live:
            conversation = await store.conversation(share.conversation_id)
            if conversation and (current := conversation.current_id):
                branch = await store.branch(current)
                if any(message.id == share.leaf_id for message in branch):
                    return branch
        return await store.branch(share.leaf_id)

    async def _shown(self, share: Share, messages: Messages) -> Messages:
        async with aclosing(messages):
            async for message, number in messages:
                if shown := shown_message(message, with_files=share.with_files):
                    yield _without_rest(shown, share), number


def _without_rest(message: Message, share: Share) -> Message:
    """Only a live share tells where the rest of an answer comes from."""
    return message if share.live else replace(message, generation_id=None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
