"""Masks secrets, and everything that looks like a secret, in a text.

The rule: a whole text is masked before it is cut or split, because half a key is a secret too.
Pure; nothing raises.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"
#: A secret, or a part of its base64, of at least this length is masked even within a word.
CERTAIN = 8

_KEY_LIKE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|gsk|pk|rk|csk|xai|hf|r8|nvapi|pplx|ghp|tgp)[-_][A-Za-z0-9_-]{8,}"
    r"|AIza[A-Za-z0-9_-]{20,})"
)
_BEARER = re.compile(
    r"\b(bearer(?:\s+|%20|\+))(?=[^\s\"',;<>&]*\d|[^\s\"',;<>&]{20})[^\s\"',;<>&]+", re.IGNORECASE
)
_BASIC = re.compile(r"\b((?i:basic)(?:\s+|%20|\+))(?=[^\s\"',;<>&]*[\dA-Z=])[A-Za-z0-9+/_%-]{8,}=*")
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|x-api-key|api-key|(?:set-)?cookie)(['\"]?\s*[:=]\s*(?:b?['\"])?)"
    r"[^\r\n'\"]+",
    re.IGNORECASE,
)

#: A part of every name in `_HEADER`.
_HEADER_NAMES = ("authorization", "api-key", "cookie")


def mask(text: str, secrets: tuple[str, ...] = ()) -> str:
    """`text` with `***` for these secrets and for everything that looks like a key.

    A secret is found unchanged, quoted for a URL or for JSON, and in base64. A secret with fewer
    than eight characters is masked only where it is a word of its own.
    """
    lower = _lower(text)
    if secrets and (known := _pattern(secrets)):
        if not lower or any(form in lower for form in _lower_forms(secrets)):
            text = known.sub(MASK, text)
    text = _KEY_LIKE.sub(MASK, text)
    if not lower or "bearer" in lower:
        text = _BEARER.sub(rf"\1{MASK}", text)
    if not lower or "basic" in lower:
        text = _BASIC.sub(rf"\1{MASK}", text)
    return text


def mask_headers(text: str, secrets: tuple[str, ...] = ()) -> str:
    """As `mask`, and also masks the values of headers that hold a secret. This is for logs only:
    an error message for a person may mention `Authorization: Bearer`."""
    lower = _lower(text)
    text = mask(text, secrets)
    if lower and not any(name in lower for name in _HEADER_NAMES):
        return text
    return _HEADER.sub(rf"\1\2{MASK}", text)


def _lower(text: str) -> str:
    """`text` in lower case, in which a search for a word is a quick test whether a pattern can
    match; "" where it is not, because other letters match those of ASCII in patterns that ignore
    the case."""
    return text.lower() if text.isascii() else ""


@lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    longest_first = sorted(_all_forms(secrets), key=len, reverse=True)
    return re.compile("|".join(map(_as_pattern, longest_first))) if longest_first else None


@lru_cache(maxsize=64)
def _lower_forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """One of these is in the lower-case form of each text that the pattern matches."""
    return tuple({form.lower() for form in _all_forms(secrets)})


def _all_forms(secrets: tuple[str, ...]) -> set[str]:
    return {form for secret in secrets if secret.strip() for form in _forms(secret.strip())}


def _as_pattern(form: str) -> str:
    escaped = re.sub("%([0-9A-F]{2})", r"%(?i:\1)", re.escape(form))
    return escaped if len(form) >= CERTAIN else rf"(?<!\w){escaped}(?!\w)"


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield secret.replace("\\", "\\\\").replace('"', '\\"')
    yield from _in_base64(secret)


def _in_base64(secret: str) -> Iterator[str]:
    """The base64 of a secret inside a longer text, for each of the three positions in a group of
    three bytes at which it can begin. Only the characters that no other byte changes."""
    data = secret.encode("utf-8", "replace")
    for lead in range(3):
        first, end = -(-lead * 8 // 6), (lead + len(data)) * 8 // 6
        encoded = b64encode(bytes(lead) + data).decode()[first:end]
        if len(encoded) >= CERTAIN:
            yield encoded
            yield encoded.replace("+", "-").replace("/", "_")
