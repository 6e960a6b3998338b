"""Turns the failures of an upstream into `ProviderError`: a code, a message for a person, and
whether and when a retry makes sense.

The failure is a response whose status is no success, an error inside an answer, or a fault that
the decoder finds. Messages have no HTML, no control characters and no key. Pure; nothing raises.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tornado_stream.observe.masking import mask
from tornado_stream.providers.openai.dialects import RESPONSES, Dialect
from tornado_stream.providers.openai.error_classifier import (
    CODES,
    ErrorDetails,
    classify,
    is_markup,
    is_refusal,
    is_transient,
    read_details,
)
from tornado_stream.providers.openai.finish_reasons import meaning_of
from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_json
from tornado_stream.values.errors import ProviderError

#: Statuses that mean that the upstream turned the request away without processing it. A 503 means
#: that only if it says so: a proxy also sends it when the connection broke after the request.
UNPROCESSED = frozenset({429, 529})
#: Characters of an upstream's `code`, `type` or `param`; a longer one is no such word.
MAX_TOLD = 200
#: Characters of an upstream's message; the rest is cut off.
MAX_MESSAGE = 2000
#: Characters of a finish reason in a message.
_MAX_REASON = 100

_HINTS = {
    "model_not_found": "Check the name of the model.",
    "not_an_api": "Check the base URL (often /v1 is missing).",
}

#: A base URL that has a version, so it does not lack its /v1.
_VERSIONED = re.compile(r"/v\d\w*(/|$)")
#: What OpenAI and GitHub say of a model that has no chat completions.
_RESPONSES_ONLY = re.compile(
    r"only supported in v1/responses|not accessible via the /chat/completions"
)

# Control characters except LF and tab, and those that change the direction of text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SECONDS = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*")


def decode_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    url: str = "",
    key: str | None = None,
    key_origin: str = "",
    asked: Dialect | None = None,
    now: float | None = None,
) -> ProviderError:
    """The error for a response whose status is not 200; `body` has at most its first 64 KiB.

    The message names `url` if that seems to be wrong, and `key_origin`, the place of the key, if
    the key does. `key` is masked. `asked` is the form in which an answer was asked for. `now` is in
    seconds since the epoch; a date in `Retry-After` is compared with it.
    """
    value = parse_json(body)
    is_json = isinstance(value, (dict, list, str))
    details = ErrorDetails(_plain_text(body)) if value is NOT_JSON else read_details(value)
    code = classify(status, details, is_json=is_json)
    text = clean_message(details.text, key) or _describe_status(status, headers, key)
    other_http = _wants_other_http(status, headers)
    if other_http:
        text = f"{_ended(text)} It wants another version of HTTP; this server speaks HTTP/1.1."
    if code == "not_an_api":
        place = _safe_url(url, key) or "The model's server"
        text = f"{_ended(text)} {place} does not look like an OpenAI-compatible API."
    retry_after = _retry_after(headers, time.time() if now is None else now)
    refused = status == 503 and (retry_after is not None or is_refusal(details))
    hint = ""
    if code == "not_an_api" and status in (404, 405) and asked and _VERSIONED.search(url):
        hint = f"Check the base URL. {asked.alternative}"
    return ProviderError(
        code,
        _with_hint(text, code, hint=hint, key_origin=key_origin),
        upstream_status=status,
        retryable=not other_http and _retryable(code, status, details),
        retry_after=retry_after,
        unprocessed=refused or status in UNPROCESSED,
        upstream=told_by(value, key),
    )


def stream_error(value: Any, *, key: str | None = None) -> ProviderError:
    """The error for an error object, a string or any other JSON inside a 200.

    `upstream_status` is the code in the object if it can be an HTTP status, else None.
    """
    details = read_details(value)
    code = classify(details.status, details)
    text = clean_message(details.text or details.words, key)
    return ProviderError(
        code,
        _with_hint(text or "The model's server reported an error and gave no reason.", code),
        upstream_status=details.status,
        retryable=_retryable(code, details.status, details),
        upstream=told_by(value, key),
    )


def reason_error(reason: str, *, key: str | None = None) -> ProviderError:
    """The error for a finish reason that means a failure."""
    told = f'finish reason "{clean_message(reason[:_MAX_REASON], key)}"'
    if meaning_of(reason) == "cut_off":
        return ProviderError(
            "upstream_cut_off",
            f"The model's server broke off the answer ({told}).",
            state="cut_off",
            upstream_status=200,
            retryable=True,
        )
    code = classify(None, ErrorDetails(words=reason))
    return ProviderError(
        code,
        _with_hint(f"The model's server ended the answer with an error ({told}).", code),
        upstream_status=200,
        retryable=code in ("upstream_error", "rate_limit"),
    )


def dialect_error(dialect: Dialect, form: str) -> ProviderError:
    """The error for a 200 in the form of another API than `form`."""
    return ProviderError(
        "not_an_api",
        f"The model's server answered in the form of {dialect.name}, not of {form}."
        f" {dialect.remedy}",
        upstream_status=200,
    )


def told_by(value: Any, key: str | None = None) -> dict[str, Any] | None:
    """The `code`, `type` and `param` of an error object, as far as it has them; None: it has none.

    A code that is a number is written as text, unless it is an HTTP status, which says less than
    this server's own word.
    """
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        error = value if isinstance(value, dict) else {}
    told = {}
    numbers = [error[name] for name in CODES if type(error.get(name)) is int]
    number = next((str(n) for n in numbers if n and not 100 <= n < 600), "")
    for name in ("code", "type", "param"):
        text = error.get(name)
        if name == "code" and not isinstance(text, str):
            text = number
        if isinstance(text, str) and 0 < len(text) <= MAX_TOLD:
            told[name] = clean_message(text, key)
    return told or None


def web_page_error(form: str) -> ProviderError:
    """The error for a 200 with a web page or other data that is not an answer in this form."""
    return ProviderError(
        "not_an_api",
        "The model's server answered with a web page or other data that is not in the form of"
        f" {form}. The base URL is probably wrong (often /v1 is missing).",
        upstream_status=200,
    )


def damage_error() -> ProviderError:
    """The error for an answer that has an end, but of which a part could not be read."""
    return ProviderError(
        "malformed_response",
        "The model's server sent data that is no JSON within the answer, which may have a gap.",
        upstream_status=200,
        retryable=True,
    )


def limit_error(code: str) -> ProviderError:
    """The error for an answer that reached a limit of the decoder. Its text so far stays."""
    what = "one line" if code == "line_too_long" else "the whole answer"
    return ProviderError(
        code,
        f"The model's server sent more than this server accepts in {what}; the answer was cut off.",
        state="cut_off",
        upstream_status=200,
    )


def redact(text: str, key: str | None) -> str:
    """`text` with `***` for `key` and for everything that looks like a key."""
    return mask(text, (key,) if key else ())


def clean_message(text: str, key: str | None = None) -> str:
    """An upstream's text for a message: encodable, without control characters and key, at most
    `MAX_MESSAGE` characters; "" for a web page."""
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    if is_markup(text):  # checked here too: a removed character can have hidden it
        return ""
    text = redact(text, key).strip()  # before cutting, because half a key is a secret too
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _retryable(code: str, status: int | None, details: ErrorDetails) -> bool:
    if code in ("quota", "context_length", "model_not_found"):
        return False
    if status is None:
        return code == "rate_limit" or (code == "upstream_error" and is_transient(details))
    return status in (408, 409, 429) or status >= 500


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait. `retry-after-ms` is more precise and comes first, but some upstreams send
    it as 0 beside a right `Retry-After` (RFC 9110, section 10.2.3)."""
    values = {name.lower(): value for name, value in headers.items()}
    ms = _seconds(values.get("retry-after-ms", ""))
    seconds = _seconds(values.get("retry-after", ""))
    if seconds is None:
        seconds = _until(values.get("retry-after", ""), now)
    if ms is None or (ms <= 0 and seconds is not None):
        return None if seconds is None else max(0.0, seconds)
    return max(0.0, ms / 1000)


