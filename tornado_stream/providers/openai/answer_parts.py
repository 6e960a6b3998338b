"""Adds up what the chunks of one answer say, and makes deltas of what is new. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tornado_stream.providers.openai.chunks import Chunk
from tornado_stream.providers.openai.lenient_json import mend
from tornado_stream.providers.openai.picture_data import KEPT, PictureCutter
from tornado_stream.providers.openai.reasoning import ECHOED
from tornado_stream.providers.openai.signed_members import MAX_BYTES, SignedMembers
from tornado_stream.providers.openai.sources import SourcesOnce
from tornado_stream.providers.openai.tool_calls import ToolCalls
from tornado_stream.values.events import Delta, Source
from tornado_stream.values.pictures import PictureData, SentPicture

#: The characters of text that a tool call counts as: the shortest one takes as much memory.
CALL_SIZE = 2048


class AnswerParts:
    """The parts of an answer that no delta has had yet. All text of its deltas is encodable.

    `has_text` says that a chunk had some: some servers repeat the whole message after its deltas.
    `call_count` is the number of tool calls.
    """

    def __init__(self) -> None:
        self.content, self._reasoning, self._refusal = _Text(), _Text(), _Text()
        self.has_text = False
        self.call_count = 0
        self._tools: ToolCalls | None = None  # made for the first tool call
        self._sources: list[Source] = []
        self._sources_once = SourcesOnce()
        self._signed = SignedMembers()
        self._has_more = False  # something other than content is new

    def add(self, chunk: Chunk) -> None:
        if chunk.signed:
            self._signed.add(chunk.signed)
        if chunk.sources and (new := self._sources_once.new(chunk.sources)):
            self._sources.extend(new)
            self._has_more = True
        if chunk.whole and self.has_text:
            return
        if chunk.content:
            self.content.add(chunk.content, chunk.lone)
        if chunk.reasoning or chunk.refusal or chunk.tool_calls:
            self._add_more(chunk)
        if chunk.content and not chunk.whole:
            self.has_text = True

    def take(self) -> Delta | None:
        """What was added since the last call; None: nothing."""
        content = self.content.take()
        if not self._has_more:
            return Delta(content) if content else None
        self._has_more = False
        calls = self._tools.take() if self._tools else ()
        sources = tuple(self._sources)
        self._sources.clear()
        delta = Delta(content, self._reasoning.take(), self._refusal.take(), calls, sources)
        return delta if delta else None

    def close(self, *, complete: bool, echo: str | None = None) -> Delta | None:
        """The last of it. What was signed, and the reasoning that goes back (`echo`), are a part of
        it if the answer is `complete`."""
        for text in (self.content, self._reasoning, self._refusal):
            text.close(cut_off=not complete)
        self._has_more = True
        delta = self.take()
        signed = self._signed.whole() if complete else None
        if complete and echo is not None and len(echo) <= MAX_BYTES:
            signed = {ECHOED: mend(echo)} | (signed or {})
        return replace(delta or Delta(), signed=signed) if signed else delta

    def _add_more(self, chunk: Chunk) -> None:
        self._has_more = True
        if chunk.reasoning:
            self._reasoning.add(chunk.reasoning, chunk.lone)
        if chunk.refusal:
            self._refusal.add(chunk.refusal, chunk.lone)
        if chunk.tool_calls:
            self._tools = self._tools or ToolCalls()
            for fragment in chunk.tool_calls:
                self._tools.add(fragment)
            self.call_count = len(self._tools)
        if not chunk.whole:
            self.has_text = True


class Pictures:
    """The pictures of one answer. The data of large ones never reach the decoder."""

    def __init__(self) -> None:
        self._cutter: PictureCutter | None = None  # made for the first long line or picture

    @property
    def too_much(self) -> bool:
        """Whether the pictures are more than an answer may have."""
        return self._cutter is not None and self._cutter.too_much

    def cut(self, data: bytes, line: bytearray) -> bytes:
        """These bytes without the data of large pictures. `line` is what has come of their line."""
        if self._cutter is None:
            if len(line) + len(data) <= KEPT:
                return data
            self._cutter = PictureCutter(line)
        return self._cutter.feed(data)

    def restored(self, data: bytes, most: int) -> bytes:
        """A chunk as it was sent, if it has at most so many bytes; else as it is."""
        return self._cutter.restored(data, most) if self._cutter else data

    def take(
        self,
        data: bytes,
        images: Sequence[str],
        previews: Sequence[str],
        *,
        line: bytearray,
        whole: bool,
    ) -> bool:
        """Take the pictures of a chunk. `line` is what has come of the next one's line. False if
        what was cut out of it was something else too, or with `whole` if something of it is gone:
        then its line is too long."""
        if not images and not self._cutter:
            return True
        self._cutter = self._cutter or PictureCutter(line)
        fits = self._cutter.take(data, images, previews)
        return fits and not (whole and any(not cut.whole for cut in self._cutter.taken.values()))

    def take_found(self) -> list[SentPicture]:
        """The pictures that came since the last call."""
        if not self._cutter:
            return []
        found, self._cutter.found = self._cutter.found, []
        return found

    def take_cut(self) -> dict[bytes, PictureData]:
        """What was cut out of the chunks since the last call, by the marks in its place."""
        if not self._cutter:
            return {}
        cut, self._cutter.taken = self._cutter.taken, {}
        return cut


class _Text:
    """Collects new text of one kind. Half a surrogate pair waits for its other half."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.half = ""

    def add(self, text: str, lone: bool) -> None:
        if lone or self.half:
            text = self.half + text
            self.half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
            text = mend(text[:-1] if self.half else text)
        self._pieces.append(text)

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def close(self, cut_off: bool) -> None:
        if self.half and not cut_off:  # the rest of a text that was cut off may bring the half
            self._pieces.append("\ufffd")
        self.half = ""
