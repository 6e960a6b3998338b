"""Why no answer begins now, in words for a person."""

from __future__ import annotations

from tornado_stream.store.tail_base import RETRY_AFTER
from tornado_stream.values.errors import TooMany, Unavailable


def draining() -> Unavailable:
    text = "The server is restarting. Send it again shortly."
    return Unavailable(text, code="draining", retry_after=RETRY_AFTER)


def no_place() -> TooMany:
    text = "The server is writing as many answers as it can. Send it again shortly."
    return TooMany(text, code="too_many_answers", retry_after=RETRY_AFTER)
