"""Configures logging: one line for each event, on standard error.

The rule: a line never has a key, a prompt, an answer or a query string, whichever module logs it.
Text from a client or an upstream can never end a line or begin one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
import time
import traceback
from asyncio import AbstractEventLoop
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from tornado_stream.observe.masking import mask_headers

if TYPE_CHECKING:
    from tornado_stream.values.events import End

answers = logging.getLogger("tornado_stream.answers")
logger = logging.getLogger(__name__)

#: Characters of one value in a line.
MAX_VALUE = 200
#: Exceptions whose text consists of names in the program or of the system's messages. The text
#: of any other may quote a request or a response, so only its type and its traceback are logged.
SAFE_EXCEPTIONS = (AttributeError, ImportError, NameError, OSError, TypeError, ArithmeticError)

# Characters that end a line, control a terminal, or change the direction of the text.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_WORD = re.compile(r"[^\s\"=]+")


def configure(level: str, format: str = "text", secrets: tuple[str, ...] = ()) -> None:
    """Log to standard error, from `level` (a lower-case name) on, with `secrets` masked.

    Warnings and uncaught exceptions are logged too.
    """
    handler = LineHandler(sys.stderr)
    handler.setFormatter((JSONFormatter if format == "json" else TextFormatter)(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # or logging prints its own errors to stderr, unmasked
    # No line has what these look up for each record; `_srcfile` is the place of the call
    # (docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    sys.excepthook = _on_uncaught
    threading.excepthook = lambda args: _on_uncaught(
        args.exc_type, args.exc_value, args.exc_traceback
    )
    # A mistake of an upstream or a client is logged once, with the answer that it ends.
    logging.getLogger("tornado.general").setLevel(logging.WARNING)


def log_answer(generation_id: str, model: str | None, end: End, deltas: int) -> None:
    """Log one line about an answer that has ended, without its text."""
    usage = end.usage or {}
    tokens = {
        name: value
        for name in ("prompt_tokens", "completion_tokens")
        if type(value := usage.get(name)) is int
    }
    fields = {
        "generation": generation_id,
        "model": model,
        "state": end.state,
        "cause": end.error.code if end.error else None,
        "upstream_status": end.error.upstream_status if end.error else None,
        **end.timings,
        "deltas": deltas,
        **tokens,
    }
    answers.info("an answer has ended", extra={"fields": fields})


#: What asyncio says of a future that failed and was never awaited.
UNAWAITED = "Future exception was never retrieved"


def on_loop_exception(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's handler for uncaught exceptions; asyncio's own would log arguments of calls.

    That a connection broke is no error where nobody waits for it any more: asyncpg leaves such a
    future behind when an attempt to connect is given up.
    """
    message = str(context.get("message", "Exception")).partition("(")[0]
    error = context.get("exception")
    if message == UNAWAITED and isinstance(error, ConnectionError):
        logger.debug("a connection broke that nobody waits for")
        return
    logger.error("%s", message, exc_info=error or False)


def shown(text: str) -> str:
    """`text` on one line, with control characters escaped."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes a line for each record, in the order of the records.

    What is logged while an event loop runs on the thread is written when the iteration of the loop
    has ended, all of it in one piece: an answer that begins does not wait for the lines of others.
    A warning is written at once, and so is everything when the process exits.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `handle`, with the lock."""
        self._waiting.append(record)
        if record.levelno < logging.WARNING:
            with suppress(RuntimeError):  # no loop runs on this thread
                loop = asyncio.get_running_loop()
                if len(self._waiting) == 1:
                    loop.call_soon(self.flush)
                return
        self.flush()

    def flush(self) -> None:
        """Write what waits. Any thread may call this."""
        self.acquire()
        try:
            waiting, self._waiting = self._waiting, []
            if waiting:
                self.stream.write("".join(map(self._line, waiting)))
            super().flush()
        except Exception:
            self.handleError(waiting[-1] if waiting else logging.makeLogRecord({}))
        finally:
            self.release()

    def close(self) -> None:
        self.flush()
        super().close()

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return f"{self.format(record)}\n"
        except Exception:
            self.handleError(record)
            return ""


class _MaskingFormatter(logging.Formatter):
    """Reads the parts of a record, with the secrets masked."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def _trace(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return mask_headers(describe_exception(error), self._secrets) if error else ""

    def _parts(self, record: logging.LogRecord, *groups: str) -> tuple[str, dict[str, Any]]:
        """The message, and the values of a record's groups by name; their text is cut to
        `MAX_VALUE`."""
        message = record.getMessage()
        values: dict[str, Any] = {}
        for group in groups:
            values.update(getattr(record, group, ()))
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        # What is masked in one of the texts is masked in all of them together, too.
        together = "\n".join([message, *texts.values()])
        if mask_headers(together, self._secrets) != together:
            message = mask_headers(message, self._secrets)
            texts = {name: mask_headers(text, self._secrets) for name, text in texts.items()}
            values.update(texts)
        for name, text in texts.items():
            if len(text) > MAX_VALUE:
                values[name] = text[: MAX_VALUE - 1] + "…"
        return message, {name: value for name, value in values.items() if value is not None}


class TextFormatter(_MaskingFormatter):
    """For people: the time, the level, the logger, the message and the fields. A traceback
    follows on indented lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = f"{self.formatTime(record)} {record.levelname} {record.name}:"
        message, values = self._parts(record, "fields")
        fields = [f"{name}={_as_word(value)}" for name, value in values.items()]
        trace = self._trace(record)
        first = " ".join([stamp, message, *fields])
        lines = [first, *(trace.split("\n") if trace else [])]
        return "\n    ".join(map(shown, lines))


class JSONFormatter(_MaskingFormatter):
    """For programs: one JSON object on each line. A traceback is a string in it."""

    def format(self, record: logging.LogRecord) -> str:
        message, values = self._parts(record, "parts", "fields")
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}"
            f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **values,
        }
        if trace := self._trace(record):
            line["traceback"] = trace
        text = json.dumps(line, ensure_ascii=False)  # leaves some line ends unescaped
        if text.isascii() and text.isprintable():
            return text
        return _UNPRINTABLE.sub(lambda match: f"\\u{_encodable(match[0]):04x}", text)


def _as_word(value: Any) -> str:
    """A value as text, in quotes unless it is one word."""
    text = str(value)
    return text if _WORD.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _encodable(character: str) -> int:
    return 0xFFFD if "\ud800" <= character <= "\udfff" else ord(character)


def describe_exception(error: BaseException) -> str:
    """The tracebacks of an exception and its causes, the first cause first. Texts that may quote
    a request or a response are left out."""
    parts: list[str] = []
    current: BaseException | None = error
    while current and len(parts) < 5:
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{_name(current)}")
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return "\n\nThen:\n\n".join(reversed(parts))


def _name(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error) if isinstance(error, SAFE_EXCEPTIONS) else ""
    if isinstance(error, OSError):
        text = error.strerror or ""
    inner = [_name(one) for one in getattr(error, "exceptions", ())[:5]]
    return name + (f": {text}" if text else "") + (f" of {', '.join(inner)}" if inner else "")


def _on_uncaught(
    typ: type[BaseException], value: BaseException | None, tb: TracebackType | None
) -> None:
    if value is None or isinstance(value, KeyboardInterrupt):
        return
    logger.critical("the process failed", exc_info=(typ, value, tb))
