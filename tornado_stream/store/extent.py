"""How large a conversation is, and how large it may be. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from tornado_stream.values.errors import TooLarge, in_bytes


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a conversation is: the bytes of its texts as UTF-8, and its messages, of all
    branches. As a limit, 0 is none."""

    size: int = 0
    messages: int = 0

    def exceeds(self, limit: Extent) -> bool:
        """Whether it is above this limit."""
        larger = limit.size and self.size > limit.size
        return bool(larger or (limit.messages and self.messages > limit.messages))


NO_LIMIT = Extent()


class ConversationFull(TooLarge):
    """A conversation would become larger than the limit."""

    code = "conversation_full"

    def __init__(self, limit: Extent) -> None:
        most = [in_bytes(limit.size)] if limit.size else []
        most += [f"{limit.messages:,} messages"] if limit.messages else []
        self.most = " and ".join(most)
        super().__init__(
            f"This conversation is full: {self.most} are the most, with all branches. "
            "Start a new conversation."
        )
