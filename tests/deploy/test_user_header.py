"""nginx and Caddy log users in as docs/login.md shows it, and name them to the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import unquote

import pytest
from client import Client
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.tcpclient import TCPClient
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from benchmarks.machine import free_port
from tornado_stream.auth.users_file import Token, User, token_digest, write_users

from .proxy_programs import caddy, find, listening, nginx
from .test_proxies import SLOW

pytestmark = pytest.mark.wide

DOCS = (Path(__file__).resolve().parent.parent.parent / "docs/login.md").read_text()
TOKEN = "a token of ben's, from the file"
#: The client's address; the proxies connect from 127.0.0.1.
CLIENT = "127.0.0.2"


class Verify(RequestHandler):
    """The login service: the cookie `who` says who has logged in there."""

    def get(self) -> None:
        who = unquote(self.get_cookie("who", ""))
        self.set_status(200 if who else 401)
        if who:
            self.set_header("Remote-User", who)


class ProxyClient(Client):
    """A client of the proxy, at another address than the proxy."""

    async def connect(self) -> IOStream:
        return await TCPClient().connect("127.0.0.1", self.port, source_ip=CLIENT)


def example(first: str) -> str:
    """The example in docs/login.md that begins with this line."""
    text = DOCS[DOCS.index(f"```\n{first}") + 4 :]
    return text[: text.index("\n```")]


@pytest.fixture
def service(io_loop) -> Iterator[int]:
    """The port of the login service."""

    async def start() -> tuple[HTTPServer, int]:
        server = HTTPServer(Application([(r"/api/authz/.*", Verify)]))
        sock, port = bind_unused_port()
        server.add_socket(sock)
        return server, port

    server, port = io_loop.run_sync(start)
    yield port
    server.stop()


@pytest.fixture(params=["nginx", "caddy"])
def front(request, serve, settings, service, tmp_path: Path) -> Iterator[ProxyClient]:
    """A client of a proxy that logs users in; the server knows ada, ben and local."""
    find(request.param)
    ben = User(tokens=(Token(token_digest(TOKEN)),), id="ben:0123456789abcdef")
    users = {"ada": User(id="ada:0123456789abcdef"), "ben": ben, "local": User()}
    write_users(settings.data_dir / "0" / "users.json", users)
    proxies = (ip_network("127.0.0.1"),)
    server = serve(replace(settings, user_header="Remote-User", trusted_proxies=proxies))
    start = {"nginx": behind_nginx, "caddy": behind_caddy}[request.param]
    with start(tmp_path, server.port, service) as port:
        front = ProxyClient(port, server.application)
        front.server = ProxyClient(server.port, server.application)
        yield front


def adapted(text: str, server: int, service: int) -> str:
    assert "127.0.0.1:8888" in text and "127.0.0.1:9091" in text
    text = text.replace("127.0.0.1:8888", f"127.0.0.1:{server}")
    return text.replace("127.0.0.1:9091", f"127.0.0.1:{service}")


@contextmanager
def behind_nginx(home: Path, server: int, service: int) -> Iterator[int]:
    site = adapted(example("location / {\n    auth_request"), server, service)
    sock, port = listening()
    with nginx(home, f"server {{ listen 127.0.0.1:{port};\n{site}\n}}\n", [sock]):
        yield port


@contextmanager
def behind_caddy(home: Path, server: int, service: int) -> Iterator[int]:
    port = free_port()
    site = adapted(example("chat.example.org {\n"), server, service)
    site = site.replace("chat.example.org {", f"http://127.0.0.1:{port} {{")
    with caddy(home, f"{{\n\tadmin off\n}}\n{site}\n", port):
        yield port


def who(name: str, **more: str) -> dict[str, str]:
    return {"Cookie": f"who={name}", **more}


@pytest.mark.gen_test
async def test_the_user_of_the_proxy_is_the_user_of_the_server(front):
    stream = await front.open("POST", "/stream", {"message": "hi", "model": SLOW}, who("ada"))
    answer = await stream.read()
    assert answer.end["state"] == "done"
    assert answer.events[-1].at - answer.events[1].at > 0.4, "the proxy streams"
    path = f"/api/conversations/{answer.start['conversation_id']}"
    for name, status in [("ada", 200), ("ben", 404), ("eve", 403)]:
        assert (await front.request("GET", path, headers=who(name))).status == status, name
    page = await front.request("GET", "/", headers=who("ada", Accept="text/html"))
    assert page.status == 200 and b'data-user="ada:0123456789abcdef"' in page.body


@pytest.mark.gen_test
async def test_programs_come_with_tokens(front):
    body = {"messages": [{"role": "user", "content": "hi"}], "model": "say=a"}
    large = {"messages": [{"role": "user", "content": "a" * 2_000_000}], "model": "say=a"}
    token = {"Authorization": f"Bearer {TOKEN}"}
    for sent, headers, status in [(body, token, 200), (large, token, 200), (body, who("ada"), 401)]:
        response = await front.request("POST", "/v1/chat/completions", sent, headers)
        assert response.status == status, headers


@pytest.mark.gen_test
async def test_a_client_cannot_name_a_user(front, upstream):
    """Neither through the proxy, logged in there or not, nor past it."""
    forged = {"Remote-User": "local", "remote-user": "local", "REMOTE-USER": "local"}
    for path in ("/api/conversations", "/v1/models", "/v1/", "/stream"):
        for header, value in [*forged.items(), ("Remote_User", "local"), ("Remote-User ", "local")]:
            response = await front.request("GET", path, headers={header: value})
            assert response.status in (302, 400, 401), (path, header, response.status)
            past = await front.server.request("GET", path, headers={header: value})
            assert past.status in (400, 401), (path, header, past.status)
    for header, value in forged.items():
        page = await front.request("GET", "/", headers=who("ada", **{header: value}))
        assert page.status == 200 and b'data-user="ada:0123456789abcdef"' in page.body
    assert not upstream.requests


@pytest.mark.parametrize("front", ["nginx"], indirect=True)
@pytest.mark.gen_test
async def test_the_open_page_notices_that_the_login_has_ended(front):
    """Its script gets a 401, after which it loads itself again, and that leads to the login."""
    script = await front.request("GET", "/api/conversations", headers={"Sec-Fetch-Mode": "cors"})
    assert (script.status, script.headers["www-authenticate"]) == (401, "Bearer")
    page = await front.request("GET", "/c/x?a=1", headers={"Sec-Fetch-Mode": "navigate"})
    assert page.status == 302
    assert page.headers["location"].startswith("https://auth.example.org/?rd=https://")
    assert page.headers["location"].endswith("/c/x?a=1")
