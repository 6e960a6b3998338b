"""Finds out why an upstream failed, from an error object of any shape or from a string.

`read_details` finds the text for a person and the words for programs, wherever they are.
`classify` turns these and the status into one code of the closed list in docs/events.md.
Pure; nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_json

# Patterns; `re` compiles each, and keeps it, when a failure is first compared with it.
_QUOTA = (
    r"insufficient_quota|(exceeded|out of) (your |the )?(current |monthly )?(quota|credits)"
    r"|insufficient[ _](balance|credits?|funds)|requires more credits|credit balance"
    r"|payment required|exceeded_current_quota|quota_exceeded"
)
_BILLING = r"billing|quota"
_RATE = (
    r"rate.?limit|ratelimit|too many requests|too_many_requests|per.(minute|day)|resource_exhausted"
)
_CONTEXT = (
    r"context[ _](length|size|window|limit)|(maximum|max|model'?s?) context|exceed_context"
    r"|(prompt|input|request) (is )?too long|too many (input |prompt )?tokens"
    r"|maximum prompt length|reduce (the length|your prompt)|max_prompt_tokens"
    r"|token count.{0,40}exceed|tokens? must be reduced|range of input length"
    r"|`inputs` tokens|exceeds? the maximum (number of tokens|input length)|max_model_len"
)
_NAME = r"[`'\"\[(]?[\w./:@+-]+[`'\"\])]?"
_MODEL = (
    r"model_not_(found|exist|supported|available)|(unknown|invalid|no such|unsupported)[ _]model"
    rf"|models?:? ({_NAME}:? )?(does not|do not|doesn'?t|did not|could not be|was not|is not|not)"
    r" (exist|found|be found|available|supported|a valid)|models/\S+ is not found"
    rf"|models?:? ({_NAME} )?(has been|is) (decommissioned|deprecated)"
    r"|model names are|not a valid model|unable to access model|no endpoints found"
    r"|model_decommissioned|deploymentnotfound|deployment.{0,60}not exist"
)
_NO_ROUTE = (
    r"^(404:? )?(page |file |resource |path |url |route )?not[ _]found[.!]?$"
    r"|invalid url|unrecognized request url|unknown (url|path|route|endpoint|request)"
    r"|cannot (post|get) /|no (such )?(route|handler)|not found:? (post |get )?/"
    r"|(path|url|route|endpoint)\b.{0,60}\b(not (found|exist|available)|(does not|doesn'?t) exist)"
)
_AUTH = (
    r"(invalid|incorrect|missing|no|wrong)[ _](api[ _-]?)key|unauthorized|unauthenticated"
    r"|authentication|permission_denied"
)
# What a 403 says that is about the question, and not about the key.
_NOT_THE_KEY = (
    r"moderation|flagged|content[ _-]?(policy|filter|safety)|polic(y|ies)\b.{0,40}violat|violat"
    r"|usage polic"
)
_TRANSIENT = (
    r"overloaded|server_error|internal ?server|unavailable|time[d ]?-?out|temporar|capacity"
)
# What servers and proxies say when they have not passed a request on.
_REFUSED = (
    r"overload|nocapacity"
    r"|\b(no|at|over|out of|insufficient|beyond|exceeds?|lacks?)[ _](\w+[ _]){0,3}capacity"
    r"|capacity[ _](is )?(exceeded|exhausted|reached|full|exhaustion)"
    r"|\bload(ing)? (the )?model|model[ _](\S+ )?(is |are )?((currently|still|being) )*loading"
    r"|model_loading|still loading|(warming|starting|spinning)[ -]up|cold start|not (yet )?ready"
    r"|queue (is |was )?full|full queue|queue.{0,20}exceed|maximum (\w+ )?pending requests"
    r"|no (free |available )?slots?\b|slots? (is|are) (busy|full)|server (is )?(too )?busy"
    r"|\b(draining|shutting down)\b|under maintenance"
    r"|no healthy (upstream|backend|host)|no (available|live) (server|upstream|backend|worker)"
    r"|no (server|backend|worker|instance|replica)s? (is |are )?(currently )?available"
)
# What a proxy says when a connection broke, perhaps after the request was passed on.
_BROKE = (
    r"upstream connect error|disconnect|reset (reason|before)|timed?[ -]?out"
    r"|connection (was )?(reset|terminat|clos)|upstream request failed"
)

_UNSUPPORTED = (
    r"unsupported|not supported|does ?n[o']t support|unrecogni[sz]ed|unknown|not permitted"
    r"|not allowed|unexpected|extra (inputs?|fields?)|extra_forbidden|no such (option|parameter)"
)
# What servers say of a model that takes text only. Some name the member of the request.
_PICTURES = (
    r"image|vision|multi-?modal|mmproj|picture|content (must|should) be a (string|str)\b"
    r"|input should be a valid string|invalid type: sequence, expected a string|unknown variant"
)
#: Members with a text for a person; the first that has one counts.
_TEXTS = (
    *("message", "msg", "detail", "errors"),
    *("error_msg", "error_message", "errmsg", "status_msg", "reason"),
)
#: Members with a number or a word that is none of success.
CODES = ("code", "error_code", "errorCode", "errcode", "status_code")
_NO_ERROR = (None, 0, 200, "", "0", "200")
_HTML = re.compile(r"<(!doctype|html|head|body|title|center)\b", re.IGNORECASE)


class ErrorDetails(NamedTuple):
    """The contents of an error: `text` for a person, `words` (codes and types) for `classify`, and
    the HTTP `status` that the error itself names, if any."""

    text: str = ""
    words: str = ""
    status: int | None = None


def find_error(value: dict[str, Any]) -> Any:
    """Returns the parsed object itself if it reports a failure, else None.

    A non-empty `error` member always counts. `{"object": "error"}`, `{"detail": …}` and
    `{"message": …, "code" or "type": …}` and their like count only in an object without choices.
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
    says_why = any(isinstance(value.get(name), str) and value[name] for name in _TEXTS)
    return value if says_why and (has_error_code(value) or _calls_itself_error(value)) else None


