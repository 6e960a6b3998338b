"""nginx and Caddy run with the example files of deploy/ and TLS, in front of a real server."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from client import Client, until
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpclient import TCPClient

from benchmarks.machine import free_port
from tornado_stream.settings import Secret

from .proxy_programs import caddy, find, listening, nginx

pytestmark = pytest.mark.wide

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"
NAME = "chat.example.org"
#: The client has another address than the proxy, so that the tests can tell them apart.
CLIENT = "127.0.0.2"

CURL = shutil.which("curl")
#: An answer that takes 0.6 s.
SLOW = "gap=0.03;count=20"
CADDY = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"


class HttpsClient(Client):
    """A client of the proxy, which uses the host name of the example."""

    def __init__(self, port: int, context: ssl.SSLContext, server: Client) -> None:
        super().__init__(port, server.application)
        self.context, self.server = context, server

    async def connect(self) -> IOStream:
        stream = await TCPClient().connect("127.0.0.1", self.port, source_ip=CLIENT)
        return await stream.start_tls(False, self.context, NAME)

    def encode(self, method, path, body, headers):
        fields = {"Host": NAME, "Origin": f"https://{NAME}"}
        return super().encode(method, path, body, fields | headers)


def adapted(name: str, changes: dict[str, str]) -> str:
    """The text of an example file with the paths and addresses of a test."""
    text = (DEPLOY / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    return text


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """The paths of a certificate and of its key."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = f"-subj /CN={NAME} -addext subjectAltName=DNS:{NAME} -keyout key.pem -out cert.pem"
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    subprocess.run(f"{command} {names}".split(), cwd=tmp_path, check=True, capture_output=True)
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


@pytest.fixture
def password() -> Secret | None:
    """The server's password; None: no login."""
    return None


@pytest.fixture(params=["nginx", "caddy"])
def front(
    request: pytest.FixtureRequest, serve, settings, certificate, tmp_path: Path, password
) -> Iterator[HttpsClient]:
    """A client of a server behind each proxy."""
    find(request.param)
    proxies = (ip_network("127.0.0.1"),)
    settings = replace(settings, password=password)
    settings = replace(settings, sharing=True, allowed_hosts=(NAME,), trusted_proxies=proxies)
    server = serve(settings)
    start = {"nginx": behind_nginx, "caddy": behind_caddy}[request.param]
    with start(tmp_path, server.port, certificate) as port:
        yield HttpsClient(port, ssl.create_default_context(cafile=certificate[0]), server)


@contextmanager
def behind_nginx(home: Path, server: int, certificate: tuple[str, str]) -> Iterator[int]:
    tls, port = listening()
    plain = socket.create_server(("", 0))
    folder = f"/etc/letsencrypt/live/{NAME}"
    changes = {
        "server 127.0.0.1:8888": f"server 127.0.0.1:{server}",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen {plain.getsockname()[1]};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        f"{folder}/fullchain.pem": certificate[0],
        f"{folder}/privkey.pem": certificate[1],
    }
    with nginx(home, adapted("nginx.conf", changes), [tls, plain]):
        yield port


@contextmanager
def behind_caddy(home: Path, server: int, certificate: tuple[str, str]) -> Iterator[int]:
    port = free_port()
    site = f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {' '.join(certificate)}\n"
    changes = {f"\n{NAME} {{\n": "\n" + site, "127.0.0.1:8888": f"127.0.0.1:{server}"}
    with caddy(home, CADDY + adapted("Caddyfile", changes), port):
        yield port


@pytest.mark.gen_test
async def test_answers_arrive_as_they_are_written(front, certificate):
    answer, _ = await asyncio.gather(front.ask(model=SLOW), over_http2(front, certificate[0]))
    assert answer.text == "".join(f"t{n} " for n in range(20)) and answer.end["state"] == "done"
    first, last = answer.events[0], answer.events[-1]
    for event in answer.events:
        behind = (event.at - first.at) - (event.data["t"] - first.data["t"]) / 1000
        assert behind < 1, (event.id, behind)
    assert last.at - answer.events[1].at > 0.4
    again = await front.resume(answer.start["generation_id"], after=7)
    assert [event.id for event in again.events] == list(range(8, last.id + 1))


