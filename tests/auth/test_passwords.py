"""Hashes of passwords: scrypt, and argon2 from earlier versions."""

from __future__ import annotations

import pytest

from tornado_stream.auth import passwords
from tornado_stream.auth.passwords import hash_password, is_argon2, is_hash, is_same, verify

from .hashes import CHEAP, old_hash

COST = passwords.SCRYPT_COST


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", CHEAP)


def test_a_password_matches_its_own_hash_only():
    stored = hash_password("correct horse \U0001f40e")
    assert stored.startswith("scrypt$1024$8$1$") and "horse" not in stored
    assert is_hash(stored) and not is_argon2(stored)
    assert verify(stored, "correct horse \U0001f40e") and not verify(stored, "correct horse")
    assert hash_password("correct horse \U0001f40e") != stored


def test_the_cost_of_a_hash():
    assert COST == (2**15, 8, 1)


def test_keyboards_that_compose_letters_otherwise():
    for hashed in (hash_password("\u00e9"), old_hash("\u00e9")):
        assert verify(hashed, "e\u0301", argon2=True)
    assert is_same("\u00e9", "e\u0301") and not is_same("\u00e9", "e")


def test_a_hash_of_an_earlier_version_is_verified():
    stored = old_hash("x")
    assert is_hash(stored) and is_argon2(stored)
    assert verify(stored, "x", argon2=True) and not verify(stored, "y", argon2=True)
    assert not verify(stored, "x"), "without argon2-cffi"


def test_an_unknown_user_takes_as_long_as_a_known_one(monkeypatch):
    """Every call computes the same hashes, whatever is stored."""
    costs = []
    monkeypatch.setattr(passwords, "_verify_scrypt", lambda text, _: bool(costs.append(text[:16])))
    monkeypatch.setattr(passwords, "_verify_argon2", lambda text, _: bool(costs.append(text[:9])))
    for stored in (None, hash_password("x"), old_hash("x")):
        for argon2 in (False, True):
            costs.clear()
            verify(stored, "x", argon2=argon2)
            assert costs == ["scrypt$1024$8$1$", "$argon2id"][: 1 + argon2]
    monkeypatch.undo()
    assert not verify(None, "") and not verify(None, "", argon2=True)
    assert is_hash(passwords.ARGON2_DECOY)


@pytest.mark.parametrize(
    "text", ["", "x", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA", "scrypt$1$1$1$x$y", "$2b$12$abc"]
)
def test_texts_that_are_no_hash(text):
    assert not is_hash(text)
