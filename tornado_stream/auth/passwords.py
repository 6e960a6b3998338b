"""Passwords as they are kept: hashed by argon2id, or by scrypt where argon2-cffi is missing.

The stored text says which, so both can be verified side by side. Hashing takes tens of
milliseconds and as many megabytes: never on the loop's thread. No plain password is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata
from base64 import b64decode, b64encode
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

#: Twice the least that OWASP's cheat sheet on password storage asks for, on one core.
ARGON2_TIME, ARGON2_MEMORY, ARGON2_LANES = 2, 46 * 1024, 1
SCRYPT_COST = (2**15, 8, 1)  # n, r, p
SCRYPT_MEMORY = 64 * 1024 * 1024

_ARGON2_TEXT = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+", re.ASCII)
_SCRYPT_TEXT = re.compile(
    r"scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w+/]{22}==)\$([\w+/]{43}=)", re.ASCII
)


def has_argon2() -> bool:
    """Whether argon2-cffi is installed."""
    return find_spec("argon2") is not None


def hash_password(password: str) -> str:
    """The text to keep of a password."""
    if has_argon2():
        return _argon2().hash(_normal(password))
    salt = os.urandom(16)
    return _scrypt_text(salt, _scrypt(password, salt, *SCRYPT_COST))


def why_useless(stored: str) -> str:
    """Why nothing can be verified against this text; empty where it can."""
    if _SCRYPT_TEXT.fullmatch(stored):
        return ""
    if not _ARGON2_TEXT.fullmatch(stored):
        return "it holds a password that is neither argon2id's nor scrypt's"
    if not has_argon2():
        return "it holds a password hashed by argon2, and argon2-cffi is not installed"
    return ""


def verify(stored: str, password: str) -> bool:
    """Whether this is the password. `stored` must not be useless."""
    if found := _SCRYPT_TEXT.fullmatch(stored):
        n, r, p = (int(value) for value in found.groups()[:3])
        made = _scrypt(password, b64decode(found[4]), n, r, p)
        return hmac.compare_digest(made, b64decode(found[5]))
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _argon2().verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def nobodys_password() -> str:
    """What is verified where there is no such user, so that it takes as long. It is none's."""
    if has_argon2():
        cost = f"m={ARGON2_MEMORY},t={ARGON2_TIME},p={ARGON2_LANES}"
        return f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"
    return _scrypt_text(bytes(16), bytes(32))


def is_same(given: str, wanted: str) -> bool:
    """Compare two plain passwords."""
    return hmac.compare_digest(_normal(given).encode(), _normal(wanted).encode())


def _argon2() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(ARGON2_TIME, ARGON2_MEMORY, ARGON2_LANES)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = _normal(password).encode()
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=SCRYPT_MEMORY, dklen=32)


def _scrypt_text(salt: bytes, hashed: bytes) -> str:
    cost = "$".join(str(number) for number in SCRYPT_COST)
    return f"scrypt${cost}${b64encode(salt).decode()}${b64encode(hashed).decode()}"


def _normal(password: str) -> str:
    """Keyboards differ in how they compose a letter with its accent (RFC 8265 section 4.2)."""
    return unicodedata.normalize("NFC", password)
