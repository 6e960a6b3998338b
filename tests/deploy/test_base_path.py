"""nginx and Caddy show the server below a path, as docs/deploying.md says, and without the path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from client import Client

from benchmarks.machine import free_port
from tornado_stream.settings import Secret

from .proxy_programs import caddy, find, listening, nginx
from .test_proxies import SLOW

pytestmark = pytest.mark.wide

PASSWORD = "correct horse battery"
DOCS = (Path(__file__).resolve().parent.parent.parent / "docs/deploying.md").read_text()
#: How the proxy passes the path on: as docs/deploying.md shows it, or without the base path.
NGINX_SITE = "server {{ listen 127.0.0.1:{port}; {location} }}"
NGINX_STRIPS = """location /chat/ {
    proxy_pass http://127.0.0.1:8888/;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
}"""
CADDY_STRIPS = """handle_path /chat/* {
    reverse_proxy 127.0.0.1:8888
}"""


def example(start: str) -> str:
    """The example in docs/deploying.md that begins with this line."""
    text = DOCS[DOCS.index(start) :]
    return text[: text.index("\n```")]


@pytest.fixture(params=["nginx", "nginx-strips", "caddy", "caddy-strips"])
def front(request: pytest.FixtureRequest, serve, settings, tmp_path: Path) -> Iterator[Client]:
    """A client of a proxy that shows the server below /chat."""
    name, _, strips = request.param.partition("-")
    find(name)
    server = serve(replace(settings, base_path="/chat", password=Secret(PASSWORD)))
    start = {"nginx": behind_nginx, "caddy": behind_caddy}[name]
    with start(tmp_path, server.port, bool(strips)) as port:
        yield Client(port, server.application)


@contextmanager
def behind_nginx(home: Path, server: int, strips: bool) -> Iterator[int]:
    location = NGINX_STRIPS if strips else example("location /chat {\n")
    location = location.replace("127.0.0.1:8888", f"127.0.0.1:{server}")
    sock, port = listening()
    with nginx(home, NGINX_SITE.format(port=port, location=location), [sock]):
        yield port


@contextmanager
def behind_caddy(home: Path, server: int, strips: bool) -> Iterator[int]:
    port = free_port()
    lines = CADDY_STRIPS if strips else example("handle /chat* {\n")
    lines = lines.replace("127.0.0.1:8888", f"127.0.0.1:{server}")
    site = f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{port} {{\n{lines}\n}}\n"
    with caddy(home, site, port):
        yield port


@pytest.mark.gen_test
async def test_everything_works_below_the_path(front, request):
    page = await front.request("GET", "/chat/", headers={"Accept": "text/html"})
    assert page.status == 401 and b'href="/chat/static/' in page.body
    answer = await front.request("POST", "/chat/login", {"password": PASSWORD})
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert answer.status == 204 and "Path=/chat" in attributes
    session = {"Cookie": cookie}
    assert (await front.request("GET", "/chat/", headers=session)).status == 200
    body = {"message": "hi", "model": SLOW}
    stream = await front.request("POST", "/chat/stream", body, session)
    assert stream.status == 200 and b"t19 " in stream.body
    listed = (await front.request("GET", "/chat/api/conversations", headers=session)).json()
    id = listed["conversations"][0]["id"]
    saved = await front.request("GET", f"/chat/c/{id}.md", headers=session)
    assert saved.status == 200 and b"t19 " in saved.body
    program = {"messages": [{"role": "user", "content": "hi"}], "model": "say=a"}
    done = await front.request("POST", "/chat/v1/chat/completions", program, session)
    assert json.loads(done.body)["choices"][0]["message"]["content"] == "a"
    if "strips" not in request.node.name:
        bare = await front.request("GET", "/chat")
        assert bare.status in (301, 308) and bare.headers["location"].endswith("/chat/")
