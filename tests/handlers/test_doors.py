"""Every route refuses a foreign host, a foreign site and a body that is not JSON."""

from __future__ import annotations

import pytest
from tornado.web import RequestHandler

from tornado_stream.handlers.base import BaseHandler, NotFoundHandler
from tornado_stream.handlers.preview import PreviewHandler
from tornado_stream.handlers.uploads import UploadHandler

pytestmark = pytest.mark.both_ways

ID = "00000000-0000-4000-8000-000000000000"


def every_route(application):
    """A handler class and a path that matches it, for every route."""
    for rule in application.default_router.rules:
        for inner in rule.target.rules:
            path = inner.matcher.regex.pattern.rstrip("$").replace("\\", "")
            group = path[path.find("(") : path.rfind(")") + 1]
            if group:
                path = path.replace(group, {"(favicon.ico)": "favicon.ico"}.get(group, ID))
            yield inner.target, path
    yield NotFoundHandler, "/no/such/path"


def methods(handler: type[RequestHandler]) -> list[str]:
    names = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"]
    base = RequestHandler
    return [n for n in names if getattr(handler, n.lower()) is not getattr(base, n.lower())]


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8888",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "169.254.169.254",
    "127.0.0.2",
    "user@localhost",
    "localhost:80:80",
    "[::1",
    "[::ffff:127.0.0.1]",
]


@pytest.mark.gen_test
async def test_no_route_answers_to_a_foreign_host(chat):
    seen = 0
    for handler, path in every_route(chat.application):
        assert issubclass(handler, BaseHandler), handler
        for method in methods(handler) or ["GET"]:
            for host in FOREIGN_HOSTS:
                response = await chat.request(method, path, {}, {"Host": host})
                assert response.status in (400, 421), (method, path, host, response.status)
                assert b"script" not in response.body
                seen += 1
    assert seen > 80


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:9999", "[::1]", "[::1]:80"]
)
@pytest.mark.gen_test
async def test_the_servers_own_hosts_are_accepted(chat, host):
    assert (await chat.request("GET", "/healthz", headers={"Host": host})).status == 200


@pytest.mark.gen_test
async def test_allowed_hosts_are_accepted(serve, settings):
    from dataclasses import replace

    chat = serve(replace(settings, allowed_hosts=("chat.example",)))
    for host, status in [("chat.example", 200), ("chat.example:443", 200), ("a.chat.example", 421)]:
        assert (await chat.request("GET", "/healthz", headers={"Host": host})).status == status


CROSS_ORIGIN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
]


@pytest.mark.gen_test
async def test_no_post_is_taken_from_another_site(chat, upstream):
    for handler, path in every_route(chat.application):
        for method in set(methods(handler)) & {"POST", "PATCH", "DELETE", "PUT"}:
            for headers in CROSS_ORIGIN:
                response = await chat.request(method, path, {"message": "hi"}, headers)
                assert response.status == 403, (method, path, headers)
                if not handler.page:  # which says it in a page
                    assert response.json()["error"]["code"] == "forbidden"
    assert not upstream.requests


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.gen_test
async def test_requests_of_the_page_and_of_programs_are_accepted(chat, headers):
    response = await chat.open("POST", "/stream", {"message": "hi"}, headers)
    assert (await response.read()).end["state"] == "done"


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded"],
)
@pytest.mark.gen_test
async def test_every_body_is_json(chat, upstream, content_type):
    for handler, path in every_route(chat.application):
        for method in set(methods(handler)) & {"POST", "PATCH", "DELETE", "PUT"}:
            response = await chat.request(
                method, path, {"message": "hi"}, {"Content-Type": content_type}
            )
            if issubclass(handler, UploadHandler) and method == "POST":
                assert response.status in (201, 202)  # any bytes are a file
                continue
            assert response.status == 415, (method, path)
            if not handler.page:
                assert response.json()["error"]["code"] == "not_json"
    assert not upstream.requests


@pytest.mark.gen_test
async def test_every_answer_has_the_security_headers(chat):
    for handler, path in every_route(chat.application):
        for method in methods(handler) or ["GET"]:
            headers = (await chat.request(method, path, {})).headers
            csp = headers["content-security-policy"]
            assert "default-src 'none'" in csp and "http" not in csp
            if handler is not PreviewHandler or method not in (
                "GET",
                "HEAD",
            ):  # tests/handlers/test_preview.py
                assert "unsafe" not in csp and "frame-ancestors 'none'" in csp
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert "server" not in headers
