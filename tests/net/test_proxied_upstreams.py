"""A server whose upstreams are behind a proxy: raw sockets as proxies, and a real one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from client import refusing_port, until

from tornado_stream.net import forward_proxy
from tornado_stream.providers import build_provider
from tornado_stream.settings import SettingError, Settings

from .test_http_client import certificate

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method")
SECRET = "pass:w rd"
LOGIN = "user:pass%3Aw%20rd@"
BASIC = "Basic " + b64encode(f"user:{SECRET}".encode()).decode()
#: What a proxy does with the target of a request.
WITHOUT_HOST = (b" http://model.example/", b" /")


class Proxy:
    """A proxy that connects every request to one port of this machine, whatever it names.

    It sends `refusal` instead, if there is one; a proxy that is `silent` sends nothing, and one
    that `drops` closes the connection after the first request.
    """

    def __init__(self, port: int = 0, refusal: bytes = b"", *, silent=False, drops=False) -> None:
        self.target, self.refusal = port, refusal
        self.silent, self.drops = silent, drops
        self.heads: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Proxy:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # TLS closes its socket in a later iteration of the loop

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        self.writers.append(writer)
        try:
            await self.relay(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        origin = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers.append(origin[1])
        return origin

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin1"):
            self.heads.append(head)
            if self.silent:
                await asyncio.sleep(3600)
            if self.drops:
                return
            if self.refusal:
                writer.write(self.refusal)
                await writer.drain()
                return
            origin = await self.connect()
            if head.startswith("CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\nX-Y: z\r\n\r\n")
            else:
                origin[1].write(head.encode("latin1").replace(*WITHOUT_HOST))
            await asyncio.gather(pipe(reader, origin[1]), pipe(origin[0], writer))
            return


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data.replace(*WITHOUT_HOST))
        await writer.drain()
    writer.close()


class Terminator(Proxy):
    """Ends TLS before the fake upstream."""

    def __init__(self, port: int, context) -> None:
        super().__init__(port)
        self.context = context

    async def __aenter__(self) -> Terminator:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin = await self.connect()
        await asyncio.gather(pipe(reader, origin[1]), pipe(origin[0], writer))


@pytest.fixture(autouse=True)
def plain_environ(monkeypatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxied(serve, settings, monkeypatch):
    """Starts a server behind a proxy; returns its client."""

    def start(port: int, scheme: str = "http", variable: str = "ALL_PROXY", **more):
        monkeypatch.setenv(variable, f"http://{LOGIN}127.0.0.1:{port}")
        return serve(replace(settings, base_url=f"{scheme}://model.example/v1", **more))

    return start


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.gen_test
async def test_http_upstreams_are_asked_with_the_whole_url(proxied, upstream, variable):
    async with Proxy(upstream.port) as proxy:
        chat = proxied(proxy.port, variable=variable)
        for _ in range(2):
            answer = await chat.ask(model="say=a;say=b")
            assert (answer.text, answer.end["state"]) == ("ab", "done"), answer.end
        lines = proxy.heads[0].split("\r\n")
        assert lines[0] == "POST http://model.example/v1/chat/completions HTTP/1.1"
        assert {"Host: model.example", f"Proxy-Authorization: {BASIC}"} <= set(lines)
        assert len(upstream.requests) == 2


@pytest.mark.gen_test
async def test_https_upstreams_are_asked_through_a_tunnel(
    proxied, upstream, tmp_path: Path, monkeypatch
):
    context = certificate(tmp_path, "model.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with Terminator(upstream.port, context) as tls, Proxy(tls.port) as proxy:
        chat = proxied(proxy.port, "https", "HTTPS_PROXY")
        answers = await asyncio.gather(*[chat.ask(model="say=a;say=b") for _ in range(3)])
        assert [answer.text for answer in answers] == ["ab"] * 3
        for head in proxy.heads:
            lines = head.split("\r\n")
            assert lines[0] == "CONNECT model.example:443 HTTP/1.1"
            assert f"Proxy-Authorization: {BASIC}" in lines and "Authorization: Bearer" not in head
        assert len(upstream.requests) == 3


REFUSALS = [
    (407, "refused its user and password (407); ALL_PROXY=http://USER:PASSWORD@", False),
    (401, "refused its user and password (401)", False),
    (403, "made no connection to model.example:443 (status 403)", False),
    (502, "made no connection to model.example:443 (status 502)", True),
    (503, "made no connection to model.example:443 (status 503)", True),
]


@pytest.mark.parametrize(("status", "says", "retryable"), REFUSALS)
@pytest.mark.gen_test
async def test_a_tunnel_that_the_proxy_refuses(proxied, status, says, retryable):
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    async with Proxy(refusal=refusal) as proxy:
        chat = proxied(proxy.port, "https")
        error = (await chat.ask()).end["error"]
        asked = len(proxy.heads)
    assert error["code"] == "connect_failed" and says in error["message"], error
    assert error["message"].startswith(f"The proxy http://127.0.0.1:{proxy.port} (ALL_PROXY) ")
    assert "rd" not in error["message"].replace("password", "") and error["retryable"] is retryable
    # Nothing was delivered: what may help is tried again, as with an upstream out of reach.
    assert asked == (3 if retryable else 1)


@pytest.mark.parametrize(("status", "code"), [(407, "connect_failed"), (502, "upstream_5xx")])
@pytest.mark.gen_test
async def test_a_request_that_the_proxy_refuses_is_not_sent_again(proxied, status, code):
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 8\r\n\r\n<p>x</p>".encode()
    async with Proxy(refusal=refusal) as proxy:
        error = (await proxied(proxy.port).ask()).end["error"]
        assert (error["code"], len(proxy.heads)) == (code, 1)
    assert f"the proxy http://127.0.0.1:{proxy.port} (ALL_PROXY)" in error["message"].replace(
        "The", "the"
    )
    assert "rd" not in error["message"].replace("password", "") and str(status) in error["message"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nand more", "did not answer as an HTTP proxy"),
        (b"\x05\xff\r\n\r\n", "did not answer as an HTTP proxy"),
        (b"x" * 40_000, "did not answer as an HTTP proxy"),
        (b"HTTP/1.1 200 O", "closed the connection"),
    ],
)
@pytest.mark.gen_test
async def test_a_proxy_that_is_none(proxied, answer, says):
    async with Proxy(refusal=answer) as proxy:
        error = (await proxied(proxy.port, "https").ask()).end["error"]
    assert (error["code"], says in error["message"]) == ("connect_failed", True), error


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.gen_test
async def test_a_proxy_that_is_out_of_reach_or_silent(proxied, scheme):
    with refusing_port() as port:
        error = (await proxied(port, scheme).ask()).end["error"]
    assert error["code"] == "connect_failed"
    named = f"The proxy http://127.0.0.1:{port} (ALL_PROXY)"
    assert error["message"] == f"{named} could not be reached: nothing answers there."


@pytest.mark.gen_test
async def test_a_silent_proxy_has_the_time_of_a_connection(proxied):
    async with Proxy(silent=True) as proxy:
        error = (await proxied(proxy.port, "https", connect_timeout=0.1).ask()).end["error"]
        assert error["code"] == "connect_timeout"
        assert "made no connection to model.example within 0.1 s" in error["message"]


@pytest.mark.gen_test
async def test_stopping_closes_the_connection_to_a_silent_proxy(proxied, io_loop):
    async with Proxy(silent=True) as proxy:
        chat = proxied(proxy.port, "https")
        stream = await chat.send()
        id = (await stream.until("start")).data["generation_id"]
        await until(lambda: proxy.heads)
        assert (await chat.request("POST", f"/stream/{id}/stop", {})).json()["state"] == "stopped"
        stream.close()


@pytest.mark.gen_test
async def test_a_delivered_request_that_broke_is_not_sent_again(proxied):
    async with Proxy(drops=True) as proxy:
        error = (await proxied(proxy.port).ask()).end["error"]
        assert error["code"] == "connection_closed" and len(proxy.heads) == 1


@pytest.mark.gen_test
async def test_this_machine_and_exempt_hosts_are_asked_directly(serve, settings, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")  # nothing answers there
    assert (await serve(settings).ask(model="say=a")).text == "a"


def test_a_proxy_that_cannot_be_used_is_refused_at_the_start_where_it_matters(tmp_path):
    environ = {"ALL_PROXY": "socks5://u:secret@127.0.0.1:1080"}
    needs = Settings(base_url="https://u:key@model.example/v1", data_dir=tmp_path)
    with pytest.raises(SettingError, match="ALL_PROXY names a proxy .* https://model.example/v1"):
        build_provider(needs, environ=environ)
    build_provider(needs, environ=environ | {"NO_PROXY": "model.example"})
    build_provider(replace(needs, base_url="http://localhost:11434/v1"), environ=environ)
    build_provider(Settings(data_dir=tmp_path), environ=environ)


def test_the_password_of_a_proxy_is_masked_in_the_log(tmp_path):
    environ = {"HTTPS_PROXY": f"http://{LOGIN}127.0.0.1:1"}
    provider = build_provider(
        Settings(base_url="https://a.example", data_dir=tmp_path), environ=environ
    )
    assert SECRET in provider.secrets


TINYPROXY = shutil.which("tinyproxy") or shutil.which("tinyproxy", path="/usr/sbin")


@pytest.fixture
def tinyproxy(tmp_path: Path) -> Iterator[int]:
    """A real proxy with a login; its port."""
    if not TINYPROXY:
        pytest.skip("tinyproxy is not installed")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    configuration = tmp_path / "tinyproxy.conf"
    configuration.write_text(
        f"Port {port}\nListen 127.0.0.1\nTimeout 60\nBasicAuth user secret\n"
        f'LogFile "{tmp_path}/log"\nLogLevel Connect\n'
    )
    process = subprocess.Popen([TINYPROXY, "-d", "-c", str(configuration)], env=dict(os.environ))
    yield port
    process.terminate()
    process.wait(60)


@pytest.mark.wide
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.gen_test
async def test_a_real_proxy(
    serve, settings, upstream, tinyproxy, scheme, tmp_path: Path, monkeypatch
):
    """The upstream is on this machine, where no proxy is used; the test suspends that rule."""
    monkeypatch.setattr(forward_proxy.ForwardProxies, "_is_direct", lambda self, host, port: False)
    context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with Terminator(upstream.port, context) as tls:
        port = tls.port if scheme == "https" else upstream.port
        there = replace(settings, base_url=f"{scheme}://localhost:{port}/v1", max_connections=50)
        url = f"127.0.0.1:{tinyproxy}"
        await until(lambda: _listens(tinyproxy), 20)
        for login, state in (("user:secret@", "done"), ("user:wrong@", "error"), ("", "error")):
            monkeypatch.setenv("ALL_PROXY", f"http://{login}{url}")
            answer = await serve(there).ask(model="gap=0.02;count=10")
            assert answer.end["state"] == state, answer.end
            if state == "error":
                # With a wrong password, tinyproxy sends 401, as the upstream may too.
                error = answer.end["error"]
                assert error["code"] in ("connect_failed", "auth")
                assert f"the proxy http://{url}" in error["message"].replace("The", "the"), error
            else:
                assert answer.text == "".join(f"t{n} " for n in range(10))
        assert len(upstream.requests) == 1
        # Nothing listens there.
        gone = replace(settings, base_url=f"{scheme}://localhost:1/v1")
        monkeypatch.setenv("ALL_PROXY", f"http://user:secret@{url}")
        error = (await serve(gone).ask()).end["error"]
        assert f"the proxy http://{url}" in error["message"].replace("The", "the"), error


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