def _seconds(value: str) -> float | None:
    match = _SECONDS.fullmatch(value)
    return float(match[1]) if match else None


def _until(date: str, now: float) -> float | None:
    try:
        seconds = parsedate_to_datetime(date).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None
    return seconds if math.isfinite(seconds) else None


def _plain_text(body: bytes) -> str:
    """The body if it is text for a person; "" for markup and compressed data."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return ""
    return "" if text.lstrip("\ufeff \t\r\n").startswith("<") or is_markup(text) else text


def _wants_other_http(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the server does not answer in HTTP/1.1 (RFC 9110, sections 15.5.22 and 15.6.6)."""
    wanted = next((v for k, v in headers.items() if k.lower() == "upgrade"), "h2").lower()
    return status == 505 or (status == 426 and ("h2" in wanted or "http/2" in wanted))


def _describe_status(status: int, headers: Mapping[str, str], key: str | None) -> str:
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    location = next((v for k, v in headers.items() if k.lower() == "location"), "")
    target = _safe_url(location, key, relative=True) if 300 <= status < 400 else ""
    return f"The model's server answered {name}" + (f" (to {target})." if target else ".")


def _safe_url(url: str, key: str | None, *, relative: bool = False) -> str:
    """The URL without user, password, query and fragment, which can be secret. With `relative`, a
    URL without a host is shown too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    shown = f"{scheme}//{host}{parts.path}" if host else parts.path
    return clean_message(shown[:200], key) if host or relative else ""


def _with_hint(text: str, code: str, *, hint: str = "", key_origin: str = "") -> str:
    if code == "auth":
        # Variables are read at the start only; a file with a key is read again when it changes.
        restart = ", then start this server again" if key_origin.isupper() else ""
        place = f" ({key_origin})" if key_origin else ""
        hint = f"Check the API key{place}{restart}."
    elif _RESPONSES_ONLY.search(text):
        hint = RESPONSES.remedy
    hint = hint or _HINTS.get(code, "")
    return f"{_ended(text)} {hint}" if hint else text


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."
