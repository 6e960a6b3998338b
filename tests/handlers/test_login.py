"""Login at every route: with a password, a session, a token, and without any of them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from ipaddress import ip_network

import pytest
from auth.hashes import CHEAP, cheap_hash, old_hash
from client import Client, Response, read_head, until
from tornado.gen import multi

from tornado_stream.app import ChatApplication
from tornado_stream.auth import passwords
from tornado_stream.auth.users_file import Token, User, read_users, token_digest, write_users
from tornado_stream.handlers.base import LOGIN_LASTS, BaseHandler
from tornado_stream.handlers.login import LoginHandler
from tornado_stream.handlers.pages import IconHandler, StaticHandler
from tornado_stream.handlers.preview import PreviewHandler
from tornado_stream.handlers.system import HealthHandler, OpenAPIHandler, ReadyHandler
from tornado_stream.settings import Secret

from .test_doors import CROSS_ORIGIN, every_route, methods

pytestmark = pytest.mark.both_ways

PASSWORD, TOKEN = "correct horse", "a-token-of-a-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HASHED = cheap_hash("anna's")
HTML = {"Accept": "text/html,*/*"}

#: The handlers that answer without a login. Everybody can read what a handler listed here returns.
OPEN = {
    HealthHandler,
    ReadyHandler,
    StaticHandler,
    IconHandler,
    LoginHandler,
    OpenAPIHandler,
    PreviewHandler,
}


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", CHEAP)


@pytest.fixture
def locked(settings):
    return replace(settings, password=Secret(PASSWORD), token=Secret(TOKEN))


@pytest.fixture
def door(serve, locked) -> Client:
    """A server that requires a login."""
    return serve(locked)


async def log_in(chat: Client, password: str = PASSWORD, **more) -> Response:
    headers = more.pop("headers", {})
    return await chat.request("POST", "/login", {"password": password, **more}, headers)


def cookie(response: Response) -> dict[str, str]:
    """The header with which a browser returns the cookie of this response."""
    return {"Cookie": response.headers["set-cookie"].partition(";")[0]}


# -- every route


@pytest.mark.gen_test
async def test_no_route_answers_without_a_login(door, upstream):
    seen = set()
    for handler, path in every_route(door.application):
        for method in methods(handler) or ["GET"]:
            response = await door.request(method, path, {"message": "hi"}, {**HTML})
            seen.add(handler)
            if issubclass(handler, BaseHandler) and handler in OPEN:
                assert response.status != 401, (method, path)
                continue
            assert response.status == 401, (method, path, response.status)
            assert response.headers["www-authenticate"] == "Bearer"
            assert b"fake" not in response.body
    assert OPEN <= seen and len(seen) > 12
    assert {handler for handler in seen if handler.open_to_all} == OPEN
    assert not upstream.requests


@pytest.mark.gen_test
async def test_host_and_origin_are_checked_before_the_login(door):
    for handler, path in every_route(door.application):
        for method in methods(handler) or ["GET"]:
            response = await door.request(method, path, {}, {"Host": "evil.example", **BEARER})
            assert response.status == 421, (method, path)
            if method in ("POST", "PATCH", "DELETE"):
                response = await door.request(method, path, {}, CROSS_ORIGIN[0] | BEARER)
                assert response.status == 403, (method, path)


@pytest.mark.gen_test
async def test_without_a_login_an_unknown_path_looks_like_a_known_one(door):
    for path in ("/nothing", "/c/nothing", "/api/nothing"):
        assert (await door.request("GET", path)).status == 401
        assert (await door.request("GET", path, headers=BEARER)).status == 404


@pytest.mark.gen_test
async def test_the_login_page_appears_at_the_requested_address(door):
    for path in ("/", "/c/00000000-0000-4000-8000-000000000000", "/nothing"):
        response = await door.request("GET", path, headers=HTML | {"Accept-Language": "de"})
        text = response.body.decode()
        assert (response.status, "location" in response.headers) == (401, False)
        assert "js/login.js" in text and "js/app.js" not in text and "Anmelden" in text
        assert re.search(r'autocomplete="current-password"', text)
        for word in ("<script>", "style=", " onclick", '="http', '="//'):
            assert word not in text, word
    assert (await door.request("GET", "/api/models")).json()["error"]["code"] == "login_required"


# -- passwords and sessions


@pytest.mark.gen_test
async def test_a_login_starts_a_session_and_logging_out_ends_it(door):
    response = await log_in(door)
    assert (response.status, response.body) == (204, b"")
    shown = response.headers["set-cookie"]
    name, _, attributes = shown.partition(";")
    assert re.fullmatch(r"ts_session=[\w-]{43}", name)
    assert {part.strip().lower() for part in attributes.split(";")} == {
        *("httponly", "path=/", "samesite=strict", "max-age=2592000")
    }
    session = cookie(response)
    page = await door.request("GET", "/", headers=session)
    assert page.status == 200 and b'data-user="local"' in page.body
    assert "set-cookie" not in page.headers
    out = await door.request("POST", "/logout", {}, session)
    assert out.status == 204 and "Max-Age=-1;" in out.headers["set-cookie"]
    for path, status in [("/", 401), ("/api/models", 401), ("/healthz", 200)]:
        assert (await door.request("GET", path, headers=session)).status == status
    assert (await door.request("POST", "/logout", {}, session)).status == 401


@pytest.mark.gen_test
async def test_a_new_login_ends_the_previous_session_of_the_browser(door):
    first = cookie(await log_in(door))
    second = cookie(await log_in(door, headers=first))
    assert (await door.request("GET", "/api/models", headers=first)).status == 401
    assert (await door.request("GET", "/api/models", headers=second)).status == 200


NO_LOGIN = [
    ({"password": "wrong"}, 401, "wrong_password"),
    ({"password": "", "name": "local"}, 401, "wrong_password"),
    ({"password": PASSWORD, "name": "nobody"}, 401, "wrong_password"),
    ({"password": PASSWORD, "name": "LOCAL"}, 401, "wrong_password"),
    ({"password": PASSWORD + "\0"}, 401, "wrong_password"),
    ({}, 400, "invalid_request"),
    ({"password": "e\u0301" * 513}, 400, "invalid_request"),
    ({"password": PASSWORD, "name": "x" * 60_000}, 401, "wrong_password"),
    ({"password": 1}, 400, "invalid_request"),
    ({"password": PASSWORD, "name": 1}, 400, "invalid_request"),
    (b"{", 400, "invalid_json"),
]


@pytest.mark.gen_test
async def test_a_login_that_is_wrong_or_invalid(door):
    for body, status, code in NO_LOGIN:
        response = await door.request("POST", "/login", body)
        assert (response.status, response.json()["error"]["code"]) == (status, code), body
        assert "set-cookie" not in response.headers
        door.application.auth._of_address.forget("127.0.0.1")


@pytest.mark.gen_test
async def test_an_invented_cookie_is_no_session(door):
    for value in [
        "",
        "x",
        "ts_session=",
        "ts_session=x",
        "ts_session=\xff",
        "ts_session=" + "A" * 43,
    ]:
        response = await door.request("GET", "/api/models", headers={"Cookie": value})
        assert response.status == 401, value


@pytest.mark.gen_test
async def test_behind_https_the_cookie_is_secure_and_of_this_host(serve, locked):
    chat = serve(replace(locked, trusted_proxies=(ip_network("127.0.0.1"),)))
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}
    response = await log_in(chat, headers=https)
    shown = response.headers["set-cookie"]
    assert shown.startswith("__Host-ts_session=") and "Secure" in shown and "Path=/" in shown
    session = cookie(response)
    assert (await chat.request("GET", "/api/models", headers=https | session)).status == 200
    assert (await chat.request("GET", "/api/models", headers=session)).status == 401
    plain = {"Cookie": session["Cookie"].removeprefix("__Host-")}
    assert (await chat.request("GET", "/api/models", headers=https | plain)).status == 401


@pytest.mark.gen_test
async def test_a_session_survives_a_restart_and_ends_with_the_password(serve, locked, upstream):
    chat = serve(locked)
    session = cookie(await log_in(chat))
    token = session["Cookie"].partition("=")[2]
    await chat.application.store.close()
    data_dir = locked.data_dir / "0"
    for password, owner in [(PASSWORD, "local"), ("another", None)]:
        application = ChatApplication(replace(locked, data_dir=data_dir, password=Secret(password)))
        await application.open()
        assert application.auth.with_session(token) == owner
        await application.close(0)


@pytest.mark.gen_test
async def test_a_page_load_extends_the_session_once_a_day(door, monkeypatch):
    session = cookie(await log_in(door))
    known = door.application.auth._sessions
    later = known._now() + 2 * 24 * 3600
    monkeypatch.setattr(known, "_now", lambda: later)
    extended = await door.request("GET", "/", headers=session)
    assert cookie(extended) == session and "Max-Age=2592000" in extended.headers["set-cookie"]
    assert "set-cookie" not in (await door.request("GET", "/", headers=session)).headers


# -- users


@pytest.mark.gen_test
async def test_users_of_the_file_log_in_until_they_are_removed(serve, settings):
    path = settings.data_dir / "0" / "users.json"
    anna = User(HASHED, (Token(token_digest("a token of anna's")),))
    write_users(path, {"anna": anna, "ben": User(HASHED)})
    chat = serve(settings)
    auth = chat.application.auth
    assert (await log_in(chat, "anna's")).status == 401, "with two users, a name is needed"
    page = await chat.request("GET", "/", headers=HTML)
    assert b'autocomplete="username"' in page.body and b"anna" not in page.body
    session = cookie(await log_in(chat, "anna's", name="anna"))
    assert b'data-user="anna"' in (await chat.request("GET", "/", headers=session)).body
    bearer = {"Authorization": "bearer a token of anna's"}
    assert (await chat.request("GET", "/api/models", headers=bearer)).status == 200
    write_users(path, {"ben": User(HASHED)})
    auth._users.check_now()
    assert (await chat.request("GET", "/api/models", headers=session)).status == 401
    assert (await chat.request("GET", "/api/models", headers=bearer)).status == 401
    assert (await log_in(chat, "anna's", name="anna")).status == 401
    write_users(path, {})
    auth._users.check_now()
    assert (await chat.request("GET", "/api/models")).status == 401, (
        "the server still requires a login"
    )


@pytest.mark.gen_test
async def test_the_first_user_makes_a_login_required(serve, settings):
    chat = serve(settings)
    assert (await chat.request("GET", "/api/models")).status == 200
    write_users(chat.application.config.data_dir / "users.json", {"anna": User(HASHED)})
    chat.application.auth._users.check_now()
    assert (await chat.request("GET", "/api/models")).status == 401


@pytest.mark.gen_test
async def test_a_login_replaces_a_hash_of_an_earlier_version(serve, settings, caplog):
    path = settings.data_dir / "0" / "users.json"
    write_users(path, {"anna": User(old_hash("anna's"))})
    chat = serve(settings)
    assert (await log_in(chat, "ben's", name="anna")).status == 401
    session = cookie(await log_in(chat, "anna's", name="anna"))
    assert b'data-user="anna"' in (await chat.request("GET", "/", headers=session)).body
    assert read_users(path)["anna"].password.startswith("scrypt$")
    again = cookie(await log_in(chat, "anna's", name="anna"))
    for one in (session, again):
        assert (await chat.request("GET", "/api/models", headers=one)).status == 200
    assert "anna's" not in caplog.text and "scrypt" not in caplog.text


# -- tokens


@pytest.mark.gen_test
async def test_a_token_is_for_programs(door):
    answer = await (await door.open("POST", "/stream", {"message": "hi"}, BEARER)).read()
    assert answer.end["state"] == "done"
    page = await door.request("GET", "/", headers=BEARER)
    assert page.status == 200 and "set-cookie" not in page.headers


@pytest.mark.gen_test
async def test_a_request_with_a_body_is_looked_up_once(door, monkeypatch):
    asked = []
    find = door.application.auth.with_token
    monkeypatch.setattr(
        door.application.auth, "with_token", lambda token: asked.append(token) or find(token)
    )
    await (await door.open("POST", "/stream", {"message": "hi"}, BEARER)).read()
    assert asked == [TOKEN]


@pytest.mark.gen_test
async def test_a_session_that_ends_while_a_body_arrives_is_refused(door, upstream):
    session = cookie(await log_in(door))
    stream = await door.connect()
    request = door.encode("POST", "/stream", {"message": "hi"}, session)
    await stream.write(request[:-2])
    await until(lambda: door.application.held_bodies.held)  # the login was found
    await door.request("POST", "/logout", {}, headers=session)
    await asyncio.sleep(2 * LOGIN_LASTS)
    await stream.write(request[-2:])
    assert (await read_head(stream)).status == 401 and not upstream.requests
    stream.close()


@pytest.mark.gen_test
async def test_a_wrong_token_is_refused_also_with_a_session(door):
    session = cookie(await log_in(door))
    for value in ["Bearer", "Bearer x", f"Bearer {TOKEN}x", "bearer \xff"]:
        headers = session | {"Authorization": value}
        response = await door.request("GET", "/api/models", headers=headers)
        assert (response.status, response.json()["error"]["code"]) == (401, "wrong_token"), value
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.gen_test
async def test_basic_authentication_is_left_to_a_proxy(door):
    session = cookie(await log_in(door)) | {"Authorization": "Basic YTpi"}
    assert (await door.request("GET", "/api/models", headers=session)).status == 200
    basic = {"Authorization": "Basic YTpi"}
    assert (await door.request("GET", "/api/models", headers=basic)).status == 401


# -- without a login


@pytest.mark.gen_test
async def test_without_users_no_login_is_required(chat):
    for value in ["Bearer x", "Basic x", "\xff"]:
        headers = {"Authorization": value, "Cookie": "ts_session=x"}
        assert (await chat.request("GET", "/api/models", headers=headers)).status == 200
        page = await chat.request("GET", "/", headers=headers)
        assert b'data-user=""' in page.body and b"log-out" not in page.body
    assert (await log_in(chat)).status == 404
    assert (await chat.request("POST", "/logout", {})).status == 204


# -- too many tries


@pytest.mark.gen_test
async def test_an_address_has_five_tries_and_is_then_answered_at_once(door):
    for _ in range(5):
        assert (await log_in(door, "wrong")).status == 401
    early = await log_in(door, PASSWORD)
    assert (early.status, early.json()["error"]["code"]) == (429, "too_many_tries")
    assert early.headers["retry-after"] == "1" == str(early.json()["error"]["retry_after"])
    tries = door.application.auth._of_address
    assert tries._known.keys() == {"127.0.0.1"}
    later = tries._now() + 1
    tries._now = lambda: later
    assert (await log_in(door)).status == 204
    assert not tries._known


@pytest.mark.gen_test
async def test_parallel_tries_all_count(door):
    statuses = [r.status for r in await multi([log_in(door, "wrong") for _ in range(12)])]
    assert statuses.count(401) == 5 and statuses.count(429) == 7


@pytest.mark.gen_test
async def test_only_some_logins_may_wait_for_their_verification(door):
    auth = door.application.auth
    auth._checks._strangers._count = 22
    assert (await log_in(door)).status == 429
    assert "127.0.0.1" not in auth._of_address._known, "a refused try is not counted"
    auth._checks._strangers._count = 0
    assert (await log_in(door)).status == 204


@pytest.mark.gen_test
async def test_a_name_has_its_own_tries(door):
    auth = door.application.auth
    for number in range(20):
        await auth._admit(f"10.0.0.{number}", "local")
    assert (await log_in(door)).status == 429
    assert (await log_in(door, name="other")).status == 401


@pytest.mark.gen_test
async def test_no_password_and_no_wrong_name_is_logged(door, caplog):
    caplog.set_level("DEBUG")
    await log_in(door, "canary-1", name="canary-2")
    await log_in(door, "canary-3")
    await log_in(door)
    assert "a wrong password from 127.0.0.1" in caplog.text
    assert "a wrong password for local from" in caplog.text and "local logged in" in caplog.text
    assert "canary" not in caplog.text and PASSWORD not in caplog.text


# -- addresses as hosts


HOSTS = [
    ("192.168.1.5:8888", 200),
    ("[fe80::1]", 200),
    ("evil.example", 421),
    ("1.2.3.4.evil.example", 421),
    ("0x7f.1", 421),
    ("2130706433", 421),
    ("[::g]", 421),
]


@pytest.mark.gen_test
async def test_an_exposed_server_accepts_ip_addresses_as_host(chat):
    for exposed in (False, True):
        chat.application.exposed = exposed
        for host, status in HOSTS:
            response = await chat.request("GET", "/healthz", headers={"Host": host})
            assert response.status == (status if exposed else 421), host


@pytest.mark.gen_test
async def test_users_see_no_address_of_an_upstream(serve, locked, upstream):
    away = "http://inside.invalid:1234/v1"
    for base_url, code in ((f"{upstream.url}", ""), (away, "connect_failed")):
        door = serve(replace(locked, base_url=base_url, model="mine"))
        await door.request("GET", "/api/models", headers=BEARER)
        listed = await door.request("GET", "/api/models", headers=BEARER)
        model = listed.json()["models"][0]
        assert (model["id"], model["code"], model["detail"]) == ("mine", code, "")
        assert not re.search(rb"inside|127\.0\.0\.1|localhost", listed.body)