def has_error_code(value: dict[str, Any]) -> bool:
    """Whether the object has a code that is none of success."""
    return any(value.get(name) not in _NO_ERROR for name in CODES)


def _calls_itself_error(value: dict[str, Any]) -> bool:
    words = f"{value.get('type')} {value.get('status')}".lower()
    return "error" in words or "fail" in words or value.get("success") is False


def read_details(value: Any, depth: int = 0) -> ErrorDetails:
    """The contents of an error of any shape."""
    if isinstance(value, str):
        return ErrorDetails("" if is_markup(value) else value)
    if isinstance(value, list) and depth < 4:
        found = [read_details(item, depth + 1) for item in value[:8]]
        words = " ".join(details.words for details in found)
        status = next((details.status for details in found if details.status), None)
        return ErrorDetails("; ".join(d.text for d in found if d.text), words, status)
    if not isinstance(value, dict) or depth >= 4:
        return ErrorDetails()
    outer = _read_fields(value, depth)
    error = value.get("error")
    if isinstance(error, str):
        # Often one of the two is a bare title ("Bad Request"). The longer text says more.
        return outer._replace(text=max(outer.text, read_details(error).text, key=len))
    inner = read_details(error, depth + 1)
    return ErrorDetails(
        inner.text or outer.text,
        f"{inner.words} {outer.words}".strip(),
        inner.status or outer.status,
    )


def classify(status: int | None, details: ErrorDetails, *, is_json: bool = True) -> str:
    """The code for an error: from its status if that is unequivocal, else from its text.

    `status` is None for an error inside a 200 that names no status of its own.
    """
    text = _in_lower_case(details)
    if status is not None and not 400 <= status < 600:
        return "not_an_api"
    if status in (401, 403):
        of_content = status == 403 and re.search(_NOT_THE_KEY, text) and not re.search(_AUTH, text)
        return "bad_request" if of_content else "auth"
    if status == 402:
        return "quota"
    if status == 429:
        return "quota" if _speaks_of_quota(text) else "rate_limit"
    if re.search(_CONTEXT, text):
        return "context_length"
    if status in (404, 405):
        return _classify_not_found(status, details, text, is_json)
    if status in (None, 400, 422) and re.search(_MODEL, text):
        return "model_not_found"
    if status is None:
        return _classify_text(text)
    if status == 400 and re.search(_QUOTA, text):
        return "quota"
    return "bad_request" if status < 500 else "upstream_5xx"


