"""Pages of other web sites: which origins may call which routes, and with what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tornado_stream.handlers.cross_origin import preflight_headers

from .test_doors import every_route, methods
from .test_login import PASSWORD, TOKEN, cookie, log_in

pytestmark = pytest.mark.both_ways

ORIGIN, OTHER = "https://ide.example:8443", "https://evil.example"
ASK = {"messages": [{"role": "user", "content": "hello"}]}
FOREIGN = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def shared(serve, settings):
    return serve(replace(settings, allowed_origins=(ORIGIN, "app://obsidian.md")))


def preflight(origin: str = ORIGIN, method: str = "POST", headers: str = "") -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return asked | {"Sec-Fetch-Site": "cross-site", "Access-Control-Request-Headers": headers}


@pytest.mark.gen_test
async def test_a_named_origin_may_call_v1_and_stream(shared, upstream):
    for origin in (ORIGIN, "app://obsidian.md"):
        headers = FOREIGN | {"Origin": origin}
        answer = await shared.request("POST", "/v1/chat/completions", ASK, headers)
        events = await (await shared.open("POST", "/stream", {"message": "hi"}, headers)).read()
        id = events.start["generation_id"]
        for response in [
            answer,
            events.response,
            await shared.request("GET", "/v1/models", headers=headers),
            await shared.request("GET", f"/stream/{id}", headers=headers),
            await shared.request("POST", f"/stream/{id}/stop", {}, headers),
        ]:
            assert response.status == 200
            assert response.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in response.headers
            assert response.headers["vary"] == "Origin"
            assert response.headers["cross-origin-resource-policy"] == "cross-origin"
            shown = response.headers["access-control-expose-headers"].lower()
            for name in ("x-generation-id", "x-request-id", "retry-after", "x-should-retry"):
                assert name in shown


@pytest.mark.gen_test
async def test_the_page_can_read_errors_too(shared):
    for method, path, status in [
        ("POST", "/v1/chat/completions", 400),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/v1/chat/completions", 405),
        ("GET", "/stream/00000000-0000-4000-8000-000000000000", 404),
    ]:
        response = await shared.request(method, path, {}, FOREIGN)
        assert response.status == status
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert response.headers["vary"] == "Origin"


@pytest.mark.gen_test
async def test_a_preflight_is_answered(shared, upstream):
    wanted = "authorization, Content-Type, x-stainless-os, x-stainless-retry-count, "
    wanted += "idempotency-key, last-event-id, tornado-stream-keep, x-evil, x-forwarded-for"
    for path, allowed in [
        ("/v1/chat/completions", "POST, OPTIONS"),
        ("/v1//models/", "GET, HEAD, OPTIONS"),
        ("/stream", "POST, OPTIONS"),
    ]:
        response = await shared.request("OPTIONS", path, headers=preflight(headers=wanted))
        headers = response.headers
        assert (response.status, response.body) == (204, b"")
        assert headers["access-control-allow-origin"] == ORIGIN
        assert headers["access-control-allow-methods"] == allowed == headers["allow"]
        assert int(headers["access-control-max-age"]) > 60
        assert headers["access-control-allow-headers"] == (
            "authorization, content-type, x-stainless-os, x-stainless-retry-count, "
            "idempotency-key, last-event-id, tornado-stream-keep"
        )
        assert "access-control-allow-credentials" not in headers
        assert "access-control-allow-private-network" not in headers
    local = preflight() | {"Access-Control-Request-Private-Network": "true"}
    response = await shared.request("OPTIONS", "/v1/models", headers=local)
    assert response.headers["access-control-allow-private-network"] == "true"
    assert not upstream.requests


def test_a_preflight_that_asks_for_very_many_headers_costs_little():
    headers = preflight_headers(["GET"], "x-stainless-a," * 5000, private_network=False)
    assert len(headers["Access-Control-Allow-Headers"]) < 2000


@pytest.mark.gen_test
async def test_other_routes_and_other_origins_are_refused(shared, upstream):
    seen = 0
    for handler, path in every_route(shared.application):
        for method in set(methods(handler)) & {"POST", "PATCH", "DELETE", "PUT"}:
            for origin in (
                OTHER,
                "null",
                ORIGIN.replace(":8443", ""),
                ORIGIN + "0",
                ORIGIN.upper(),
            ):
                headers = FOREIGN | {"Origin": origin}
                response = await shared.request(method, path, {}, headers)
                assert response.status == 403, (path, origin)
                assert "access-control-allow-origin" not in response.headers
            if not handler.cross_origin:
                response = await shared.request(method, path, {}, FOREIGN)
                assert response.status == 403, path
                assert "access-control-allow-origin" not in response.headers
                seen += 1
        foreign = preflight(OTHER) if handler.cross_origin else preflight()
        assert (await shared.request("OPTIONS", path, headers=foreign)).status == 403, path
    assert seen > 4 and not upstream.requests
    response = await shared.request("GET", "/api/models", headers=FOREIGN)
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.gen_test
async def test_by_default_no_origin_is_allowed(chat):
    for path in ("/v1/chat/completions", "/stream"):
        assert (await chat.request("POST", path, ASK, FOREIGN)).status == 403
        assert (await chat.request("OPTIONS", path, headers=preflight())).status == 403
    response = await chat.request("GET", "/v1/models", headers=FOREIGN)
    assert not {"access-control-allow-origin", "vary"} & set(response.headers)


@pytest.mark.gen_test
async def test_a_session_does_not_count_for_another_site(serve, settings, upstream):
    """Pages on another port of this machine are of the same site, so browsers send the cookie."""
    origin = "http://localhost:3000"
    login = {"password": PASSWORD, "token": TOKEN, "allowed_origins": (origin,)}
    chat = serve(replace(settings, **login))
    session = cookie(await log_in(chat))
    foreign = session | {"Origin": origin, "Sec-Fetch-Site": "same-site"}
    for method, path in [
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
        ("POST", "/stream"),
        ("GET", "/stream/00000000-0000-4000-8000-000000000000"),
    ]:
        response = await chat.request(method, path, ASK, foreign)
        assert (response.status, response.json()["error"]["code"]) == (401, "login_required"), path
        assert response.headers["access-control-allow-origin"] == origin
    own = session | {"Sec-Fetch-Site": "same-origin"}
    assert (await chat.request("GET", "/v1/models", headers=own)).status == 200
    bearer = {"Authorization": f"Bearer {TOKEN}", "Origin": origin, "Sec-Fetch-Site": "same-site"}
    response = await chat.request("POST", "/v1/chat/completions", ASK, bearer)
    assert response.status == 200 and response.headers["access-control-allow-origin"] == origin
    preflights = preflight(origin, headers="authorization")
    assert (await chat.request("OPTIONS", "/v1/models", headers=preflights)).status == 204
    assert (await chat.request("OPTIONS", "/v1/models")).status == 401
    assert len(upstream.requests) == 1


@pytest.mark.gen_test
async def test_the_servers_own_page_is_no_other_site(serve, settings):
    """Its origin may be among those that are named, and its session counts."""
    chat = serve(replace(settings, password=PASSWORD, allowed_origins=("http://localhost:1",)))
    session = cookie(await log_in(chat))
    for own in ({"Sec-Fetch-Site": "same-origin", "Host": "localhost"}, {"Host": "localhost:1"}):
        headers = session | {"Origin": "http://localhost:1"} | own
        stream = await chat.open("POST", "/stream", {"message": "hi"}, headers)
        assert (await stream.read()).end["state"] == "done"
