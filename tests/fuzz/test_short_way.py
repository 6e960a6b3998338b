"""A server with the short way in answers every request as one without it does.

`FUZZ_REQUESTS` is the number of requests (a tenth of it, 1,000 by default), `FUZZ_HTTP_SEED` the
seed. Each request is sent to both servers, in one piece or in several, and the responses are
compared: status, headers and body, without what differs between any two requests.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
from collections import Counter
from dataclasses import replace
from ipaddress import ip_network
from random import Random

import pytest
from client import Client
from torture.reader import Dechunker

from tornado_stream.handlers.short_way import ShortWay

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000")) // 10
SEED = int(os.environ.get("FUZZ_HTTP_SEED", "1"))
TOKEN, ORIGIN = "a-token-that-nobody-guesses", "https://app.example"
ID = "00000000-0000-4000-8000-000000000000"

#: What differs between any two requests.
VARYING = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16}\b|\b\d{9,}\b"
    rb"|Date: [^\r]*|\"(?:t|[a-z_]+_ms)\":\d+"
)
QUESTION = {"message": "hi", "model": "say=ab"}
BODIES = [
    *({"message": "hi"}, QUESTION | {"options": {"temperature": 1}}, QUESTION | {"keep": False}),
    *(QUESTION | {"conversation_id": ID}, {"message": ""}, {"message": 1}, {}, {"continue": ID}),
    *(QUESTION | {"request_id": "x"}, QUESTION | {"model": ""}, QUESTION | {"preset": "x"}),
    *(QUESTION | {"leave_out": -1}, QUESTION | {"system": "s"}, {"message": "x" * 20_000}),
]
TEXTS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b'{"message": "\\ud800"}',
    b"{}{}",
    b"[" * 2000,
    b" {} ",
]
#: Headers that are added, or that replace one of the same name.
VALUES = {
    b"Host": [
        b"evil.example",
        b"127.0.0.1",
        b"LOCALHOST.:1",
        b"[::1]",
        b"",
        b"a@localhost",
        b"a b",
    ],
    b"Content-Type": [b"text/plain", b"", b"Application/JSON;x", b"application/json\t", b"a/b"],
    b"Content-Length": [b"0", b"1", b"+5", b"005", b"5, 5", b"-1", b"9" * 20, b"", b"1_0"],
    b"Content-Encoding": [b"gzip", b"identity", b""],
    b"Transfer-Encoding": [b"chunked", b"identity", b"gzip, chunked", b""],
    b"Connection": [b"close", b"keep-alive", b"Close", b"upgrade", b"close, x", b""],
    b"Expect": [b"100-continue", b"x"],
    b"Upgrade": [b"h2c"],
    b"Te": [b"trailers"],
    b"Origin": [
        ORIGIN.encode(),
        b"https://evil.example",
        b"null",
        b"http://[",
        b"http://localhost",
    ],
    b"Sec-Fetch-Site": [b"same-origin", b"none", b"cross-site", b"same-site", b"x", b""],
    b"Sec-Fetch-Mode": [b"cors", b"navigate"],
    b"Authorization": [
        b"Bearer " + TOKEN.encode(),
        *(b"bearer x", b"Basic eDp5", b"Bearer", b"Bearer  " + TOKEN.encode(), b""),
    ],
    b"Cookie": [b"ts_session=x", b"=;=", b'a="\\', b"ts_session"],
    b"X-Forwarded-For": [b"192.0.2.1", b"x", b", ,", b"::1"],
    b"X-Forwarded-Proto": [b"https", b","],
    b"X-Request-Id": [b"mine", b"x y", b"a" * 65],
    b"X-User": [b"anna", b"", b"nobody knows", b"local"],
    b"X_User": [b"anna"],
    b"X-Odd": [b"a\tb", b"\xe4", b"a\0b", b"a\rb", b" ", b"\x7f", b"x" * 17_000],
    b"Access-Control-Request-Method": [b"POST"],
}
LINES = [
    *(b"POST /stream HTTP/1.0", b"POST /stream HTTP/1.2", b"POST /stream HTTP/2.0"),
    *(b"post /stream HTTP/1.1", b"PUT /stream HTTP/1.1", b"GET /stream HTTP/1.1"),
    *(b"POST /stream?a=b HTTP/1.1", b"POST /stream? HTTP/1.1", b"POST //stream HTTP/1.1"),
    *(b"POST http://localhost/stream HTTP/1.1", b"POST /stream/ HTTP/1.1", b"POST * HTTP/1.1"),
    *(b"POST  /stream HTTP/1.1", b"POST /stream HTTP/1.1 ", b"\r\nPOST /stream HTTP/1.1"),
    *(b"POST /%73tream HTTP/1.1", b"POST /stream#a HTTP/1.1", b"POST /Stream HTTP/1.1"),
]
LINE_ODDITIES = [
    *(
        b"no colon",
        b" folded: a",
        b": no name",
        b"A : b",
        b"A\t: b",
        b"A:b",
        b"A:",
        b"\xe4: b",
        b"A(: b",
    ),
]


def request(random: Random) -> bytes:
    """A request: plain, or with one oddity or a few."""
    data = json.dumps(random.choice([QUESTION, QUESTION, random.choice(BODIES)])).encode()
    if random.random() < 0.1:
        data = random.choice(TEXTS)
    line = b"POST /stream HTTP/1.1"
    if random.random() < 0.15:
        line = random.choice(LINES)
    headers = [
        (b"Host", b"localhost"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(data)),
    ]
    if random.random() < 0.7:
        headers.append((b"Authorization", b"Bearer " + TOKEN.encode()))
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        name = random.choice([*VALUES])
        value = random.choice(VALUES[name])
        kept = [pair for pair in headers if pair[0] != name or random.random() < 0.2]
        headers = [*kept, (random.choice([name, name, name.lower(), name.upper()]), value)]
    if random.random() < 0.05:
        headers.pop(random.randrange(len(headers)))
    if random.random() < 0.3:
        random.shuffle(headers)
    lines = [line, *(name + b": " + value for name, value in headers)]
    if random.random() < 0.1:
        lines.insert(random.randrange(1, len(lines) + 1), random.choice(LINE_ODDITIES))
    end = b"\r\n" if random.random() < 0.95 else b"\n"
    whole = bytearray(end.join([*lines, b"", b""]) + data)
    if random.random() < 0.15:
        for _ in range(random.choice([1, 1, 3])):
            at = random.randrange(len(whole))
            random.choice(
                [
                    lambda at=at: whole.__setitem__(at, random.choice(b"\0\t\n\r :,;aZ\x7f\xff")),
                    lambda at=at: whole.__delitem__(at),
                    lambda at=at: whole.insert(at, random.choice(b"\0\t\n\r :,;aZ\x7f\xff")),
                ]
            )()
    return bytes(whole)


def pieces(random: Random, data: bytes) -> list[bytes]:
    if random.random() < 0.8:
        return [data]
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice([1, 2])))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


async def exchange(chat: Client, sent: list[bytes]) -> bytes:
    """What comes until the server closes the connection. The client says that it sends no more, so
    the server does that after the last response."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", chat.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        try:
            for piece in sent:
                await loop.sock_sendall(sock, piece)
                await asyncio.sleep(0)
            sock.shutdown(socket.SHUT_WR)
            while data := await loop.sock_recv(sock, 65536):
                received += data
        except OSError:
            pass  # the server has closed it before it read everything, and the response may be lost
    return received


