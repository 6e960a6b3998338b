"""The server below a path of a host that it shares (`--base-path`)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from ipaddress import ip_network

import pytest

from tornado_stream.command_line import parse_command
from tornado_stream.handlers import plain_path
from tornado_stream.settings import Secret, SettingError

pytestmark = pytest.mark.both_ways

HTML = {"Accept": "text/html"}
HTTPS = {"X-Forwarded-Proto": "https"}
PASSWORD = "correct horse battery"


@pytest.fixture
def below(serve, settings):
    """A client of a server below /tools/chat."""
    return serve(replace(settings, base_path="/tools/chat"))


@pytest.mark.gen_test
async def test_every_address_in_a_page_is_below_the_base_path(below):
    page = (await below.request("GET", "/tools/chat/", headers=HTML)).body.decode()
    lost = await below.request("GET", "/tools/chat/nothing", headers=HTML)
    assert lost.status == 404 and 'data-base="/tools/chat"' in page
    addresses = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page + lost.body.decode())
    assert len(addresses) > 50
    for address in set(addresses):
        assert address.startswith("/tools/chat/"), address
        status = (await below.request("GET", address)).status
        assert status == (303 if address.endswith("/ask") else 200), address


@pytest.mark.parametrize("base", ["/tools/chat", ""])
@pytest.mark.gen_test
async def test_a_proxy_may_pass_the_path_unchanged_or_without_the_base_path(below, base):
    get, id = below.request, "00000000-0000-4000-8000-000000000000"
    for path in ("/healthz", "/api/conversations", "/v1/models", "//v1/models/", "/"):
        assert (await get("GET", base + path)).status == 200, path
    assert (await get("GET", f"{base}/c/{id}.md")).status == 404
    body = {"messages": [{"role": "user", "content": "hi"}], "model": "say=a"}
    assert (await get("POST", f"{base}/v1/chat/completions", body)).status == 200
    described = (await get("GET", f"{base}/openapi.json")).json()
    assert described["servers"] == [{"url": "/tools/chat/"}]


@pytest.mark.gen_test
async def test_the_base_path_without_its_slash_leads_to_the_page(below):
    for path, place in (("", ""), ("?q=a%20b", "?q=a%20b")):
        answer = await below.request("GET", f"/tools/chat{path}")
        assert (answer.status, answer.headers["location"]) == (308, f"/tools/chat/{place}")
    assert (await below.request("POST", "/tools/chat", {})).status == 405
    for path in ("/tools", "/tools/", "/tools/chats", "/tools/chat/tools/chat/"):
        assert (await below.request("GET", path)).status == 404, path


@pytest.mark.parametrize(("head", "name"), [({}, "ts_session"), (HTTPS, "__Secure-ts_session")])
@pytest.mark.gen_test
async def test_the_cookie_belongs_to_the_base_path(serve, settings, head, name):
    locked = replace(settings, base_path="/tools/chat", password=Secret(PASSWORD))
    chat = serve(replace(locked, trusted_proxies=(ip_network("127.0.0.1"),)))
    page = await chat.request("GET", "/tools/chat/", headers=head | HTML)
    assert page.status == 401 and b'action="/tools/chat/login"' in page.body
    answer = await chat.request("POST", "/tools/chat/login", {"password": PASSWORD}, head)
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith(f"{name}.tools.chat=") and "Path=/tools/chat" in attributes
    other = f"{name}.tools.chat".replace(".tools.chat", "") + "=of-another-server"
    for cookies in (f"{other}; {cookie}", f"{cookie}; {other}"):
        inside = await chat.request(
            "GET", "/tools/chat/api/models", headers=head | {"Cookie": cookies}
        )
        assert inside.status == 200
    out = await chat.request("POST", "/tools/chat/logout", {}, head | {"Cookie": cookie})
    assert "Path=/tools/chat" in out.headers["set-cookie"].split("; ")


@pytest.mark.gen_test
async def test_without_the_setting_nothing_is_below_a_path(chat):
    page = await chat.request("GET", "/", headers=HTML)
    assert b"data-base" not in page.body and b'href="/static/' in page.body
    assert (await chat.request("GET", "/chat/")).status == 404
    assert (await chat.request("GET", "?x")).status == 404
    described = (await chat.request("GET", "/openapi.json")).json()
    assert described["servers"] == [{"url": "/"}]


def test_only_whole_parts_of_a_path_are_taken_away():
    assert plain_path("/chat/api/models", "/chat") == "/api/models"
    assert plain_path("/chat", "/chat") == ""
    assert plain_path("/chatter/", "/chat") == "/chatter/"
    assert plain_path("/v1/models", "/v1") == "/models"
    assert plain_path("/v1/v1/models/", "/v1") == "/v1/models"


@pytest.mark.parametrize(("text", "path"), [("/", ""), ("/chat/", "/chat"), ("/a/b.c~", "/a/b.c~")])
def test_a_base_path(text, path):
    assert parse_command(["--base-path", text], {}).settings.base_path == path


@pytest.mark.parametrize(
    "text",
    [
        "chat",
        "//",
        "/a//b",
        "//evil.example",
        "/a b",
        "/a%20b",
        "/é",
        "/a/../b",
        "/.",
        "/..",
        "/./a",
    ]
    + ["https://chat.example/chat", "/a?b", "/a#b", '/a"b', "/a;b", "/a\\b", "/a\n"],
)
def test_what_is_no_base_path_is_refused(text):
    with pytest.raises(SettingError, match=r"--base-path cannot .*: it must be a path like /chat"):
        parse_command(["--base-path", text], {})


def test_the_manifest_names_no_path_of_its_own():
    from tornado_stream.page import STATIC

    manifest = json.loads((STATIC / "app.webmanifest").read_text())
    assert manifest["start_url"] == manifest["scope"] == "../../" and "id" not in manifest
