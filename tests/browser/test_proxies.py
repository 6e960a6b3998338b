"""A real nginx between page and server: the page names a proxy that buffers, and still works."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .chat import Page, announced, answer, ask, content, counted, expect, status, text
from .conftest import Program, Watch

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(not NGINX, reason="nginx is not installed"),
]

CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid nginx.pid;
error_log error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  uwsgi_temp_path temp;
  scgi_temp_path temp;
  server {{
    listen 127.0.0.1:{port};
    location {path} {{
      proxy_pass http://127.0.0.1:{server};
      proxy_set_header Host $http_host;
      {more}
    }}
  }}
}}
"""


@pytest.fixture
def nginx(server: Program, tab: Page, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts nginx before the server, with `more` lines in its location; returns its URL."""
    started = []

    def start(more: str = "", path: str = "/", server: Program = server) -> str:
        home = tmp_path / str(len(started))
        home.mkdir()
        # nginx inherits a listening socket: no port is guessed, and nothing waits for its start.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port, number = listener.getsockname()[1], listener.fileno()
            user = "" if os.geteuid() else "user root;"  # its own user may not read here
            values = {"port": port, "server": server.port, "more": more, "user": user, "path": path}
            (home / "nginx.conf").write_text(CONFIGURATION.format(**values))
            process = subprocess.Popen(
                [str(NGINX), "-p", str(home), "-c", "nginx.conf", "-e", "error.log"],
                env=os.environ | {"NGINX": f"{number};"},
                pass_fds=[number],
                stderr=subprocess.DEVNULL,
            )
        started.append(process)
        return f"http://127.0.0.1:{port}{path}"

    yield start
    for page in tab.context.pages:
        page.goto("about:blank")  # or it asks where nobody listens any more
    for process in started:
        process.terminate()
        process.wait(60)


def test_a_buffering_nginx_is_named_and_its_defaults_are_not(
    open_page: Callable[..., Page],
    open_tab: Callable[[str], Page],
    nginx: Callable[[str], str],
    watch: Watch,
) -> None:
    plain = nginx("")
    watch.allow(re.escape(f"a request to {plain}"))
    page = open_page(nginx("proxy_ignore_headers X-Accel-Buffering;"))
    other = open_tab(plain)
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    ask(other, "play say=before ;wait=7.5;say=after")
    page.bring_to_front()  # Chromium draws a hidden tab once a second
    ask(page, "play gap=0.175;count=60;say=whole")
    expect(status(other)).to_have_text(re.compile(r"The model has been silent for \d s…"))
    expect(content(page)).to_contain_text("t0 ")
    expect(status(page)).to_contain_text("A proxy is buffering this answer")
    expect(announced(page)).to_contain_text("A proxy is buffering this answer")
    assert text(page) != counted(60) + "whole"
    expect(content(other)).to_have_text("before after")
    assert [url for url in asked if "stream" in url and "live=0" not in url] == [f"{plain}stream"]
    assert other.locator(".proxy-hint").count() == 0
    expect(status(page)).to_contain_text("fake-model ·")
    assert text(page) == counted(60) + "whole"
    _assert_mends_nginx(page)


def _assert_mends_nginx(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer(page).get_by_text("How to repair the proxy").click()
    expect(answer(page)).to_contain_text("remove proxy_ignore_headers X-Accel-Buffering")
    expect(answer(page).get_by_text("flush_interval")).to_have_count(0)
    page.get_by_role("button", name="Copy the line for nginx").click()
    expect(announced(page)).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "proxy_buffering off;"


#: What the browser has stored for the page's origin.
STORED = "() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]"


def test_the_page_works_below_a_path(
    open_page: Callable[..., Page],
    open_tab: Callable[[str], Page],
    nginx: Callable[..., str],
    serve: Callable[..., Program],
    upstream: Program,
) -> None:
    """`Watch` also fails the test if a file is missing or the policy is violated."""
    below = serve(
        OPENAI_BASE_URL=upstream.url,
        OPENAI_MODEL="fake-model",
        OPENAI_API_KEY="sk-x",
        TORNADO_STREAM_BASE_PATH="/chat",
    )
    assert below.url.endswith("/chat/")
    url = nginx(path="/chat/", server=below)
    page = open_page(url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("localStorage.setItem('of another program', '1')")
    ask(page, "play say=**one**;wait=0.1;say= two")
    expect(content(page)).to_have_text("one two")
    expect(page).to_have_url(re.compile(re.escape(url) + "c/[0-9a-f-]{36}$"))
    page.reload()
    expect(content(page)).to_have_text("one two")
    other = open_tab(page.url)
    expect(content(other)).to_have_text("one two")
    page.get_by_role("button", name="New conversation").click()
    expect(page).to_have_url(url)
    page.go_back()
    expect(content(page)).to_have_text("one two")
    with page.expect_download() as saved:
        page.get_by_role("navigation").get_by_role("button", name=re.compile("Menu|More")).click()
        page.get_by_role("menuitem", name="Save as Markdown").click()
    assert saved.value.url.startswith(f"{url}c/")
    devtools = page.context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    devtools.detach()
    assert manifest["errors"] == []
    assert {manifest["manifest"][name] for name in ("id", "scope", "startUrl")} == {url}
    assert asked and [one for one in asked if not one.startswith(url)] == []
    stored = page.evaluate(STORED)
    assert len(stored) > 1 and "of another program" in stored
    assert [key for key in stored if not key.startswith(("/chat", "of "))] == []
    icon = json.loads(manifest["data"])["icons"][0]["src"]
    assert page.request.get(f"{manifest['url']}/../{icon}").ok