def comparable(received: bytes) -> list[bytes]:
    """The responses without what varies. A stream's events may be cut into chunks anywhere, and
    there may be pings, because the client sends no more."""
    parts: list[bytes] = []
    while received.startswith(b"HTTP/1.1 ") and b"\r\n\r\n" in received:
        head, _, received = received.partition(b"\r\n\r\n")
        dechunker = Dechunker()
        if head.startswith(b"HTTP/1.1 100 "):
            parts.append(head)
            continue
        if b"Transfer-Encoding: chunked" not in head:
            length = re.search(rb"Content-Length: (\d+)", head)
            size = int(length[1]) if length else len(received)
            parts += [head, received[:size]]
            received = received[size:]
            continue
        end = re.search(rb"(?:^|\r\n)0\r\n\r\n", received)
        size = end.end() if end else len(received)
        parts += [head, dechunker.feed(received[:size]), b"whole" if end else b"cut"]
        received = received[size:]
    return [VARYING.sub(b"*", part).replace(b": ping\n\n", b"") for part in [*parts, received]]


def served(chat: Client, counts: Counter[str]) -> None:
    """Count the requests that the short way takes."""
    server = chat.application.keep_alive.__self__
    short_way = server.short_way
    assert isinstance(short_way, ShortWay)

    def counting(stream, peer, data):
        taken = short_way(stream, peer, data)
        counts["taken" if taken else "left"] += 1
        return taken

    server.short_way = counting


@pytest.mark.parametrize("guarded", [False, True], ids=["open", "guarded"])
@pytest.mark.gen_test(timeout=3600)
async def test_both_ways_give_the_same_responses(serve, settings, caplog, guarded):
    if guarded:
        settings = replace(
            settings,
            token=TOKEN,
            allowed_origins=(ORIGIN,),
            trusted_proxies=(ip_network("127.0.0.0/8"),),
            user_header="X-User",
            max_body=15_000,
        )
    short, tornado = serve(settings), serve(settings)
    counts: Counter[str] = Counter()
    served(short, counts)
    tornado.application.keep_alive.__self__.short_way = None
    random = Random(SEED)
    for number in range(REQUESTS):
        data = b"".join(request(random) for _ in range(random.choice([1, 1, 1, 1, 2])))
        sent = pieces(random, data)
        first, second = await asyncio.gather(exchange(short, sent), exchange(tornado, sent))
        if first and second:
            counts["compared"] += 1
            assert comparable(first) == comparable(second), (number, sent, first, second)
    assert counts["taken"] > REQUESTS / 10 and counts["left"] > REQUESTS / 10, counts
    assert counts["compared"] > REQUESTS * 0.7, counts
