"""Secrets do not leak: a key, a password, a question and an answer with unique texts ("canaries").

The server runs as a process and meets many failures. Afterwards the tests search its output, its
responses and its files for the canaries.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from client import until

ROOT = Path(__file__).resolve().parents[2]

#: With characters that URLs and JSON escape.
KEY = 'canary/+"9f3c1d7e5b2a8046'
PASSWORD = "canary-4d1b7c9e2f6a8035"
QUESTION = "canary-question-71e0c5"
ANSWER = "canary-answer-b83f20"


def forms(secret: str) -> list[bytes]:
    """The forms of a secret to search for: its halves too, and its base64 at any position."""
    core = secret[-16:]
    found = [core, core[:8], core[8:], quote(secret, safe=""), json.dumps(secret)[1:-1]]
    for lead in range(3):
        found.append(b64encode(b"\0" * lead + secret.encode()).decode()[4:-4])
    return [form.encode() for form in found]


#: Error messages of an upstream that quote parts of the request.
ECHOES = [
    "Incorrect API key provided: {key}. See https://example.org.",
    "no: https://example.org/v1?api_key={quoted}&x=1 or {plus}",
    "got the header Authorization: Bearer {key}",
    "got 'Basic {basic}' from you",
    "{{'authorization': 'Bearer {key}', 'x-api-key': '{key}'}}",
    "x" * 1985 + "{key}",
]
#: Starts the server with bugs whose exceptions quote the request.
BUGS = """
    import asyncio, os, sys
    from tornado_stream.handlers.system import HealthHandler
    from tornado_stream.providers.openai.provider import OpenAIProvider
    from tornado_stream.server import main

    def get(self):
        word = self.request.headers.get("X-Word", "")
        asyncio.get_running_loop().call_soon(int, word)
        raise ValueError(word + os.environ.get("OPENAI_API_KEY", ""))

    async def generate(self, request, emit, real=OpenAIProvider.generate):
        if request.model == "bug":
            raise KeyError(request.messages)
        await real(self, request, emit)

    HealthHandler.get, OpenAIProvider.generate = get, generate
    sys.exit(main())
"""


class Upstream:
    """Answers every request with the bytes in `reply`, and records the requests in `asked`."""

    def __init__(self) -> None:
        self.reply = b""
        self.hold = False  # whether the connection stays open after the reply
        self.asked: list[bytes] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        self.asked.append(head + await reader.readexactly(int(length[1]) if length else 0))
        writer.write(self.reply)
        await writer.drain()
        if self.hold:
            await reader.read()
        writer.close()
        await writer.wait_closed()


def response(body: str | bytes, status: int = 200, *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status} Told", "Connection: close", f"Content-Length: {len(data)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + data


def stream(*blocks: str) -> bytes:
    return response("".join(f"{block}\n\n" for block in blocks))


def say(text: str) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}"


class Watched:
    """The server process; `said` has its output and its responses."""

    def __init__(self, directory: Path, upstream: str, log_format: str, **environ: str) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.said: list[bytes] = []
        program = directory / "program.py"
        program.write_text(textwrap.dedent(BUGS))
        self.command = [sys.executable, str(program), "--port", "0", "--log-level", "debug"]
        self.command += ["--log-format", log_format, "--data-dir", str(directory / "data")]
        self.command += ["--drain-timeout", "0.2"]
        self.environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self.environ |= {"OPENAI_BASE_URL": upstream, **environ}

    @asynccontextmanager
    async def running(self, room: int | None = None) -> AsyncIterator[None]:
        """Run the server until SIGTERM. With `room`, files can grow only by so many bytes."""
        process = self.spawn(room)
        try:
            assert process.stdout
            line = await asyncio.to_thread(process.stdout.readline)
            self.said.append(line)
            found = re.search(rb"http://localhost:(\d+)/", line)
            assert found, self.lines()[-5:]
            self.port = int(found[1])
            yield
            process.send_signal(signal.SIGTERM)
            await until(lambda: process.poll() is not None, what="it has not exited")
            self.said.append(process.stdout.read())
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def spawn(self, room: int | None = None) -> subprocess.Popen[bytes]:
        sizes = [path.stat().st_size for path in self.directory.rglob("chat.db*")]
        largest = resource.RLIM_INFINITY if room is None else max(sizes, default=0) + room

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environ,
                cwd=self.directory,
                preexec_fn=limit,
            )

    async def request(self, method: str, path: str, body: object = None, *headers: str) -> bytes:
        """Send one request on a connection of its own; returns the whole response."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}", "Connection: close"]
        if data:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        lines += [f"Authorization: Bearer {PASSWORD}", f"Cookie: session={PASSWORD}", *headers]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
        self.said.append(received)
        return received

    async def ask(self, model: str = "m", text: str = QUESTION) -> bytes:
        return await self.request("POST", "/stream", {"message": text, "model": model})

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def check(self, *secrets: str) -> None:
        """No secret is anywhere, and texts of the conversation are only in the database."""
        assert self.said and self.lines()
        output = b"\n".join([*self.said, self.log.read_bytes()])
        database = {"chat.db", "chat.db-wal", "chat.db-shm"}
        files = {path: path.read_bytes() for path in self.directory.rglob("*") if path.is_file()}
        for secret in secrets:
            for form in forms(secret):
                assert form not in output, around(form, output)
                assert not [path for path, data in files.items() if form in data]
        for text in (QUESTION, ANSWER):
            form = text.encode()
            assert form not in self.log.read_bytes(), around(form, self.log.read_bytes())
            others = {path: data for path, data in files.items() if path.name not in database}
            assert not [path for path, data in others.items() if form in data]


