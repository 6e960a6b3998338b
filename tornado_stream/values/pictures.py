"""Pictures of answers: as an upstream sends them, in base64, and as events have them. Pure values.

The rule: what the pictures of all answers hold in memory has a bound. What does not fit is dropped
as it comes, and its picture says so.
"""

from __future__ import annotations

from typing import TypedDict

#: Bytes of a picture, and of its base64.
MAX_PICTURE = 20 * 1024 * 1024
MAX_BASE64 = -(-MAX_PICTURE // 3) * 4 + 1024
#: Pictures of one answer, and bytes of all of their base64.
MAX_PICTURES, MAX_PICTURES_SIZE = 32, 128 * 1024 * 1024
#: Bytes that all pictures may hold which are not on the disk yet.
MAX_HELD = 512 * 1024 * 1024
#: Bytes of a piece, at least.
PIECE = 64 * 1024
#: Bytes at the end of a picture that tell it from another one, as its first ones do.
KEY = 64


class AnswerImage(TypedDict):
    """A picture of an answer, which is a file of its owner. `size` is in bytes; `tokens` is about
    how many a model counts."""

    file_id: str
    type: str
    name: str
    size: int
    tokens: int


class Room:
    """Counts the bytes that pictures hold."""

    def __init__(self, most: int = MAX_HELD) -> None:
        self.free = most


ROOM = Room()


class PictureData:
    """Pieces of base64, each of 64 KiB or more but the last. `whole` is False when one did not fit:
    then no piece is kept, and `size` still counts them all. The room is given back when nothing
    refers to the value."""

    def __init__(self, room: Room = ROOM) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self.whole = True
        self._room = room
        self._held = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.whole and self.size <= MAX_BASE64 and len(piece) <= self._room.free:
            if self.pieces and len(self.pieces[-1]) < PIECE:
                self.pieces[-1] += piece
            else:
                self.pieces.append(piece)
            self._held += len(piece)
            self._room.free -= len(piece)
        else:
            self.whole = False
            self.release()

    def release(self) -> None:
        """Forget all pieces."""
        self.pieces.clear()
        self._room.free += self._held
        self._held = 0

    def __del__(self) -> None:
        self._room.free += self._held


class SentPicture:
    """A picture that an upstream sent: its base64 is the text `head`, and then `data`. Its type is
    what its bytes are, whatever the upstream says."""

    def __init__(self, head: str, data: PictureData | None = None) -> None:
        self.head = head
        self.data = data

    @property
    def whole(self) -> bool:
        """Whether all of it is there, and is not too much."""
        more = self.data.size if self.data else 0
        kept = self.data is None or self.data.whole
        return kept and len(self.head) + more <= MAX_BASE64

    @property
    def key(self) -> tuple[int, str, bytes]:
        """The same for the same picture, which some upstreams send again at the end."""
        pieces = self.pieces()
        size = len(self.head) + (self.data.size if self.data else 0)
        return size, self.head[:PIECE], b"".join(pieces[-2:])[-KEY:]

    def pieces(self) -> list[bytes]:
        """Its base64."""
        return [self.head.encode("ascii", "replace"), *(self.data.pieces if self.data else ())]


def with_pictures(data: bytes, cut: dict[bytes, PictureData]) -> list[bytes]:
    """Bytes with the data of pictures in the places of their marks, in parts. Takes those that it
    uses out of `cut`."""
    parts = [data]
    for mark in [mark for mark in cut if mark in data]:
        place = next(n for n, part in enumerate(parts) if mark in part)
        before, _, after = parts[place].partition(mark)
        parts[place : place + 1] = [before, *cut.pop(mark).pieces, after]
    return parts
