"""One answer, read carefully and by the short way of usual chunks: both must emit the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tornado_stream.providers.base import TextEmit
from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
from tornado_stream.providers.openai.usual_chunks import UsualChunks
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, RelayedChunks
from tornado_stream.values.pictures import SentPicture


class Emitted(TextEmit):
    """Records what is emitted, and how many texts came without an event."""

    def __init__(self, *, relay: bool = False) -> None:
        self.events: list[Any] = []
        self.texts = 0
        self._relay = relay

    def __call__(self, event: Any) -> None:
        if isinstance(event, RelayedChunks) and event.found is None:
            # The usual chunks of one read come together, or each by itself.
            blocks = event.blocks
            if self.events and isinstance(self.events[-1], RelayedChunks):
                blocks = self.events.pop().blocks + blocks
            event = RelayedChunks(blocks)
        if isinstance(event, SentPicture):
            event = b"".join(event.pieces())
        self.events.append(event)

    def text(self, text: str, data: bytes) -> None:
        self.texts += 1
        assert text and data.startswith(b"data: ") and data.endswith(b"\n\n")
        if self._relay:
            self(RelayedChunks([event[6:] for event in data.split(b"\n\n")[:-1]]))
        self(Delta(text))


def read(
    reader: AnswerEmitter | UsualChunks, pieces: Iterable[bytes], cut: bool
) -> tuple[list[Any], Any]:
    """What `feed` returned for each piece, and how the answer ended."""
    failure = ProviderError("connection_reset", "reset") if cut else None
    seconds = []
    for piece in pieces:
        seconds.append(reader.feed(piece))
        if seconds[-1] == 0.0:
            break
    try:
        reader.close(failure)
    except ProviderError as error:
        return seconds, error.to_json()
    return seconds, None


def check_both_ways(
    pieces: Iterable[bytes], *, cut: bool = False, **options: Any
) -> tuple[int, list[Any]]:
    """Compare both ways. Returns how many texts took the short one, and what was emitted."""
    pieces = list(pieces)
    relay = options.get("relay", False)
    carefully, shortly = Emitted(relay=relay), Emitted(relay=relay)
    careful = AnswerEmitter(carefully, **options)
    behind = AnswerEmitter(shortly, **options)
    short = UsualChunks(behind, shortly, relay=relay)
    assert read(short, pieces, cut) == read(careful, pieces, cut)
    assert shortly.events == carefully.events
    for name in ("chunks", "skipped", "finish_reason", "usage", "done", "failed", "complete"):
        assert getattr(behind._decoder, name) == getattr(careful._decoder, name), name
    assert behind._decoder._text_room == careful._decoder._text_room
    assert behind._decoder._sse._room == careful._decoder._sse._room
    assert carefully.texts == 0
    return shortly.texts, shortly.events


def by_event(data: bytes) -> list[bytes]:
    """The events of these bytes, one by one."""
    return [event for event in data.replace(b"\n\n", b"\n\n\0").split(b"\0") if event]