async def over_http2(front: HttpsClient, certificate: str) -> None:
    """Read an answer over HTTP/2, as browsers do."""
    if not CURL:
        return
    curl = await asyncio.create_subprocess_exec(
        CURL,
        *f"-sN --http2 -w %{{http_version}} --cacert {certificate}".split(),
        *f"--connect-to {NAME}:443:127.0.0.1:{front.port} https://{NAME}/stream".split(),
        *("-H", "Content-Type: application/json"),
        *("-d", json.dumps({"message": "hi", "model": SLOW})),
        stdout=asyncio.subprocess.PIPE,
    )
    assert curl.stdout
    while not (await curl.stdout.readline()).startswith(b"event: delta"):
        assert not curl.stdout.at_eof()
    first = time.monotonic()
    rest = await curl.stdout.read()
    assert time.monotonic() - first > 0.4
    assert b"t19 " in rest and rest.endswith(b"\n2") and await curl.wait() == 0


@pytest.mark.gen_test
async def test_readers_that_leave_and_bodies_that_are_too_large(front, upstream):
    stream = await front.send(model="say=a;hold;say=b")
    start = await stream.until("start")
    assert front.application.streams
    stream.close()
    await until(lambda: not front.application.streams)
    upstream.released.set()
    assert (await front.resume(start.data["generation_id"])).text == "ab"
    # The server refuses a body that is too large, not the proxy.
    large = await front.request("POST", "/stream", {"message": "x" * (1024 * 1024 + 1)})
    assert (large.status, large.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.gen_test
async def test_only_the_proxy_is_believed(front):
    seen: list[tuple[str, bool]] = []

    def log(handler):
        seen.append((handler.client_address, handler.is_https))

    front.application.settings["log_function"] = log
    forged = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    await front.request("GET", "/healthz", headers=forged)
    await front.request("GET", "/healthz", headers=forged | {"X-Forwarded-Proto": "http"})
    assert seen == [(CLIENT, True)] * 2
    stream = await TCPClient().connect("127.0.0.1", front.server.port, source_ip=CLIENT)
    await stream.write(front.server.encode("GET", "/healthz", None, forged))
    await stream.read_until(b"\r\n\r\n")
    stream.close()
    assert seen[2:] == [(CLIENT, False)]


@pytest.mark.gen_test
@pytest.mark.parametrize("password", [Secret("correct horse battery")])
async def test_a_session_is_valid_over_https_only(front, password):
    assert (await front.request("GET", "/api/conversations")).status == 401
    answer = await front.request("POST", "/login", {"password": password})
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert answer.status == 204 and cookie.startswith("__Host-ts_session=")
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= set(attributes)
    inside = await front.request("GET", "/api/conversations", headers={"Cookie": cookie})
    assert inside.status == 200
    # A request directly to the server is plain HTTP, where the session is not valid.
    host = {"Host": NAME, "Cookie": cookie}
    past = await front.server.request("GET", "/api/conversations", headers=host)
    assert past.status == 401


@pytest.mark.gen_test
async def test_a_shared_link_is_read_live_until_it_is_taken_back(front):
    owner = await front.send("hi", model="say=one;hold")
    start = (await owner.until("start")).data
    body = {"leaf_id": start["message_id"], "live": True}
    made = await front.request(
        "POST", f"/api/conversations/{start['conversation_id']}/shares", body
    )
    url, id = made.json()["url"], made.json()["id"]
    assert url.startswith(f"https://{NAME}/s/")
    path = url.removeprefix(f"https://{NAME}")
    page = await front.request("GET", path)
    assert page.status == 200 and page.headers["x-robots-tag"] == "noindex"
    reader = await front.open("GET", f"{path}/stream/{start['generation_id']}")
    assert (await reader.until("delta")).data["content"] == "one"  # nothing holds it back
    assert (await front.request("DELETE", f"/api/shares/{id}")).status == 204
    with pytest.raises((StreamClosedError, AssertionError, ValueError)):
        await reader.until("end")
    assert (await front.request("GET", path)).status == 404
    await front.stop(start["generation_id"])
