"""Configures logging: one line for each event, on standard error.

The rule: a line never has a key, a prompt, an answer or a query string, whichever module logs it.
Text from a client or an upstream can never end a line or begin one.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import traceback
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

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


def configure(level: str, format: str = "text", secrets: tuple[str, ...] = ()) -> None:
    """Log to standard error, from `level` (a lower-case name) on, with `secrets` masked.

    Warnings and uncaught exceptions are logged too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((JSONFormatter if format == "json" else TextFormatter)(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # or logging prints its own errors to stderr, unmasked
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


def on_loop_exception(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's handler for uncaught exceptions; asyncio's own would log arguments of calls."""
    message = str(context.get("message", "Exception")).partition("(")[0]
    error = context.get("exception")
    logger.error("%s", message, exc_info=error or False)


def shown(text: str) -> str:
    """`text` on one line, with control characters escaped."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class _MaskingFormatter(logging.Formatter):
    """Reads the parts of a record, with the secrets masked."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def _message(self, record: logging.LogRecord) -> str:
        return mask_headers(record.getMessage(), self._secrets)

    def _trace(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return mask_headers(describe_exception(error), self._secrets) if error else ""

    def _values(self, record: logging.LogRecord, *groups: str) -> Iterator[tuple[str, Any]]:
        """The names and values of a record's groups; text is cut to `MAX_VALUE`."""
        for group in groups:
            for name, value in getattr(record, group, {}).items():
                if isinstance(value, str):
                    text = mask_headers(value, self._secrets)
                    value = text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
                if value is not None:
                    yield name, value


class TextFormatter(_MaskingFormatter):
    """For people: the time, the level, the logger, the message and the fields. A traceback
    follows on indented lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = f"{self.formatTime(record)} {record.levelname} {record.name}:"
        fields = [f"{name}={_as_word(value)}" for name, value in self._values(record, "fields")]
        trace = self._trace(record)
        first = " ".join([stamp, self._message(record), *fields])
        lines = [first, *(trace.split("\n") if trace else [])]
        return "\n    ".join(map(shown, lines))


class JSONFormatter(_MaskingFormatter):
    """For programs: one JSON object on each line. A traceback is a string in it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}"
            f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
            **dict(self._values(record, "parts", "fields")),
        }
        if trace := self._trace(record):
            line["traceback"] = trace
        text = json.dumps(line, ensure_ascii=False)  # leaves some line ends unescaped
        return _UNPRINTABLE.sub(lambda match: f"\\u{_encodable(match[0]):04x}", text)


def _as_word(value: Any) -> str:
    """A value as text, in quotes unless it is one word."""
    text = str(value)
    return text if re.fullmatch(r"[^\s\"=]+", text) else json.dumps(text, ensure_ascii=False)


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
