"""Passwords as they are kept, by either hash."""

from __future__ import annotations

import pytest

from tornado_stream.auth import passwords
from tornado_stream.auth.passwords import (
    hash_password,
    is_same,
    nobodys_password,
    verify,
    why_useless,
)


@pytest.fixture(params=["argon2", "scrypt"])
def kind(request, monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", (2**10, 8, 1))
    if request.param == "scrypt":
        monkeypatch.setattr(passwords, "has_argon2", lambda: False)
    return request.param


def test_a_password_is_known_again(kind):
    stored = hash_password("correct horse \U0001f40e")
    assert stored.startswith("$argon2id$" if kind == "argon2" else "scrypt$")
    assert "horse" not in stored and why_useless(stored) == ""
    assert verify(stored, "correct horse \U0001f40e") and not verify(stored, "correct horse")
    assert hash_password("correct horse \U0001f40e") != stored


def test_keyboards_that_compose_letters_otherwise(kind):
    assert verify(hash_password("\u00e9"), "e\u0301")
    assert is_same("\u00e9", "e\u0301") and not is_same("\u00e9", "e")


def test_nobodys_password_costs_as_much_and_is_none(kind):
    ours, nobodys = hash_password("x"), nobodys_password()
    assert why_useless(nobodys) == "" and not verify(nobodys, "x")
    assert ours.split("$")[:4] == nobodys.split("$")[:4]


def test_each_verifies_what_the_other_has_hashed(monkeypatch):
    by_argon2 = hash_password("x")
    monkeypatch.setattr(passwords, "has_argon2", lambda: False)
    by_scrypt = hash_password("x")
    assert "argon2-cffi is not installed" in why_useless(by_argon2)
    monkeypatch.undo()
    assert verify(by_scrypt, "x") and not verify(by_scrypt, "y")


@pytest.mark.parametrize(
    "text", ["", "x", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA", "scrypt$1$1$1$x$y", "$2b$12$abc"]
)
def test_what_nothing_can_be_verified_against(text):
    assert why_useless(text)
