"""The page over two servers that share a PostgreSQL, behind an nginx that sends each request to the
next one: a reader asks at one server, resumes at the other, and stops at the first.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from deadlines import DEADLINE
from deploy.proxy_programs import find, nginx
from deploy.test_servers import site
from playwright.sync_api import Route
from postgres import Engine

from .chat import Page, ask, content, counted, expect, listed, status, text
from .conftest import Program, Watch

pytestmark = pytest.mark.wide

LOGGED = "log_format servers '$request_method $uri $upstream_addr';\n"


@dataclass
class Front:
    """nginx before the servers at `ports`. Its log has a line for each request that has ended."""

    url: str
    ports: list[int]
    log: Path

    def served(self, pattern: str) -> list[int]:
        """The ports of the servers that had the requests of this kind, in their order."""
        found = re.findall(rf"^{pattern} 127\.0\.0\.1:(\d+)$", self.log.read_text(), re.MULTILINE)
        return [int(port) for port in found]

    def steer(self, page: Page, port: int) -> None:
        """Let the next request go to the server at this port."""
        while True:
            page.request.get(f"{self.url}healthz")
            if self.served("GET /healthz")[-1] != port:
                return

    @contextmanager
    def steered(self, page: Page, port: int) -> Iterator[None]:
        """Let the first POST to `/stream…` in the block go to the server at this port. Whatever
        else the page asks for waits until the end of the block."""
        waiting: list[Route] = []

        def let_wait(route: Route) -> None:
            request = route.request
            if request.method == "POST" and "/stream" in request.url:
                route.continue_()
            else:
                waiting.append(route)

        page.route("**/*", let_wait)
        self.steer(page, port)
        yield
        for route in waiting:
            route.continue_()
        page.unroute("**/*", let_wait)


@pytest.fixture
def front(
    postgres: Engine, serve: Callable[..., Program], upstream: Program, tmp_path: Path
) -> Iterator[Front]:
    find("nginx")
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    environ |= {"OPENAI_API_KEY": "sk-x", "TORNADO_STREAM_DATABASE": postgres.new_database()}
    ports = [serve(**environ).port for _ in range(2)]
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    logged = f"\n    access_log {tmp_path}/servers.log servers;"
    with nginx(tmp_path, LOGGED + site(ports, port, logged), [listener]):
        yield Front(f"http://127.0.0.1:{port}/", ports, tmp_path / "servers.log")


@pytest.mark.timeout(300)
def test_a_readers_whole_life_over_two_servers(
    open_page: Callable[..., Page], front: Front, watch: Watch
) -> None:
    page = open_page(front.url)
    first, second = front.ports
    with front.steered(page, first):
        ask(page, "play gap=0.05;count=4000")
        expect(content(page)).to_contain_text("t20 ")
    url = page.url
    # The page is loaded again: whatever it asks for goes to one server or the other.
    for _ in range(20):
        front.steer(page, first)
        page.reload()
        expect(content(page)).to_contain_text("t20 ")
        page.goto("about:blank")  # the stream has ended, and is in the log
        page.wait_for_timeout(100)
        page.goto(url)
        expect(content(page)).to_contain_text("t20 ")
        if {first, second} <= set(front.served("GET /stream/[^ /]+")):
            break
    assert front.served("POST /stream") == [first]
    assert {first, second} <= set(front.served("GET /stream/[^ /]+"))
    before = text(page)
    assert counted(4000).startswith(before)
    with front.steered(page, first):
        page.get_by_role("button", name="Stop").click()
        expect(status(page)).to_contain_text("Stopped")
    assert front.served("POST /stream/[^ /]+/stop") == [first]
    stopped = text(page)
    assert stopped.startswith(before) and counted(4000).startswith(stopped)
    # Asked, titled, listed and searched at whichever server is next.
    for number in range(40):
        ask(page, f"play say=answer {number}")
        expect(content(page)).to_have_text(f"answer {number}")
        if {first, second} <= set(front.served("POST /stream")):
            break
    page.reload()
    expect(listed(page)).to_have_count(1)
    expect(content(page)).to_have_text(f"answer {number}", timeout=DEADLINE * 1000)
    assert {first, second} <= set(front.served("POST /stream"))
