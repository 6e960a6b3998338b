"""Secrets are masked in a text, in every form that they can have there."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest

from tornado_stream.observe import masking
from tornado_stream.observe.masking import mask, mask_headers

SECRET = 'pass/wörd "5+6'
PLAIN = "correct.horse.battery"


@pytest.mark.parametrize(
    "form",
    [
        PLAIN,
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET).replace("%C3", "%c3").replace("%B6", "%b6").replace("%20", "%20"),
        json.dumps(SECRET, ensure_ascii=False),
    ],
)
def test_a_secret_is_masked_in_every_form(form):
    masked = mask(f"refused: {form}!", (PLAIN, SECRET))
    assert masked in ("refused: ***!", 'refused: "***"!')


@pytest.mark.parametrize("lead", ["", "u", "us", "user:", "someone:"])
@pytest.mark.parametrize("tail", ["", "x", "xy"])
def test_a_secret_is_masked_within_base64(lead, tail):
    encoded = b64encode(f"{lead}{PLAIN}{tail}".encode()).decode()
    masked = mask(f"sent {encoded} here", (PLAIN,))
    assert "***" in masked
    left = masked.removeprefix("sent ").removesuffix(" here").replace("***", "")
    around = len(b64encode(lead.encode())) + len(b64encode(tail.encode()))
    assert len(left) <= around + 4, "only the text around the secret is left"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Basic dXNlcjpwYXNz was refused", "Basic *** was refused"),
        ("Basic authentication is required", "Basic authentication is required"),
        ("?auth=Bearer%20abcdef123456&x=1", "?auth=Bearer%20***&x=1"),
        ("a sk-ab***yz key", "a sk-ab***yz key"),
        ("the key AIzaSyA1234567890_abcdefghij", "the key ***"),
    ],
)
def test_text_that_looks_like_a_key_is_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: whatever it is", "Authorization: ***"),
        ("{'X-Api-Key': 'abc', 'Host': 'a'}", "{'X-Api-Key': '***', 'Host': 'a'}"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("Authorization: Bearer ***", "Authorization: ***"),
        ("The API key is wrong.", "The API key is wrong."),
    ],
)
def test_headers_that_hold_secrets_are_masked_for_logs(text, masked):
    assert mask_headers(text) == masked


def test_a_short_secret_is_masked_as_a_word_and_an_empty_one_never():
    assert mask("x or xx", ("x",)) == "*** or xx"
    assert mask("text", ("", " ")) == "text"


def unguarded(text: str, secrets: tuple[str, ...]) -> str:
    """`mask_headers`, without the quick tests whether a pattern can match."""
    if known := masking._pattern(secrets):
        text = known.sub("***", text)
    text = masking._KEY_LIKE.sub("***", text)
    text = masking._BASIC.sub(r"\1***", masking._BEARER.sub(r"\1***", text))
    return masking._HEADER.sub(r"\1\2***", text)


def test_the_quick_tests_leave_no_secret_out():
    words = [
        *("Bearer abc123456789", "bearer%20abc123456789", "BEARER+abc123456789", "bearer"),
        *("Basic dXNlcjpwYXNz", "ba\u017fic dXNlcjpwYXNz", "BASIC%20dXNlcjpwYXNz=", "basic"),
        *("Authorization: x", "author\u0131zation: x", "X-API-KEY=x", "x-api-\u212aey: x"),
        *("Set-Cookie: x", "coo\u212aie=x", "proxy-authorization'= b'x", "api-key : x"),
        *(
            PLAIN,
            PLAIN.upper(),
            SECRET,
            quote(SECRET),
            quote(SECRET, safe="").lower(),
            "sk-12345678",
        ),
        *(b64encode(PLAIN.encode()).decode(), json.dumps(SECRET), "", "ä", "POST /stream 200 12ms"),
    ]
    secrets = (PLAIN, SECRET)
    for first in words:
        for second in words:
            text = f"{first} {second}"
            assert mask_headers(text, secrets) == unguarded(text, secrets), text
    assert mask_headers("POST /stream 200 12ms", secrets) == "POST /stream 200 12ms"
