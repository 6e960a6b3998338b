"""Base URLs of upstreams: checked, and in the form in which they can be sent. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

#: Characters that a path or a query keeps (RFC 3986 sections 3.3 and 3.4); all others are encoded.
_KEPT = "/?%:@!$&'()*+,;=~"
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
#: The ends of addresses for answers, which are no part of a base URL.
_ANSWERS = re.compile(r"(/+(chat/completions|completions|responses))+$")
#: Letters that old and new rules for host names write as different hosts (UTS 46 section 7).
_AMBIGUOUS = re.compile("[ßς]")
#: Parameters of a query whose value is a secret.
_SECRET = re.compile(r"key|token|secret|passw|sig|auth|^code$", re.IGNORECASE)


def clean_base_url(text: str) -> str:
    """A base URL without its last slash, and with everything encoded that has to be: spaces and
    letters beyond ASCII in path and query (RFC 3986), and in the host (IDNA). The end of an address
    for answers, which people copy from examples, is removed.

    Raises `ValueError`, whose message says what is wrong, for what cannot be a base URL.
    """
    text = text.strip()
    for character in text:
        if not character.isprintable():
            raise ValueError(f"it contains an invisible character (U+{ord(character):04X})")
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("it must be a URL like http://localhost:11434/v1")
    if parts.fragment:
        raise ValueError("it must have no fragment (# and what follows)")
    login, at, place = parts.netloc.rpartition("@")
    netloc = _encoded(login) + at + _ascii_host(place, parts.hostname or "")
    path = _ANSWERS.sub("", _encoded(parts.path).rstrip("/")).rstrip("/")
    return urlunsplit((parts.scheme, netloc, path, _encoded(parts.query), ""))


def url_secrets(url: str) -> tuple[str, ...]:
    """What nobody may see of a URL: its password, else its user, and the keys in its query."""
    parts = urlsplit(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    keys = (value for name, value in parse_qsl(parts.query) if _SECRET.search(name))
    return tuple(filter(None, (unquote(password or user), *keys)))


def parse_database_url(text: str) -> str:
    """The URL of a database in PostgreSQL. Raises `ValueError`, which says what is wrong."""
    text = text.strip()
    if not re.fullmatch(r"postgres(?:ql)?://[!-~]*", text):
        raise ValueError("it must be a URL like postgresql://user@host/database, in ASCII")
    if "#" in text:
        raise ValueError("write a # in it as %23")
    if not urlsplit(text).path.strip("/") and "dbname=" not in text:
        raise ValueError("it must name a database, as in postgresql://user@host/database")
    return text


def database_secrets(url: str) -> tuple[str, ...]:
    """What nobody may see of a database's URL: its password, as it is and as the URL has it."""
    parts = urlsplit(url)
    _, _, password = parts.netloc.rpartition("@")[0].partition(":")
    values = [value for name, value in parse_qsl(parts.query) if _SECRET.search(name)]
    return tuple(dict.fromkeys(filter(None, (unquote(password), password, *values))))


def shown_database(url: str) -> str:
    """The part of a database's URL that may be shown: no user, no password, no options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _encoded(text: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=_KEPT)


def _ascii_host(place: str, host: str) -> str:
    """Host and port in ASCII. `host` is the host alone."""
    if ":" in host:
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            raise ValueError(f"{host} is not an address") from None
        return place
    if host.isascii():
        labels = host.removesuffix(".").split(".")
        if not (_HOST.fullmatch(host) and all(0 < len(label) < 64 for label in labels)):
            raise ValueError(f"{host!r} is not the name of a host")
        return place
    try:
        if _AMBIGUOUS.search(host):
            raise UnicodeError
        encoded = host.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"write the host {host} in ASCII (xn--…)") from None
    port = place.rpartition(":")[2] if ":" in place else ""
    return f"{encoded}:{port}" if port else encoded


def shown_origin(url: str) -> str:
    """The part of a URL that may be shown: no user, no path, no query."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
