"""The short way of the usual chunk, which differs from one before it in its text alone.

The rule: `AnswerEmitter` alone says what bytes mean. What passes by it here is what it would have
emitted in the same way; it gets everything else. Pure: no I/O, no clock.

An event whose chunk says nothing but a text becomes a template: the bytes before the text, and
those after it. The proof is a second text in the same place, which `decode_chunk` has to find. From
then on, an event that begins and ends with the same bytes says what the JSON string between them
says.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from tornado_stream.providers.openai.chunks import Chunk, decode_chunk, decode_text

if TYPE_CHECKING:
    from tornado_stream.providers.base import TextEmit
    from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
    from tornado_stream.values.errors import ProviderError

#: The content of a chunk: the bytes before its text, and the text.
_CONTENT = re.compile(rb'("content"\s*:\s*")((?:[^"\\]|\\.)*)"')
#: The text that proves a template. No upstream sends it.
_PROBE = "¶ the place of a text ¶"
#: Bytes of an event from which a template is made.
LONGEST = 8 * 1024
#: Members `content` of an event that are tried.
MOST_PLACES = 3
#: Other events after which one is tried as a template again, at most; each failure doubles them.
MOST_MISSES = 16

_loads = orjson.loads


class UsualChunks:
    """Feeds an emitter and lets the usual chunks pass by it, to `emit`. All bytes of the answer
    come here. With `relay` a chunk is usual only if a program can get it as it is."""

    __slots__ = (
        *("_answer", "_emit_text", "_relay", "_start", "_end", "_between", "_first", "_last"),
        *("_two", "_room", "_left", "_texts", "_known", "_count", "_misses", "_next_try"),
    )

    def __init__(self, answer: AnswerEmitter, emit: TextEmit, *, relay: bool = False) -> None:
        self._answer = answer
        self._emit_text = emit.text
        self._relay = relay
        self._start = self._end = self._between = b""
        # Where the first text begins and the last one ends, with its quotes; the bytes of two
        # events, at least.
        self._first = self._last = self._two = 0
        self._room = self._left = 0  # bytes that may pass by the emitter, of which so many are left
        self._texts: list[str] = []  # those that passed by; it belongs to the emitter
        self._known = 0  # so many of them are the emitter's own
        self._count = 0
        self._misses, self._next_try = 0, 1

    def feed(self, data: bytes) -> float | None:
        """As `AnswerEmitter.feed`."""
        if len(data) <= self._left and data.startswith(self._start) and data.endswith(self._end):
            strings = data[self._first : self._last]
            count = 1
            try:
                if len(data) < self._two:
                    text = _loads(strings)
                else:
                    parts = strings.split(self._between)
                    count = len(parts)
                    text = "".join([_loads(part) for part in parts])
            except (ValueError, TypeError):  # there is something else than strings
                text = ""
            if text and not ("<" in text or "[" in text or "◁" in text):
                self._left -= len(data)
                self._count += count
                self._texts.append(text)
                self._emit_text(text, data)
                return None
        return self._feed_carefully(data)

    def close(self, failure: ProviderError | None = None) -> None:
        """As `AnswerEmitter.close`."""
        self._settle()
        self._answer.close(failure)

    def _feed_carefully(self, data: bytes) -> float | None:
        self._settle()
        seconds = self._answer.feed(data)
        if not (self._start and data.startswith(self._start) and data.endswith(self._end)):
            self._learn(data)
        if self._start:
            self._room, self._texts = self._answer.usual()
            self._left, self._known = self._room, len(self._texts)
        return seconds

    def _settle(self) -> None:
        """Tell the emitter what has passed by it."""
        if self._count:
            texts = self._texts[self._known :]
            self._answer.passed(self._count, self._room - self._left, sum(map(len, texts)))
        self._room = self._left = self._count = 0

    def _learn(self, data: bytes) -> None:
        """Make a template of this event, if it is one and usual."""
        self._misses += 1
        if self._misses < self._next_try:
            return
        self._misses = 0
        self._next_try = 1 if self._find(data) else min(2 * self._next_try, MOST_MISSES)

    def _find(self, data: bytes) -> bool:
        if len(data) > LONGEST or data[:6] != b"data: " or b"\r" in data:
            return False
        if data.find(b"\n") != len(data) - 2 or data[-1:] != b"\n":
            return False
        for found in islice(_CONTENT.finditer(data), MOST_PLACES):
            start, end = data[: found.start(2)], data[found.end(2) :]
            probe = b"%b%b%b" % (start, _PROBE.encode(), end)
            if self._is_usual(probe[6:-2]) and probe.count(_PROBE.encode()) == 1:
                self._start, self._end, self._between = start, end, end[1:] + start[:-1]
                self._first, self._last = len(start) - 1, 1 - len(end)
                self._two = 2 * (len(start) + len(end))
                return True
        return False

    def _is_usual(self, block: bytes) -> bool:
        """Whether the chunk says the probe and nothing else."""
        if self._relay:
            return decode_text([block]) == _PROBE
        chunk = decode_chunk(block)
        usual = Chunk(_PROBE, is_chat=True)
        return chunk is not None and chunk._replace(member="") == usual
