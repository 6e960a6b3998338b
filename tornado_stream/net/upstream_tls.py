"""TLS of connections to upstreams, between the reader of their sockets and the HTTP client.

The rule: bytes go through OpenSSL's memory in both directions and this module awaits nothing but
the handshake. asyncio's TLS would take five calls and an exception for each read. Everything runs
on the IOLoop's thread.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any

#: Bytes of a record, at most (RFC 8446 section 5.2, RFC 5246 section 6.2.3).
RECORD_SIZE = 5 + 16 * 1024 + 2048


class ResumingContext(ssl.SSLContext):
    """Checks certificates, and resumes a server's last TLS session instead of a full handshake.

    Nothing that makes a connection has a parameter for the session, so `wrap_bio` adds it.
    """

    sessions: dict[str | None, ssl.SSLSession | None]

    def __new__(cls) -> ResumingContext:
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        context.sessions = {}
        return context

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        options["session"] = self.sessions.get(options.get("server_hostname"))
        return super().wrap_bio(*args, **options)


def keep_session(tls: ssl.SSLObject | None, host: str) -> None:
    """Remember the session of a connection, if its context resumes sessions."""
    if tls is not None and isinstance(tls.context, ResumingContext):
        tls.context.sessions[host] = tls.session


class UpstreamTLS:
    """One connection's TLS. `object` is Python's."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def handshake(self, sock: socket.socket) -> None:
        """Make the handshake on a connected socket. Raises `ssl.SSLError`, or `OSError` where the
        connection ends; the caller then closes the socket."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.object.do_handshake()
            except ssl.SSLWantReadError:
                await loop.sock_sendall(sock, self._outgoing.read())
                data = await loop.sock_recv(sock, RECORD_SIZE)
                if not data:
                    raise ConnectionResetError("the connection ended in the handshake") from None
                self._incoming.write(data)
            except ssl.SSLError:
                with suppress(OSError):
                    sock.send(self._outgoing.read())  # an alert says why
                raise
            else:
                break
        if self._outgoing.pending:
            await loop.sock_sendall(sock, self._outgoing.read())

    def encrypt(self, data: bytes | memoryview) -> bytes:
        """The bytes to send for these, and for what OpenSSL itself has to say."""
        if data:
            self.object.write(data)
        return self._outgoing.read()

    def decrypt(self, buffer: memoryview, size: int) -> tuple[int, bool]:
        """Replace the bytes at the beginning of the buffer, which were received, with what they
        say, and what is left of earlier ones: it has room for one record more. Returns how many
        bytes that is, and whether the server has ended the connection. Raises `ssl.SSLError`."""
        incoming, read = self._incoming, self.object.read
        incoming.write(buffer[:size])
        total = 0
        while incoming.pending:
            try:
                count = read(len(buffer) - total, buffer[total:])
            except ssl.SSLWantReadError:  # the rest of a record has not come yet
                break
            if not count:
                return total, True
            total += int(count)
        return total, False

    @property
    def has_to_say(self) -> bool:
        """Whether OpenSSL has something to send, for example new keys: see `encrypt`."""
        return bool(self._outgoing.pending)
