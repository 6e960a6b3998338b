"""Secrets are masked in a text, in every form that they can have there."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest

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
