"""What an OpenAI-compatible server says when it fails, in one form: `ProviderError`.

Servers tell of failures in many shapes (an object, a string, a list, HTML), with a status and
inside a 200. All of them are read, classified by status and text into the closed list of
docs/events.md, and cleaned: no HTML, no control characters, no key. Pure; nothing raises.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tornado_stream.errors import ProviderError
from tornado_stream.providers.openai_json import NOT_JSON, parse_json

#: Characters of an upstream's message that are shown.
MAX_MESSAGE = 2000

_HINTS = {
    "auth": "Check the API key (OPENAI_API_KEY).",
    "model_not_found": "Check the name of the model.",
    "not_an_api": "Check the base URL (often /v1 is missing).",
}

_QUOTA = re.compile(
    r"insufficient_quota|(exceeded|out of) (your |the )?(current |monthly )?(quota|credits)"
    r"|insufficient[ _](balance|credits?|funds)|requires more credits|credit balance"
    r"|payment required|exceeded_current_quota|quota_exceeded"
)
_BILLING = re.compile(r"billing|quota")
_RATE = re.compile(
    r"rate.?limit|ratelimit|too many requests|too_many_requests|per.(minute|day)|resource_exhausted"
)
_CONTEXT = re.compile(
    r"context[ _](length|size|window|limit)|(maximum|max|model'?s?) context|exceed_context"
    r"|(prompt|input|request) (is )?too long|too many (input |prompt )?tokens"
    r"|maximum prompt length|reduce (the length|your prompt)|max_prompt_tokens"
    r"|token count.{0,40}exceed|tokens? must be reduced|range of input length"
    r"|`inputs` tokens|exceeds? the maximum (number of tokens|input length)|max_model_len"
)
_NAME = r"[`'\"\[(]?[\w./:@+-]+[`'\"\])]?"
_MODEL = re.compile(
    r"model_not_(found|exist|supported|available)|(unknown|invalid|no such|unsupported)[ _]model"
    rf"|models?:? ({_NAME}:? )?(does not|do not|doesn'?t|did not|could not be|was not|is not|not)"
    r" (exist|found|be found|available|supported|a valid)|models/\S+ is not found"
    rf"|models?:? ({_NAME} )?(has been|is) (decommissioned|deprecated)"
    r"|model names are|not a valid model|unable to access model|no endpoints found"
    r"|model_decommissioned|deploymentnotfound|deployment.{0,60}not exist"
)
_NO_ROUTE = re.compile(
    r"^(404:? )?(page |file |resource |path |url |route )?not[ _]found[.!]?$"
    r"|invalid url|unrecognized request url|unknown (url|path|route|endpoint|request)"
    r"|cannot (post|get) /|no (such )?(route|handler)"
)
_AUTH = re.compile(
    r"(invalid|incorrect|missing|no|wrong)[ _](api[ _-]?)key|unauthorized|unauthenticated"
    r"|authentication|permission_denied"
)
_TRANSIENT = re.compile(
    r"overloaded|server_error|internal ?server|unavailable|time[d ]?-?out|temporar|capacity"
)

_HTML = re.compile(r"<(!doctype|html|head|body|title|center)\b", re.IGNORECASE)
# Control characters except LF and tab, and those that turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_KEY_LIKE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|gsk|pk|rk|csk|xai|hf|r8|nvapi|pplx|ghp|tgp)[-_][A-Za-z0-9_-]{8,}"
    r"|AIza[A-Za-z0-9_-]{20,})"
)
_BEARER = re.compile(r"\b(bearer)\s+(?=\S*\d|\S{20})[^\s\"',;<>]+", re.IGNORECASE)
_SECONDS = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*")


class Reason(NamedTuple):
    """What an error says: `text` for a person, `words` (codes, types) for `classify`, `status`
    where it names an HTTP status of its own."""

    text: str = ""
    words: str = ""
    status: int | None = None


def decode_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    url: str = "",
    key: str | None = None,
    now: float | None = None,
) -> ProviderError:
    """The error for an answer whose status is not 200, with its (first 64 KiB of) body.

    `url` is named where it seems to be the mistake; `key` appears nowhere in the message. `now` is
    the time in seconds since the epoch, against which a `Retry-After` date counts.
    """
    value = parse_json(body)
    is_json = isinstance(value, (dict, list, str))
    reason = Reason(_plain_text(body)) if value is NOT_JSON else read_reason(value)
    code = classify(status, reason, is_json=is_json)
    text = clean(reason.text, key) or _describe_status(status, headers, key)
    if code == "not_an_api":
        place = _safe_url(url, key) or "The server"
        text = f"{_ended(text)} {place} does not look like an OpenAI-compatible API."
    return ProviderError(
        code,
        _with_hint(text, code),
        upstream_status=status,
        retryable=_retryable(code, status),
        retry_after=_retry_after(headers, time.time() if now is None else now),
    )


def stream_error(value: Any, *, key: str | None = None) -> ProviderError:
    """The error for an error object (or string, or any other JSON) sent inside a 200.

    `upstream_status` is the code that the object names if it could be an HTTP status, else None.
    """
    reason = read_reason(value)
    code = classify(reason.status, reason)
    text = clean(reason.text or reason.words, key)
    return ProviderError(
        code,
        _with_hint(text or "The server reported an error and gave no reason.", code),
        upstream_status=reason.status,
        retryable=_retryable(code, reason.status) or _is_transient(code, reason),
    )


def web_page_error() -> ProviderError:
    """The error for a web page, or other foreign content, under a 200."""
    return ProviderError(
        "not_an_api",
        "The server answered with a web page or other data that is not a chat completion."
        " The base URL is probably wrong (often /v1 is missing).",
        upstream_status=200,
    )


def limit_error(code: str) -> ProviderError:
    """The error for an answer that reached a limit of the decoder; its text so far is kept."""
    what = "one line" if code == "line_too_long" else "the whole answer"
    return ProviderError(
        code,
        f"The server sent more than this server accepts in {what}; the answer was cut off.",
        state="cut_off",
        upstream_status=200,
    )


def find_error(value: dict[str, Any]) -> Any:
    """The part of a decoded object that tells of a failure, or None.

    `{"error": …}` counts wherever it is not empty; `{"object": "error"}`, `{"detail": …}` and
    `{"message": …, "code" or "type": …}` only in an object without choices.
    """
    error = value.get("error")
    if error:
        return value
    if value.get("choices"):
        return None
    if value.get("object") == "error" or value.get("type") == "error" or error == {}:
        return value
    if value.get("detail") or value.get("errors"):
        return value
    says_why = _string(value.get("message")) or _string(value.get("msg"))
    code = value.get("code")
    named = code not in (None, 0, 200, "", "0", "200") or "error" in str(value.get("type")).lower()
    return value if says_why and named else None


def read_reason(value: Any, depth: int = 0) -> Reason:
    """What an error of any shape says."""
    if isinstance(value, str):
        return Reason("" if _HTML.search(value) else value)
    if isinstance(value, list) and depth < 4:
        reasons = [read_reason(item, depth + 1) for item in value[:8]]
        words = " ".join(reason.words for reason in reasons)
        status = next((reason.status for reason in reasons if reason.status), None)
        return Reason("; ".join(r.text for r in reasons if r.text), words, status)
    if not isinstance(value, dict) or depth >= 4:
        return Reason()
    outer = _read_fields(value, depth)
    error = value.get("error")
    if isinstance(error, str):
        # A bare title ("Bad Request") often stands beside the message; the longer one says more.
        return outer._replace(text=max(outer.text, read_reason(error).text, key=len))
    inner = read_reason(error, depth + 1)
    return Reason(
        inner.text or outer.text,
        f"{inner.words} {outer.words}".strip(),
        inner.status or outer.status,
    )


def classify(status: int | None, reason: Reason, *, is_json: bool = True) -> str:
    """The code for an error: by its status where that is unequivocal, else by what it says.

    `status` None means an error inside a 200 that names no status of its own.
    """
    text = f"{reason.words} {reason.text[:4000]}".lower().strip()
    if status is not None and not 400 <= status < 600:
        return "not_an_api"
    if status in (401, 403):
        return "auth"
    if status == 402:
        return "quota"
    if status == 429:
        return "quota" if _speaks_of_quota(text) else "rate_limit"
    if _CONTEXT.search(text):
        return "context_length"
    if status in (404, 405):
        return _classify_not_found(status, reason, text, is_json)
    if status in (None, 400, 422) and _MODEL.search(text):
        return "model_not_found"
    if status is None:
        return _classify_text(text)
    if status == 400 and _QUOTA.search(text):
        return "quota"
    return "bad_request" if status < 500 else "upstream_5xx"


def redact(text: str, key: str | None) -> str:
    """`text` without `key` and without anything that looks like a key, `***` in their place.

    A key shorter than eight characters is replaced where it stands as a word of its own.
    """
    key = (key or "").strip()
    if len(key) >= 8:
        text = text.replace(key, "***")
    elif key:
        text = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "***", text)
    return _BEARER.sub(r"\1 ***", _KEY_LIKE.sub("***", text))


def clean(text: str, key: str | None = None) -> str:
    """`text` as it may be shown: no control characters, no key, encodable, of bounded length; ""
    where it is a web page."""
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    if _HTML.search(text):  # looked at here too, since what was removed may have hidden it
        return ""
    text = redact(text, key).strip()  # before it is cut: half a key is a key too
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _read_fields(value: dict[str, Any], depth: int) -> Reason:
    """What an object says itself, beside an `error` in it."""
    text = ""
    for name in ("message", "msg", "detail", "errors", "error_msg", "reason"):
        text = text or read_reason(value.get(name), depth + 1).text
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and text:
        text += _quoted_cause(metadata, depth)
    codes = (value.get(name) for name in ("code", "type", "status", "status_code"))
    named = [code for code in codes if isinstance(code, (str, int)) and code is not True]
    status = next((s for s in map(_http_status, named) if s), None)
    return Reason(text, " ".join(code for code in named if isinstance(code, str))[:400], status)


def _quoted_cause(metadata: dict[str, Any], depth: int) -> str:
    """A router's own message says only that a provider failed; why is in `metadata.raw`
    (https://openrouter.ai/docs/api-reference/errors)."""
    raw = metadata.get("raw")
    if not isinstance(raw, str) or not raw.strip():
        return ""
    value = parse_json(raw.encode("utf-8", "replace")) if raw.lstrip()[:1] in "{[" else raw
    cause = read_reason(raw if value is NOT_JSON else value, depth + 1).text
    return f" ({cause})" if cause else ""


def _http_status(code: str | int) -> int | None:
    if isinstance(code, str):
        code = int(code) if len(code) == 3 and code.isascii() and code.isdigit() else 0
    return code if 400 <= code < 600 else None


def _classify_not_found(status: int, reason: Reason, text: str, is_json: bool) -> str:
    if not is_json:
        return "not_an_api"
    if _MODEL.search(text):
        return "model_not_found"
    if status == 405:
        return "bad_request"
    says_nothing = not reason.text or _NO_ROUTE.search(reason.text.lower().strip())
    return "not_an_api" if says_nothing else "model_not_found"


def _classify_text(text: str) -> str:
    if _speaks_of_quota(text):
        return "quota"
    if _RATE.search(text):
        return "rate_limit"
    return "auth" if _AUTH.search(text) else "upstream_error"


def _speaks_of_quota(text: str) -> bool:
    # Rate limits are often told together with an invitation to the billing page.
    return bool(_QUOTA.search(text) or (_BILLING.search(text) and not _RATE.search(text)))


def _retryable(code: str, status: int | None) -> bool:
    if code in ("quota", "context_length", "model_not_found") or status is None:
        return code == "rate_limit"
    return status in (408, 409, 429) or status >= 500


def _is_transient(code: str, reason: Reason) -> bool:
    text = f"{reason.words} {reason.text[:4000]}".lower()
    return code == "upstream_error" and bool(_TRANSIENT.search(text))


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait. Milliseconds are the finer word, except that some send 0 beside a true
    `Retry-After` (RFC 9110, section 10.2.3)."""
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
    """The body if it is text for a person: neither markup nor something compressed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return ""
    return "" if text.lstrip("\ufeff \t\r\n").startswith("<") or _HTML.search(text) else text


def _describe_status(status: int, headers: Mapping[str, str], key: str | None) -> str:
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    location = next((v for k, v in headers.items() if k.lower() == "location"), "")
    target = _safe_url(location, key) if 300 <= status < 400 else ""
    return f"The server answered {name}" + (f" (to {target})." if target else ".")


def _safe_url(url: str, key: str | None) -> str:
    """The address without user, password, query and fragment; any of them could be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return clean(f"{parts.scheme}://{host}{parts.path}"[:200], key) if host else ""


def _with_hint(text: str, code: str) -> str:
    hint = _HINTS.get(code)
    return f"{_ended(text)} {hint}" if hint else text


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
