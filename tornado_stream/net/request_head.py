"""Reads requests that came in one piece and are plain, and leaves all others alone.

The rule: what this module accepts is a small part of HTTP/1.1 on which all parsers agree. It never
says what is wrong with a request: where anything is unusual, it returns None, and Tornado decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tornado.httputil import HTTPHeaders

#: The lines of a head after the first: names of letters, digits and hyphens, no space before the
#: colon, visible ASCII, no folding. The quantifiers give nothing back, so it takes linear time.
LINES = re.compile(rb"(?:[A-Za-z0-9-]++:[\t -~]*+\r\n)++")
#: A length without leading zeros.
LENGTH = re.compile(r"[1-9][0-9]{0,7}")
#: A name or an address, with or without a port.
HOST = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
#: Headers that change how a message is read, or what its connection is used for.
UNUSUAL = frozenset({"Expect", "Te", "Trailer", "Transfer-Encoding", "Upgrade"})


class PlainRequest(NamedTuple):
    """The headers and the body of a request. `closing`: its connection is to be closed after it."""

    headers: HTTPHeaders
    body: bytes
    closing: bool


def read_plain(data: bytes, request_line: bytes) -> PlainRequest | None:
    """The request that `data` is from its first byte to its last, if it begins with this line
    (with its CRLF) and is plain: every header once, a Host, and a Content-Length that fits."""
    if not data.startswith(request_line):
        return None
    end = data.find(b"\r\n\r\n") + 2
    if end < 2 or not LINES.fullmatch(data, len(request_line), end):
        return None
    lines = data[len(request_line) : end - 2].decode("ascii").split("\r\n")
    pairs = [line.split(":", 1) for line in lines]
    if len({name.lower() for name, _ in pairs}) < len(pairs):
        return None
    headers = HTTPHeaders()
    for name, value in pairs:
        headers[name] = value.strip(" \t")
    length, connection = headers.get("Content-Length", ""), headers.get("Connection", "").lower()
    if not LENGTH.fullmatch(length) or int(length) != len(data) - end - 2:
        return None
    if not HOST.fullmatch(headers.get("Host", "")) or not UNUSUAL.isdisjoint(headers):
        return None
    if connection not in ("", "keep-alive", "close"):
        return None
    return PlainRequest(headers, data[end + 2 :], connection == "close")