def refused_option(body: bytes, options: Collection[str]) -> str | None:
    """The option that the upstream does not support, according to the body of a 400: the one that
    it has as `param` or names in its text. None if it names none, or refuses only a value."""
    value = parse_json(body)
    plain = ErrorDetails(body.decode("utf-8", "replace"))
    text = _in_lower_case(plain if value is NOT_JSON else read_details(value))
    if not re.search(_UNSUPPORTED, text):
        return None
    error = value.get("error") if isinstance(value, dict) else None
    param = error.get("param") if isinstance(error, dict) else None
    named = [name for name in options if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
    return next((name for name in [str(param), *named] if name in options), None)


def names_pictures(body: bytes) -> bool:
    """Whether the body of an error says that the model takes no pictures."""
    value = parse_json(body)
    plain = ErrorDetails(body.decode("utf-8", "replace"))
    return bool(
        re.search(_PICTURES, _in_lower_case(plain if value is NOT_JSON else read_details(value)))
    )


def is_transient(details: ErrorDetails) -> bool:
    """Whether the text of an error suggests that the same request could succeed later."""
    return bool(re.search(_TRANSIENT, _in_lower_case(details)))


def is_refusal(details: ErrorDetails) -> bool:
    """Whether the text of an error says that the request was turned away, so that the upstream
    cannot have processed it."""
    text = _in_lower_case(details)
    says_so = re.search(_REFUSED, text) or re.search(_RATE, text)
    return bool(says_so) and not re.search(_BROKE, text)


def is_markup(text: str) -> bool:
    """Whether a text is a web page or quotes one."""
    return bool(_HTML.search(text))


def _in_lower_case(details: ErrorDetails) -> str:
    return f"{details.words} {details.text[:4000]}".lower().strip()


def _read_fields(value: dict[str, Any], depth: int) -> ErrorDetails:
    """The details in the object's own members, without its `error` member."""
    text = ""
    for name in _TEXTS:
        text = text or read_details(value.get(name), depth + 1).text
    metadata = value.get("metadata")
    cause = _read_cause(metadata, depth) if isinstance(metadata, dict) else ""
    if cause:
        text = f"{text} ({cause})" if text.strip() else cause
    codes = (value.get(name) for name in (*CODES, "type", "status"))
    named = [code for code in codes if isinstance(code, (str, int)) and code is not True]
    status = next((s for s in map(_http_status, named) if s), None)
    words = " ".join(code for code in named if isinstance(code, str))
    return ErrorDetails(text, words[:400], status)


def _read_cause(metadata: dict[str, Any], depth: int) -> str:
    """The cause in `metadata.raw`. The message of a router says only that a provider failed
    (https://openrouter.ai/docs/api-reference/errors)."""
    raw = metadata.get("raw")
    if not isinstance(raw, str):
        return read_details(raw, depth + 1).text
    value = parse_json(raw.encode("utf-8", "replace")) if raw.lstrip()[:1] in "{[" else raw
    return read_details(raw if value is NOT_JSON else value, depth + 1).text.strip()


def _http_status(code: str | int) -> int | None:
    if isinstance(code, str):
        code = int(code) if len(code) == 3 and code.isascii() and code.isdigit() else 0
    return code if 400 <= code < 600 else None


def _classify_not_found(status: int, details: ErrorDetails, text: str, is_json: bool) -> str:
    if not is_json:
        return "not_an_api"
    if re.search(_MODEL, text):
        return "model_not_found"
    if status == 405:
        return "bad_request"
    says_nothing = not details.text or re.search(_NO_ROUTE, details.text.lower().strip())
    return "not_an_api" if says_nothing else "model_not_found"


def _classify_text(text: str) -> str:
    if _speaks_of_quota(text):
        return "quota"
    if re.search(_RATE, text):
        return "rate_limit"
    return "auth" if re.search(_AUTH, text) else "upstream_error"


def _speaks_of_quota(text: str) -> bool:
    # The message of a rate limit often has a link to the billing page.
    return bool(
        re.search(_QUOTA, text) or (re.search(_BILLING, text) and not re.search(_RATE, text))
    )
