"""The proxies between this server and its upstreams, as environment variables name them.

The rule: the variables mean what they mean to curl (curl(1), ENVIRONMENT), with two differences.
An entry of `NO_PROXY` may begin with `*.` or end with a port, which curl does not know: where it
means nothing, the proxy gets what was to be kept from it. And `HTTP_PROXY` counts in capitals too.
curl ignores it because a web server gives the header `Proxy` of a request to its CGI programs in
this variable; so it does not count where `REQUEST_METHOD` is set. A request to this machine never
goes through a proxy. Messages name a proxy without its login.
"""

from __future__ import annotations

import asyncio
import re
import socket
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

from tornado_stream.net.upstream_connections import Origin, open_socket
from tornado_stream.values.errors import ProviderError

#: The port of a proxy that names none, as curl has it.
PORT = 1080
#: Bytes of the response to CONNECT.
MAX_HEAD = 16 * 1024


@dataclass(frozen=True)
class ForwardProxy:
    """A proxy. `variable` is the environment variable that names it, `authorization` the value of
    the header `Proxy-Authorization`, or empty."""

    variable: str
    host: str
    port: int
    authorization: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"the proxy http://{_place(self.host, self.port)} ({self.variable})"

    async def connect(self, origin: Origin) -> socket.socket:
        """A connection to the proxy for http, and through it to the origin for https. Raises
        `ProviderError`."""
        try:
            sock = await open_socket(self.host, self.port)
        except socket.gaierror:
            raise _not_delivered(f"{self} was not found: no host {self.host!r}") from None
        except OSError:
            raise _not_delivered(f"{self} could not be reached: nothing answers there") from None
        try:
            if origin.scheme == "https":
                await self._tunnel(sock, origin)
        except OSError:
            sock.close()
            raise _not_delivered(f"{self} closed the connection") from None
        except BaseException:
            sock.close()
            raise
        return sock

    def timed_out(self, origin: Origin, seconds: float) -> ProviderError:
        """The error where the connection took longer than `seconds`."""
        what = f"{self} made no connection to {origin.host} within {seconds:g} s"
        return _not_delivered(what, code="connect_timeout")

    def refusal(self, status: int, origin: Origin) -> ProviderError:
        """The error for a status other than 2xx that the proxy itself sent."""
        if status in (401, 407):  # some proxies send 401 for a wrong password
            what = "refused its user and password" if self.authorization else "wants a login"
            hint = f"{self.variable}=http://USER:PASSWORD@{_place(self.host, self.port)} has one"
            return _not_delivered(f"{self} {what} ({status}); {hint}", final=True)
        place = _place(origin.host, origin.port)
        what = f"made no connection to {place} (status {status})"
        return _not_delivered(f"{self} {what}", final=status < 500 and status != 429)

    async def _tunnel(self, sock: socket.socket, origin: Origin) -> None:
        """Ask the proxy for a connection to the origin (RFC 9110 section 9.3.6)."""
        loop, place = asyncio.get_running_loop(), _place(origin.host, origin.port)
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode("latin1"))
        head = bytearray()
        while b"\r\n\r\n" not in head and len(head) < MAX_HEAD:
            data = await loop.sock_recv(sock, 4096)
            if not data:
                raise _not_delivered(f"{self} closed the connection")
            head += data
        found = re.match(rb"HTTP/1\.[01] (\d{3})[ \r]", head)
        # The origin speaks only after the client, so nothing can have followed the head.
        if found and 200 <= int(found[1]) < 300 and head.endswith(b"\r\n\r\n"):
            return
        if found and int(found[1]) >= 300:
            raise self.refusal(int(found[1]), origin)
        raise _not_delivered(f"{self} did not answer as an HTTP proxy", final=True)


def _not_delivered(
    what: str, *, final: bool = False, code: str = "connect_failed"
) -> ProviderError:
    """The error where the upstream has no request; `final`: asking again would not help."""
    message = f"{what[0].upper()}{what[1:]}."
    return ProviderError(code, message, retryable=not final, unprocessed=not final)


class ForwardProxies:
    """The proxies of an environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._named = {scheme: _named(environ, scheme) for scheme in ("http", "https")}
        _, exempt = _first(environ, "no_proxy", "NO_PROXY")
        self._exempt = [entry for entry in re.split(r"[,\s]+", exempt.lower()) if entry]

    def find(self, origin: Origin) -> ForwardProxy | None:
        """The proxy for requests to this origin. Raises `ValueError`, whose message says what is
        wrong, if the variable for it does not name a proxy that can be used."""
        variable, url = self._named[origin.scheme]
        if not url or self._is_direct(origin.host.lower().rstrip("."), origin.port):
            return None
        return _parse(variable, url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords of the proxies."""
        found = (urlsplit(_with_scheme(url)).password for _, url in self._named.values())
        return tuple(unquote(password) for password in found if password)

    def _is_direct(self, host: str, port: int) -> bool:
        address = _address(host)
        if host == "localhost" or host.endswith(".localhost"):
            return True
        if address and (address.is_loopback or address.is_unspecified):
            return True
        if self._exempt == ["*"]:
            return True
        entries = (_without_port(entry, port) for entry in self._exempt)
        return any(_covers(entry, host, address) for entry in entries)


def _named(environ: Mapping[str, str], scheme: str) -> tuple[str, str]:
    names = [f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    if "REQUEST_METHOD" in environ:
        names = [name for name in names if name != "HTTP_PROXY"]
    return _first(environ, *names)


def _first(environ: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of the variables that is set, and its value; an empty one means: no proxy."""
    name = next((name for name in names if name in environ), names[0])
    return name, environ.get(name, "").strip()


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def _parse(variable: str, url: str) -> ForwardProxy:
    try:
        parts = urlsplit(_with_scheme(url))
        host, port = parts.hostname, PORT if parts.port is None else parts.port
        valid = bool(host) and host.isascii() and port and not re.search(r"\s", url)  # type: ignore[union-attr]
    except ValueError:
        valid = False
    if not valid or not host:
        raise ValueError(f"{variable} must be the address of a proxy, like http://proxy:3128")
    if parts.scheme != "http":
        raise ValueError(
            f"{variable} names a proxy that is spoken to in {parts.scheme}; this server speaks "
            "plain HTTP to proxies (http://…). NO_PROXY names the hosts that need none"
        )
    if parts.username is None:
        return ForwardProxy(variable, host, port)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return ForwardProxy(variable, host, port, f"Basic {b64encode(login).decode()}")


def _without_port(entry: str, port: int) -> str:
    """An entry of NO_PROXY without the port; empty if it names another port than this."""
    found = re.fullmatch(r"(\[.*\]|[^:]*):([0-9]{1,5})", entry)
    if not found:
        return entry
    return found[1] if int(found[2]) == port else ""


def _covers(entry: str, host: str, address: IPv4Address | IPv6Address | None) -> bool:
    """Whether an entry of NO_PROXY covers the host: an address, a network, or a name, which also
    stands for all names below it."""
    if address:
        try:
            return address in ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return False
    name = entry.removeprefix("*.").strip(".")
    return bool(name) and f".{host}".endswith(f".{name}")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, also in the short forms of IPv4 (127.1); None: it is a name."""
    host = host.partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return (
                IPv4Address(socket.inet_aton(host)) if re.fullmatch(r"[0-9a-fx.]+", host) else None
            )
        except OSError:
            return None
    return getattr(address, "ipv4_mapped", None) or address


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
