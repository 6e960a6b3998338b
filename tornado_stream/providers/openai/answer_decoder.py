"""Decodes the body of a chat completion, as OpenAI-compatible servers stream it, into deltas.

The rule: the result never depends on how the bytes were split. Pure: no I/O, no clock. Chunks, tool
calls, errors and JSON have modules of their own beside this one.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.providers.openai import errors
from tornado_stream.providers.openai.answer_parts import CALL_SIZE, AnswerParts, Pictures
from tornado_stream.providers.openai.chunks import Chunk, decode_chunk, decode_text, read_chunk
from tornado_stream.providers.openai.dialects import UNKNOWN, Dialect
from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_json
from tornado_stream.providers.openai.reasoning import ECHOED, ReasoningOnce
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, RelayedChunks
from tornado_stream.values.pictures import SentPicture
from tornado_stream.values.sse import MAX_LINE, MAX_TOTAL, ServerSentEvent, SSEDecoder

#: Characters of an answer's text and reasoning; no model writes as many. An answer takes several
#: times its text, in its log and on its way into the database.
MAX_TEXT = 4 * 1024 * 1024

_DONE = b"[DONE]"
_BLANK = b" \t\r\n\xef\xbb\xbf"


class AnswerDecoder:
    """Turns the bytes of one answer (the body of a 200) into deltas.

    `feed` and `close` return at most one delta. `signed` comes with the last one, if the answer is
    complete. The attributes say, at any time, how the answer ended:

    - `finish_reason`: the last one that was not empty; `usage`: the last one, unchanged;
    - `error`: the first error, whatever form it had. One that only a finish reason tells gives way
      to one with a message. An answer with an error is never complete;
    - `done`: `[DONE]` was read. The decoder ignores everything after it;
    - `failed`: a limit was reached, or this is no API: reading more is useless. An error *in* the
      stream does not set it, since usage may follow;
    - `ending`: at least one of these was set;
    - `chunks` and `skipped`: the number of chunks, and of those that could not be understood.

    All text is encodable: the decoder joins the two halves of a surrogate pair that come in two
    chunks. It also reads bodies that are no event stream: a completion in one piece, lines of JSON,
    an error object; `close` returns their text. A web page is an error, and so is an answer in the
    form of another API. No error message contains `key`. `max_line` and `max_total` are in bytes.
    `take_pictures` returns those that came since the last call; their data count for no limit but
    those of `values.pictures`. With `relay` the decoder also collects the chunks themselves:
    `take_chunks` returns those of the last `feed` or `close`. `ResponsesDecoder`
    is the decoder for another form of answers.
    """

    #: The form of the answers, for messages.
    form = "chat completions"

    def __init__(
        self,
        *,
        key: str | None = None,
        relay: bool = False,
        max_line: int = MAX_LINE,
        max_total: int = MAX_TOTAL,
    ) -> None:
        self.finish_reason: str | None = None
        self.usage: dict[str, Any] | None = None
        self.error: ProviderError | None = None
        self.done = self.failed = self.ending = False
        self.chunks = self.skipped = 0
        self._pictures = Pictures()
        self._key = key
        self._max_body = max_line
        self._text_room = MAX_TEXT
        self._sse = SSEDecoder(error_field=True, max_line=max_line, max_total=max_total)
        self._is_stream = False  # the first byte that is not blank was an event stream's
        self._body: bytearray | None = None  # collects a JSON document that is no stream
        self._parts = AnswerParts()
        self._reasoning_once = ReasoningOnce()
        self._dialect: Dialect | None = None  # another API's, in whose form a chunk was
        self._in_form = False  # a chunk was in the form that is expected
        self._is_text = False  # the data of an event was text, and no JSON
        self._told_by_reason = False  # `error` is what a finish reason means
        # A chunk was no JSON, so its text is lost; a finish reason came, and no text after it.
        self._damaged = self._finished = False
        self._relay = relay
        self._plain: RelayedChunks | None = None
        self._blocks: list[bytes] = []
        self._found: list[tuple[str, bool]] = []

    @property
    def complete(self) -> bool:
        """Whether the server said that the answer is finished, and no error came. Text after a
        finish reason shows that it was not the end."""
        return (self._finished or self.done) and not self.error

    @property
    def _has_answer(self) -> bool:
        return self._in_form or self._parts.has_text

    @property
    def _is_no_stream(self) -> bool:
        # After [DONE] nothing counts, and it depends on the splitting what was read of it.
        return self._is_text or (self._sse.strange and not self.done)

    def feed(self, data: bytes) -> Delta | None:
        """What these bytes add to the answer; None: nothing."""
        if self.done or self.failed:
            return None
        if self._is_stream:
            if (blocks := self._sse.feed_plain(data)) is None:
                events = self._feed_sse(data)  # for example, the last one is not whole yet
                if self._sse.error or (blocks := self._sse.one_line_each(events)) is None:
                    self._take_events(events)
                    return self._counted(self._parts.take())
            if (text := decode_text(blocks)) is None or self._parts.content.half:
                self._take_blocks(blocks)
            else:  # nearly all reads come here
                self.chunks += len(blocks)
                if self._relay and blocks:
                    self._plain = RelayedChunks(blocks)
                if text:
                    self._parts.has_text = True
                    self._finished = False
                    return self._counted(Delta(text))
                self._in_form = self._in_form or bool(blocks)
                return None
        elif self._body is not None:
            self._take_body(data)
        else:
            self._begin(data)
        return self._counted(self._parts.take())

    def close(self) -> Delta | None:
        """What the end of the bytes adds to the answer; None: nothing."""
        if not (self.done or self.failed):
            self._take_events(self._sse.close())
            if self._body:
                self._read_body(bytes(self._body))
        self._body = None
        # A server of chat completions may have sent data that nobody knows beside its own.
        known = self._dialect is UNKNOWN or self.complete
        if self._dialect and not (self._has_answer and known):
            self._note(errors.dialect_error(self._dialect, self.form), by_reason=True)
        elif self._is_no_stream and not (self._has_answer or self.error):
            self._note(errors.web_page_error(self.form))
        elif self.complete and (self._damaged or (self._is_text and not self.finish_reason)):
            # A text, for example of an error, is no keep-alive if [DONE] alone ends the answer.
            self._note(errors.damage_error())
        echo = self._reasoning_once.echo if self._parts.call_count else None
        return self._parts.close(complete=self.complete, echo=echo)

    def _counted(self, delta: Delta | None) -> Delta | None:
        self._text_room -= len(delta.content) + len(delta.reasoning) if delta else 0
        if self._text_room < CALL_SIZE * self._parts.call_count:
            self._fail(errors.limit_error("answer_too_long"))
        return delta

    def usual_room(self) -> int:
        """The bytes of usual chunks that may pass by this decoder now; 0: it must get the next
        bytes, whatever they are. Usual chunks are in events of one data line each, and have
        content and nothing else."""
        if not self._is_stream or self.ending or self.failed or self._parts.content.half:
            return 0
        return min(self._sse.room, self._text_room - CALL_SIZE * self._parts.call_count)

    def passed(self, count: int, size: int, characters: int) -> None:
        """Count usual chunks that have passed by: their number, and the bytes of their events and
        characters of their text, within the room."""
        self.chunks += count
        self._sse.passed(size)
        self._text_room -= characters
        self._parts.has_text = True
        self._finished = False

    def take_chunks(self) -> RelayedChunks | None:
        """The chunks that came since the last call, as the upstream sent them; None: no chunk."""
        chunks, self._plain = self._plain, None
        if self._blocks:
            chunks = RelayedChunks(self._blocks, self._found)
            self._blocks, self._found = [], []
            chunks.cut = self._pictures.take_cut()
        return chunks

    def take_pictures(self) -> list[SentPicture]:
        """The pictures that came since the last call."""
        return self._pictures.take_found()

    def _feed_sse(self, data: bytes) -> list[ServerSentEvent]:
        events = self._sse.feed(self._pictures.cut(data, self._sse.line))
        if self._pictures.too_much:
            self._fail(errors.limit_error("answer_too_long"))
        return events

    def _relay_chunk(self, data: bytes, chunk: Chunk) -> None:
        if self._relay:
            self._blocks.append(data)
            self._found.append((chunk.reasoning, bool(chunk.error or chunk.failure)))

    def _begin(self, data: bytes) -> None:
        """Take the first bytes. No event stream begins like a JSON document or a web page."""
        rest = data.lstrip(_BLANK)
        if rest[:1] not in (b"{", b"[", b"<"):
            self._is_stream = bool(rest)
            self._take_events(self._feed_sse(data))
            return
        self._take_events(self._sse.feed(data[: len(data) - len(rest)]))
        if self.failed:
            return
        if rest.startswith(b"<"):
            self._fail(errors.web_page_error(self.form))
        else:
            self._body = bytearray()
            self._take_body(rest)

    def _take_blocks(self, blocks: list[bytes]) -> None:
        for block in blocks:
            if not (self.done or self.failed):
                self._take_data(block)

    def _take_body(self, data: bytes) -> None:
        assert self._body is not None
        self._body += self._pictures.cut(data, self._body)
        if len(self._body) > self._max_body:
            self._body.clear()
            self._fail(errors.limit_error("answer_too_long"))

    def _read_body(self, body: bytes) -> None:
        body = self._pictures.restored(body, self._max_body)
        value = parse_json(body)
        if value is NOT_JSON:
            self._take_lines(body)
            return
        chunk = read_chunk(value, key=self._key, lone=True)
        self.chunks += 1
        foreign = chunk is not None and chunk.dialect not in (None, UNKNOWN)
        if chunk and (chunk.error or foreign or isinstance(value.get("choices"), list)):
            self._take_chunk(body, chunk)
        else:
            self._fail(errors.web_page_error(self.form))

    def _take_events(self, events: list[ServerSentEvent]) -> None:
        for event in events:
            self._take_event(event)
            if self.done or self.failed:
                return
        if self._sse.error:
            self._fail(errors.limit_error(self._sse.error))

    def _take_event(self, event: ServerSentEvent) -> None:
        if event.event == "error" and not event.data.startswith(_DONE):
            self._note_error(event.data)
        else:
            self._take_data(event.data)

    def _take_data(self, data: bytes) -> None:
        if data[:1] != b"{":
            # Some servers put events into the data of events.
            data = data.strip().removeprefix(b"data:").strip()
            if not data or data == b"null":  # a keep-alive
                return
            if data.startswith(_DONE):
                self.done = self.ending = True
                return
        self._take_object(data)

    def _take_object(self, data: bytes) -> None:
        data = self._pictures.restored(data, self._max_body)
        chunk = decode_chunk(data, key=self._key)
        if chunk is None and b"\n" in data:
            self._take_lines(data)
            return
        self.chunks += 1
        if chunk is None:
            self.skipped += 1
            self._is_text = self._is_text or data[:1] not in (b"{", b"[")
            # After a finish reason only numbers come, and a connection may end within them.
            self._damaged |= data[:1] == b"{" and not self._finished
        else:
            self._take_chunk(data, chunk)

    def _take_lines(self, data: bytes) -> None:
        """Take each line as one event: some servers omit the blank line between events."""
        self._take_blocks([line.strip().removeprefix(b"data:") for line in data.split(b"\n")])

    def _note_error(self, data: bytes) -> None:
        value = parse_json(data)
        text = data.decode("utf-8", "replace")
        self._note(errors.stream_error(text if value is NOT_JSON else value, key=self._key))

    def _note(self, error: ProviderError, *, by_reason: bool = False) -> None:
        if self.error is None or (self._told_by_reason and not by_reason):
            self.error, self._told_by_reason = error, by_reason
        self.ending = True

    def _fail(self, error: ProviderError) -> None:
        self._note(error)
        self.failed = True

    def _take_chunk(self, data: bytes, chunk: Chunk) -> None:
        if chunk.dialect:
            self._take_foreign(chunk.dialect)
            return
        self._in_form = self._in_form or chunk.is_chat
        if chunk.reasoning or chunk.member == ECHOED:
            new = self._reasoning_once.add(chunk.member, chunk.reasoning)
            chunk = chunk._replace(reasoning=new)
        if self._take_pictures(data, chunk.images):
            self._relay_chunk(data, chunk)
            self._fold(chunk)

    def _take_pictures(self, data: bytes, images: tuple[str, ...], *previews: str) -> bool:
        line, whole = self._sse.line, self._relay
        fits = self._pictures.take(data, images, previews, line=line, whole=whole)
        if not fits:
            self._fail(errors.limit_error("line_too_long"))
        return fits

    def _take_foreign(self, dialect: Dialect) -> None:
        """Take a chunk of another API. Servers of chat completions may send some beside theirs."""
        self._dialect = self._dialect or dialect
        if dialect is UNKNOWN:
            self.skipped += 1
        elif not self._has_answer:
            self._fail(errors.dialect_error(dialect, self.form))

    def _fold(self, chunk: Chunk) -> None:
        if chunk.content or chunk.reasoning or chunk.refusal or chunk.tool_calls or chunk.images:
            self._finished &= chunk.whole  # some servers repeat the whole message after the end
        if chunk.finish_reason or chunk.usage is not None or chunk.error or chunk.failure:
            self.finish_reason = chunk.finish_reason or self.finish_reason
            self._finished |= bool(chunk.finish_reason)
            self.usage = self.usage if chunk.usage is None else chunk.usage
            self.ending = True
            if failure := chunk.error or chunk.failure:
                self._note(failure, by_reason=not chunk.error)
        self._parts.add(chunk)
