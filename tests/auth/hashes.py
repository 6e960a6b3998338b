"""Hashes of passwords that cost little, for tests."""

from __future__ import annotations

import os

from argon2 import PasswordHasher

from tornado_stream.auth import passwords

#: n, r and p of scrypt.
CHEAP = (2**10, 8, 1)


def cheap_hash(password: str) -> str:
    salt = os.urandom(16)
    hashed = passwords._scrypt(password, salt, *CHEAP)
    return passwords._scrypt_text(salt, hashed, CHEAP)


def old_hash(password: str) -> str:
    """A hash as earlier versions made it, with argon2."""
    return PasswordHasher(1, 1024, 1).hash(password)
