"""Reads one answer of an upstream: bytes in, events out.

The rule: the answer is complete only if its decoder says so; how the connection ended matters only
where it is not.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from tornado_stream.providers.base import Emit
from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.continuation import OverlapTrimmer
from tornado_stream.providers.openai.think_tags import ThinkTags
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, Finish

logger = logging.getLogger(__name__)

#: Seconds after `[DONE]` in which the upstream may end its response in good form.
DONE_GRACE = 0.25
#: Seconds after a finish_reason that no text followed, or after an error, in which usage, an error
#: or `[DONE]` may follow.
FINISH_GRACE = 5.0


class AnswerEmitter:
    """Decodes one answer and emits its deltas, and its finish reason and usage once they are known.

    Without a `decoder` the answer is a chat completion. Reasoning that the model has written into
    its text is emitted as reasoning. `text_so_far` is the text that the answer continues. With
    `repeats` the answer may begin with its last words; the repetition is not emitted. With `relay`
    the upstream's chunks are emitted too, as they came.
    """

    def __init__(
        self,
        emit: Emit,
        *,
        decoder: AnswerDecoder | None = None,
        key: str | None = None,
        text_so_far: str = "",
        repeats: bool = False,
        relay: bool = False,
    ) -> None:
        self._decoder = decoder or AnswerDecoder(key=key, relay=relay)
        self._relay = relay
        self._emit = emit
        self._trimmer = OverlapTrimmer(text_so_far) if repeats and text_so_far else None
        self._tags: ThinkTags | None = ThinkTags(text_so_far)
        self._passing: list[str] | None = None  # see ThinkTags
        self._finish = Finish()

    def feed(self, data: bytes) -> float | None:
        """Take bytes. Returns None, or the seconds for which waiting for more makes sense."""
        decoder = self._decoder
        delta = decoder.feed(data)
        if self._relay and (chunks := decoder.take_chunks()):
            self._emit(chunks)
        for picture in decoder.take_pictures():
            self._emit(picture)
        if delta is not None:
            text, passing = delta.content, self._passing
            if passing is not None and not ("<" in text or "[" in text or "◁" in text):
                passing.append(text)
                self._emit(delta)  # the usual case
            else:
                self._emit_trimmed(delta)
        if not decoder.ending:
            return None
        self._emit_finish()
        if decoder.failed:
            return 0.0
        if decoder.done:
            return DONE_GRACE
        return FINISH_GRACE if decoder.complete or decoder.error else None

    def usual(self) -> tuple[int, list[str]]:
        """The bytes of usual chunks that may pass by this emitter now (see
        `AnswerDecoder.usual_room`), and the list to which their texts are appended. None of the
        texts has `<`, `[` or `◁`."""
        free = self._tags is None and self._trimmer is None
        texts: list[str] | None = [] if free else self._passing
        return (0, []) if texts is None else (self._decoder.usual_room(), texts)

    def passed(self, count: int, size: int, characters: int) -> None:
        """As `AnswerDecoder.passed`."""
        self._decoder.passed(count, size, characters)

    def close(self, failure: ProviderError | None = None) -> None:
        """Emit what the end of the bytes adds, and raise `ProviderError` unless the answer is
        complete. `failure` is how the stream ended, if not in good form."""
        decoder = self._decoder
        delta = decoder.close()
        if self._relay and (chunks := decoder.take_chunks()):
            self._emit(chunks)
        for picture in decoder.take_pictures():
            self._emit(picture)
        if delta:
            self._emit_trimmed(delta)
        if self._trimmer and (rest := self._trimmer.close(cut_off=not decoder.complete)):
            self._emit_split(Delta(rest))
        if self._tags:
            content, reasoning, was_reasoning = self._tags.close()
            if delta := Delta(content, reasoning, was_reasoning=was_reasoning):
                self._emit(delta)
        self._emit_finish()
        if decoder.skipped and (decoder.complete or not failure):
            logger.warning("%d of %d chunks were not understood", decoder.skipped, decoder.chunks)
        if not decoder.complete:  # else it does not matter how the stream ended
            raise (
                decoder.error
                or failure
                or ProviderError(
                    "connection_closed",
                    "The model's server ended the stream before the answer was finished.",
                    state="cut_off",
                    upstream_status=200,
                    retryable=True,
                )
            )

    def _emit_trimmed(self, delta: Delta) -> None:
        if self._trimmer:
            delta = replace(delta, content=self._trimmer.feed(delta.content))
            if not self._trimmer.open:
                self._trimmer = None
        self._emit_split(delta)

    def _emit_split(self, delta: Delta) -> None:
        if self._tags and delta.content:
            content, reasoning, was_reasoning = self._tags.feed(delta.content)
            self._passing = None if self._trimmer else self._tags.passing
            if not self._tags.open:
                self._tags = None
            if reasoning or was_reasoning or content != delta.content:
                reasoning = delta.reasoning + reasoning
                delta = replace(
                    delta, content=content, reasoning=reasoning, was_reasoning=was_reasoning
                )
        if delta:
            self._emit(delta)

    def _emit_finish(self) -> None:
        finish = Finish(self._decoder.finish_reason, self._decoder.usage)
        if finish != self._finish:
            self._finish = finish
            self._emit(finish)