def around(form: bytes, output: bytes) -> bytes:
    at = output.index(form)
    return output[max(0, at - 300) : at + 100]


@asynccontextmanager
async def canned() -> AsyncIterator[tuple[Upstream, int]]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.take, "127.0.0.1", 0)
    async with server:
        yield upstream, server.sockets[0].getsockname()[1]


def echoes(secret: str) -> list[str]:
    basic = b64encode(f"user:{secret}".encode()).decode()
    words = {"key": secret, "quoted": quote(secret, safe=""), "plus": quote_plus(secret)}
    return [echo.format(basic=basic, **words) for echo in ECHOES]


def replies(secret: str) -> list[bytes]:
    """Responses with every kind of failure, each with the secret in it."""
    made: list[bytes] = []
    for echo in echoes(secret):
        error = json.dumps({"error": {"message": echo, "code": echo}})
        made += [response(error, 401), response(echo, 502), stream(say(ANSWER), f"data: {error}")]
        made += [response(f"<html><body>{echo}</body></html>", 403)]
    raw = json.dumps({"error": {"message": "x", "metadata": {"raw": error}}})
    made += [response(error, status) for status in (200, 400, 404, 429, 500)]
    made += [response(json.dumps({"detail": [{"msg": echo}]}), 422)]
    made += [response("", 302, f"Location: https://{quote(secret)}@x/{quote(secret, safe='')}")]
    made += [response(f"<html><body>{echo}</body></html>"), stream(f"data: {raw}")]
    made += [stream(f"event: error\ndata: {echo}"), stream(f"error: {error}")]
    made += [stream(say(ANSWER), f"data: {{broken {echo}")]
    made += [
        response("", 200, f"Content-Encoding: {secret}"),
        response("", 200, f"X-Key: \x01{secret}"),
        f"HTTP/1.1 200 OK\r\n{secret}\r\n\r\n".encode(),
        f"{secret}\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret.encode() + b"\r\n",
        response(secret, 200, "Content-Encoding: gzip"),
        b"",
    ]
    return made


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.gen_test
async def test_canaries_do_not_leak(tmp_path, log_format):
    async with canned() as (upstream, port):
        server = Watched(tmp_path, f"http://127.0.0.1:{port}/v1", log_format, OPENAI_API_KEY=KEY)
        async with server.running():
            upstream.reply = stream(say(ANSWER), "data: [DONE]")
            assert ANSWER.encode() in await server.ask()
            assert KEY.encode() in upstream.asked[-1]
            for upstream.reply in replies(KEY) if log_format == "text" else replies(KEY)[-9:]:
                await server.ask()
            for upstream.reply in replies(KEY)[:8]:
                await server.request("GET", "/api/models")
            await bad_requests(server)
            conversations = await server.request("GET", f"/api/conversations?q={QUESTION}")
            for id in re.findall(rb'"id":"([0-9a-f-]{36})"', conversations)[:20]:
                await server.request("GET", f"/api/conversations/{id.decode()}")
                await server.request("GET", f"/c/{id.decode()}.json")
            upstream.hold = True  # so that the answer still runs when SIGTERM comes
            upstream.reply = b"HTTP/1.1 200 OK\r\n\r\n" + say(ANSWER).encode() + b"\n\n"
            asked = len(upstream.asked)
            asking = asyncio.ensure_future(server.ask())
            await until(lambda: len(upstream.asked) > asked)
        answer = await asking
        assert ANSWER.encode() in answer and b"interrupted" in answer
        async with server.running(room=100_000):
            assert b"not_saved" in await server.ask(text=QUESTION * 30_000)
    server.check(KEY, PASSWORD)
    check_lines(server, log_format)


