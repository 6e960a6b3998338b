"""Takes the data of large pictures out of the bytes of an answer, before they are decoded. Pure.

A chunk of an answer is one line of JSON. A picture in it can have 27 MB, and to decode such a line
would hold the loop. So its base64 is cut out as it comes, and a mark stands in its place.

The rule: a chunk that is not too long without pictures is decoded as it was sent. `restored` puts
back what was cut out of it, whatever that was. Only in a longer one the marks stay, and there they
may stand in pictures alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator

from tornado_stream.values.pictures import MAX_PICTURES_SIZE, PictureData, SentPicture

#: Bytes of base64 that are left in their place before the rest is cut out.
KEPT = 64 * 1024
#: The bytes of base64, in both forms, and the backslashes that JSON may have between them.
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-\\"
_CLASS = rb"[A-Za-z0-9+/=_\\-]"
_RUN = re.compile(rb"%b*" % _CLASS)
_LONG_RUN = re.compile(rb"(?<!%b)%b{%d,}" % (_CLASS, _CLASS, KEPT + 1))
#: What ends the data: the end of its text or of its line, or of a picture in Markdown.
_END = re.compile(rb'[")\r\n]')
#: What stands before the data of a data URL.
_DATA_URL = b";base64,"
#: How the base64 of PNG, JPEG, GIF and WebP begins.
_STARTS = (b"iVBORw0KGgo", b"/9j/", b"\\/9j\\/", b"R0lGOD", b"UklGR")
_LONGEST_START = max(map(len, _STARTS))


class PictureCutter:
    """Passes the bytes of one answer on, without the data of large pictures. `so_far` is the line
    that has begun.

    `found` has the pictures that `take` was told of, and `taken` what stands for their marks.
    `too_much` says that the pictures are more than an answer may have.
    """

    def __init__(self, so_far: bytes | bytearray = b"") -> None:
        self.found: list[SentPicture] = []
        self.taken: dict[bytes, PictureData] = {}
        self._keys: set[tuple[int, str, bytes]] = set()
        self._cuts: dict[bytes, PictureData] = {}  # by their marks
        self._cut: PictureData | None = None  # the one whose data comes now
        self._name = b""
        self._number = 0
        self._total = 0
        # The run of base64 at the end of what has come: its length, its first bytes, and what
        # stands before it.
        self._length = 0
        self._start = self._lead = self._last = b""
        self._note_end(bytes(so_far))

    @property
    def too_much(self) -> bool:
        return self._total > MAX_PICTURES_SIZE

    def feed(self, data: bytes) -> bytes:
        """These bytes with marks in the place of what is cut out of them."""
        if self._cut is None and self._length + len(data) <= KEPT:
            self._note_end(data)
            return data
        return b"".join(self._without_pictures(data))

    def restored(self, block: bytes, most: int) -> bytes:
        """A chunk as it was sent, if it has at most so many bytes; else as it is."""
        if not self._cuts:
            return block
        marks = [mark for mark in self._cuts if mark in block]
        cuts = [self._cuts[mark] for mark in marks]
        size = len(block) + sum(cut.size for cut in cuts) - sum(map(len, marks))
        if size > most or not all(cut.whole for cut in cuts):
            return block
        for mark in marks:
            block = block.replace(mark, b"".join(self._cuts.pop(mark).pieces))
        return block

    def take(self, block: bytes, images: Iterable[str], previews: Iterable[str] = ()) -> bool:
        """Take the pictures of a chunk, each once. False if marks are in anything else; `previews`
        are what nobody needs."""
        cut = self._marked(block)
        for picture in map(self._picture, images):
            if picture.key not in self._keys:
                self._keys.add(picture.key)
                self.found.append(picture)
        for preview in previews:
            self._picture(preview)
        self.taken |= cut
        left = self._marked(block)
        for mark in left:
            del self._cuts[mark]
        return not left

    def _picture(self, url: str) -> SentPicture:
        """The picture of a data URL or a text of base64, in which a mark may stand at the end."""
        if url[:5].lower() == "data:":
            url = url.partition(",")[2]
        mark = next((mark for mark in self._cuts if url.endswith(mark.decode())), b"")
        return SentPicture(url.removesuffix(mark.decode()), self._cuts.pop(mark, None))

    def _marked(self, block: bytes) -> dict[bytes, PictureData]:
        """The marks in a chunk, and what they stand for."""
        return {mark: cut for mark, cut in self._cuts.items() if mark in block}

    def _without_pictures(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while True:
            if self._cut is not None:
                end = _END.search(data, position)
                stop = end.start() if end else len(data)
                self._cut.add(data[position:stop])
                self._total += stop - position
                if end is None:
                    return
                self._cut, self._length, self._last = None, 0, b""
                position = stop
            rest = data[position:]
            start = self._find(rest)
            if start is None:
                self._note_end(rest)
                yield rest
                return
            yield rest[:start] + self._begin_cut()
            position += start

    def _begin_cut(self) -> bytes:
        self._name = self._name or secrets.token_hex(8).encode()
        mark = b"<picture %b %d>" % (self._name, self._number)
        self._number += 1
        self._cut = self._cuts[mark] = PictureData()
        return mark

    def _find(self, data: bytes) -> int | None:
        """Where the data of a picture has so many bytes that the rest is cut out."""
        position = 0
        if self._length and (run := _RUN.match(data)):
            start = (self._start + run[0])[:_LONGEST_START]
            if self._length + len(run[0]) > KEPT and _is_picture(self._lead, start):
                return self._behind_escape(data, max(0, KEPT - self._length))
            position = run.end()
        while found := _LONG_RUN.search(data, position):
            lead = (self._last + data[: found.start()])[-len(_DATA_URL) :]
            if _is_picture(lead, data[found.start() : found.start() + _LONGEST_START]):
                return self._behind_escape(data, found.start() + KEPT)
            position = found.end()
        return None

    def _behind_escape(self, data: bytes, place: int) -> int:
        """This place in the data, or the next one: a mark does not stand behind a backslash."""
        return place + ((self._last + data[:place])[-1:] == b"\\")

    def _note_end(self, data: bytes) -> None:
        before = data.rstrip(_BASE64)
        run = len(data) - len(before)
        if before:
            self._lead = (self._last + before)[-len(_DATA_URL) :]
            self._length, self._start = run, data[len(before) :][:_LONGEST_START]
        else:
            if not self._length:
                self._lead = self._last
            self._length += run
            self._start = (self._start + data)[:_LONGEST_START]
        self._last = (self._last + data)[-len(_DATA_URL) :]


def _is_picture(lead: bytes, start: bytes) -> bool:
    return lead == _DATA_URL or start.startswith(_STARTS)
