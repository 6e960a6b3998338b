"""A decoder for the server-sent events of upstreams.

The rules are those of the WHATWG HTML standard, section 9.2 "Server-sent events", except that the
end of the stream also ends the last event: real servers leave out the last blank line. Pure: bytes
in, values out, and the same values however the bytes were split.
"""

from __future__ import annotations

from typing import NamedTuple

from tornado_stream.values.json_values import MAX_VALUES

#: Limits of one line (and of the data of one event) and of a whole stream, in bytes; no real answer
#: is longer.
MAX_LINE = 1024 * 1024
MAX_TOTAL = 16 * 1024 * 1024

#: Bytes of a large feed that are split into lines at a time, to bound the memory.
_PIECE = 64 * 1024
_FIELDS = (b"data", b"event", b"id", b"retry", b"error")
_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event. `event` is `message` where the server named none; `data` is as sent (UTF-8
    by the standard, but unchecked); `id` is the last one, perhaps of an earlier event."""

    event: str
    data: bytes
    id: str


class SSEDecoder:
    """Turns the bytes of an event stream into events. It raises nothing, on any input.

    `error` is None until a limit is reached, then `line_too_long` or `answer_too_long`: the decoder
    has returned the events before that byte, and ignores everything after it. `max_line` (without
    its line end) and `max_total` are in bytes. `comments` counts comment lines; `retry` is the last
    reconnection time in milliseconds. `strange` says that a line had none of the fields: one may
    be the server's own, but a stream of nothing else is no event stream.

    With `error_field` a line `error: X` is an event of its own, of type `error` and with the data
    X. The standard has no such field, but llama.cpp reported its failures this way until 2025
    (https://github.com/ggml-org/llama.cpp/pull/16109).
    """

    def __init__(
        self, *, error_field: bool = False, max_line: int = MAX_LINE, max_total: int = MAX_TOTAL
    ) -> None:
        self.error: str | None = None
        self.comments = 0
        self.retry: int | None = None
        self.strange = False
        self._error_field = error_field
        self._max_line = max_line
        self._room = max_total
        self._closed = False
        self._idle = True  # the bytes so far are whole events
        self._begun = False  # the first three bytes were checked for a byte order mark
        self._after_cr = False  # a LF that comes next belongs to the line end before it
        self._tail = bytearray()  # the last line, without its end; it grows in linear time
        self._data = bytearray()  # the data lines of the event so far, each with a LF
        self._event = b""
        self._id = ""

    def feed_plain(self, data: bytes) -> list[bytes] | None:
        """The data of each event, in the usual case: nothing is left over from before, and these
        bytes are whole events of one data line each. Returns None, consuming nothing, for any other
        input: call `feed`."""
        size = len(data)
        if not self._idle or size > self._room or size > self._max_line or data[-1:] != b"\n":
            return None
        if data.find(b"\n") == size - 2 and data[:6] == b"data: " and data.find(b"\r") < 0:
            self._room -= size
            self._begun = True  # without a byte order mark
            return [data[6:-2]]
        lines = data.splitlines()
        blocks = [line[6:] for line in lines[::2] if line[:6] == b"data: "]
        if 2 * len(blocks) != len(lines) or any(lines[1::2]):
            return None
        self._room -= size
        self._begun = True
        return blocks

    @property
    def line(self) -> bytearray:
        """The line that has begun. Do not change it."""
        return self._tail

    @property
    def room(self) -> int:
        """The bytes that may pass by this decoder now, of events of one data line each; 0: none,
        as the last event is not whole."""
        return min(self._room, self._max_line) if self._idle else 0

    def passed(self, size: int) -> None:
        """Count bytes that have passed by, within the room."""
        self._room -= size

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete, in order."""
        if (blocks := self.feed_plain(data)) is not None:
            return [ServerSentEvent("message", block, self._id) for block in blocks]
        events: list[ServerSentEvent] = []
        if self.error or self._closed:
            return events
        self._room -= len(data)
        if self._room < 0:
            self._feed_pieces(data[: self._room], events)
            self._fail("answer_too_long", events)
        elif len(data) > _PIECE:
            self._feed_pieces(data, events)
        else:
            self._feed_piece(data, events)
        return events

    @staticmethod
    def one_line_each(events: list[ServerSentEvent]) -> list[bytes] | None:
        """The data of events, each of one line; None if there is an error among them, or more
        lines, or perhaps more values of JSON than may be decoded at once."""
        size = sum(len(event.data) for event in events)
        if size > MAX_VALUES or any(e.event == "error" or b"\n" in e.data for e in events):
            return None
        return [event.data for event in events]

    def close(self) -> list[ServerSentEvent]:
        """The events that the end of the stream completes: an event without its blank line, a
        line without its end. Every later call returns an empty list."""
        events: list[ServerSentEvent] = []
        if not (self.error or self._closed):
            self._flush_tail(events)
            self._dispatch(events)
        self._closed = True
        self._idle = False
        return events

    def _feed_pieces(self, data: bytes, events: list[ServerSentEvent]) -> None:
        for start in range(0, len(data), _PIECE):
            if not self.error:
                self._feed_piece(data[start : start + _PIECE], events)

    def _feed_piece(self, data: bytes, events: list[ServerSentEvent]) -> None:
        if not self._begun:
            data = self._drop_bom(data)
        if self._after_cr and data:
            self._after_cr = False
            if data.startswith(b"\n"):
                data = data[1:]
        if data.find(b"\r") >= 0:  # half the time of `in`
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._tail:
            lines[0] = bytes(self._tail + lines[0])
            self._tail.clear()
        self._take_lines(lines, events)
        if rest and not self.error:
            self._tail += rest
            if len(self._tail) > self._max_line:
                self._fail("line_too_long", events)
        self._idle = self._begun and not (
            self.error or self._after_cr or self._tail or self._data or self._event
        )

    def _drop_bom(self, data: bytes) -> bytes:
        """Hold back up to three bytes until they are a byte order mark or not."""
        data = bytes(self._tail) + data
        self._tail.clear()
        if len(data) < 3 and _BOM.startswith(data):
            self._tail += data
            return b""
        self._begun = True
        return data.removeprefix(_BOM)

    def _take_lines(self, lines: list[bytes], events: list[ServerSentEvent]) -> None:
        for line in lines:
            if not line:
                self._dispatch(events)
            elif len(line) <= self._max_line:
                self._take_field(line, events)
            else:
                self._fail("line_too_long", events)
            if self.error:
                return

    def _take_field(self, line: bytes, events: list[ServerSentEvent]) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data += value
            self._data += b"\n"
            if len(self._data) > self._max_line:  # only many lines can be so long
                self._data.clear()
                self._fail("line_too_long", events)
        elif not name:
            self.comments += 1
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry":
            if value.isdigit() and len(value) < 16:
                self.retry = int(value)
        elif name == b"error" and self._error_field:
            if self._data:  # without a blank line before it, the older text still comes first
                self._dispatch(events)
            events.append(ServerSentEvent("error", value, self._id))
        elif not any(field.startswith(name) for field in _FIELDS):  # a field may be cut
            self.strange = True

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            self._data.pop()
            name = self._event.decode("utf-8", "replace") or "message"
            events.append(ServerSentEvent(name, bytes(self._data), self._id))
            self._data.clear()
        self._event = b""

    def _flush_tail(self, events: list[ServerSentEvent]) -> None:
        if len(self._tail) > self._max_line:  # held back as a possible byte order mark
            self._fail("line_too_long", events)
        elif self._tail:
            self._take_field(bytes(self._tail), events)
            self._tail.clear()

    def _fail(self, error: str, events: list[ServerSentEvent]) -> None:
        if not self.error:
            self.error = error
            self._dispatch(events)
        self._idle = False
        self._tail.clear()