async def bad_requests(server: Watched) -> None:
    """Send bad requests with canaries in path, query, headers and body; two of them hit a bug."""
    quoted = quote(KEY, safe="")
    assert b" 500 " in await server.request("GET", "/healthz", None, f"X-Word: {QUESTION}")
    assert b"server_error" in await server.ask("bug")
    await server.request("GET", f"/{quoted}?q={QUESTION}&key={quoted}")
    await server.request(
        "GET", f"/c/{quoted}?q={QUESTION}&p={PASSWORD}", None, f"X-Request-Id: {PASSWORD}"
    )
    await server.request("GET", "/api/models", None, f"Host: {PASSWORD}")
    await server.request("POST", "/stream", f'{{"message": "{QUESTION}"'.encode())
    await server.request("POST", "/stream", {"message": [QUESTION], "request_id": PASSWORD})
    await server.request("POST", "/stream", {"message": QUESTION, "conversation_id": PASSWORD})
    await server.request("POST", "/stream", {"message": QUESTION, "options": {"x": PASSWORD}})
    await server.request("POST", f"/stream/{quoted}/stop?p={PASSWORD}", {"x": QUESTION})
    await server.request("PATCH", "/api/conversations/x", {"title": QUESTION})
    await server.request("POST", "/stream", b"x" * 2_000_000)
    await server.request("GET", "/", None, f"Bad\x01Header: {PASSWORD}")
    await server.request("GET", "/metrics")


def check_lines(server: Watched, log_format: str) -> None:
    """The log has the bugs, and every line has the right format."""
    lines = server.lines()
    if log_format == "json":
        parsed = [json.loads(line) for line in lines]
        traces = "\n".join(line.get("traceback", "") for line in parsed)
        assert {"tornado_stream.access", "tornado_stream.answers"} <= {p["logger"] for p in parsed}
    else:
        assert all(re.match(r"\d{4}-\d\d-\d\d |    ", line) for line in lines)
        traces = "\n".join(lines)
    assert {"ValueError", "KeyError"} <= set(re.findall(r"^ *(\w+Error)$", traces, re.MULTILINE))
    assert "program.py" in traces


@pytest.mark.parametrize("place", ["login", "query"])
@pytest.mark.gen_test
async def test_a_password_in_the_base_url_does_not_leak(tmp_path, place):
    async with canned() as (upstream, port):
        url = f"http://user:{PASSWORD}@127.0.0.1:{port}/v1"
        if place == "query":
            url = f"http://127.0.0.1:{port}/v1?api_key={PASSWORD}"
        server = Watched(tmp_path, url, "text")
        async with server.running():
            upstream.reply = stream(say("hi"), "data: [DONE]")
            assert b'"state":"done"' in await server.ask()
            sent = b"Authorization: Basic " + b64encode(f"user:{PASSWORD}".encode())
            if place == "query":
                sent = f"POST /v1/chat/completions?api_key={PASSWORD} HTTP/1.1".encode()
            assert sent in upstream.asked[-1]
            for upstream.reply in [
                *replies(PASSWORD)[::2],
                response('{"data": []}'),
                response("{}"),
            ]:
                await server.ask()
                await server.request("POST", "/stream", {"message": "hi"})  # any model
                await server.request("GET", "/api/models")
    # The upstream is closed now.
    async with server.running():
        await server.ask()
        await server.request("GET", "/api/models")
    assert any(b"connect_failed" in said for said in server.said)
    server.command += ["--base-url", url.replace(str(port), "0")]
    refused = server.spawn()
    server.said.append((await asyncio.to_thread(refused.communicate))[0])
    assert refused.returncode == 2 and server.lines()[-1].startswith("tornado-stream: --base-url")
    server.check(PASSWORD)
