"""Hashes of passwords, made with scrypt from the standard library.

Earlier versions used argon2id where argon2-cffi was installed. Such a hash is still verified if
argon2-cffi is installed (the extra `auth`), and `Users` then replaces it at the next login.

The rule: the server stores no password, only its hash. Hashing takes about 0.1 s and 32 MiB, so
it never runs on the loop's thread.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata
from base64 import b64decode, b64encode
from importlib.util import find_spec

#: n, r and p.
SCRYPT_COST = (2**15, 8, 1)
SCRYPT_MEMORY = 64 * 1024 * 1024
#: An argon2id hash, of the cost that earlier versions used, that no password matches.
ARGON2_DECOY = f"$argon2id$v=19$m=47104,t=2,p=1${'A' * 22}${'A' * 43}"

_SCRYPT_TEXT = re.compile(
    r"scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w+/]{22}==)\$([\w+/]{43}=)", re.ASCII
)
_ARGON2_TEXT = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+", re.ASCII)


def hash_password(password: str) -> str:
    """The text to store of a password. It names the algorithm, its cost and the salt."""
    salt = os.urandom(16)
    return _scrypt_text(salt, _scrypt(password, salt, *SCRYPT_COST), SCRYPT_COST)


def is_hash(stored: str) -> bool:
    """Whether this is the text of a hash that any version has written."""
    return bool(_SCRYPT_TEXT.fullmatch(stored)) or is_argon2(stored)


def is_argon2(stored: str) -> bool:
    """Whether an earlier version has made this hash, with argon2."""
    return bool(_ARGON2_TEXT.fullmatch(stored))


def has_argon2() -> bool:
    """Whether argon2-cffi is installed."""
    return find_spec("argon2") is not None


def verify(stored: str | None, password: str, *, argon2: bool = False) -> bool:
    """Whether `stored` is the hash of this password. False if it is None.

    The function always computes one scrypt hash and, with `argon2`, one argon2 hash too. So the
    time it takes does not tell whether a user exists. An argon2 hash needs `argon2`.
    """
    old = stored is not None and is_argon2(stored)
    decoy = _scrypt_text(bytes(16), bytes(32), SCRYPT_COST)
    matches = _verify_scrypt(decoy if old or stored is None else stored, password)
    if argon2:
        matches |= _verify_argon2(stored if stored and old else ARGON2_DECOY, password)
    return matches


def is_same(given: str, wanted: str) -> bool:
    """Compare two passwords that are not hashed."""
    return hmac.compare_digest(_normal(given).encode(), _normal(wanted).encode())


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = _normal(password).encode()
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=SCRYPT_MEMORY, dklen=32)


def _scrypt_text(salt: bytes, hashed: bytes, cost: tuple[int, int, int]) -> str:
    numbers = "$".join(str(number) for number in cost)
    return f"scrypt${numbers}${b64encode(salt).decode()}${b64encode(hashed).decode()}"


def _verify_scrypt(stored: str, password: str) -> bool:
    found = _SCRYPT_TEXT.fullmatch(stored)
    assert found
    n, r, p = (int(value) for value in found.groups()[:3])
    hashed = _scrypt(password, b64decode(found[4]), n, r, p)
    return hmac.compare_digest(hashed, b64decode(found[5]))


def _verify_argon2(stored: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """Keyboards differ in how they compose a letter with its accent (RFC 8265 section 4.2)."""
    return unicodedata.normalize("NFC", password)
