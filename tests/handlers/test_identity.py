"""The login by a proxy: whom its header names, on every route, and who else may not send it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from auth.hashes import cheap_hash
from auth.test_audit import lines
from tornado.gen import multi
from tornado.tcpclient import TCPClient

from tornado_stream.app import ChatApplication
from tornado_stream.auth.users_file import Token, User, read_users, token_digest, write_users
from tornado_stream.settings import Secret, SettingError

from .test_cross_origin import FOREIGN, ORIGIN
from .test_doors import CROSS_ORIGIN, every_route, methods
from .test_login import HTML, OPEN

pytestmark = pytest.mark.both_ways

HEADER = "X-Auth-Name"
TOKEN = "a token of ben's, from the file"
LOGOUT = "https://auth.example.org/sign_out?rd=/"
#: The proxy's address, and that of a client that reaches the server without the proxy.
PROXY, STRANGER = "127.0.0.3", "127.0.0.1"


@pytest.fixture
def by_proxy(settings):
    proxies = (ip_network(PROXY),)
    return replace(settings, user_header=HEADER, trusted_proxies=proxies)


@pytest.fixture
def users(settings):
    """The users' file of the first server."""
    path = settings.data_dir / "0" / "users.json"
    ben = User(cheap_hash("ben's"), (Token(token_digest(TOKEN)),), "ben:0123456789abcdef")
    write_users(path, {"ada": User(id="ada:0123456789abcdef"), "ben": ben})
    return path


@pytest.fixture
def chat(serve, by_proxy, users):
    """A client of a server that knows two users; it has the address of the proxy."""
    return of_proxy(serve(by_proxy))


def of_proxy(chat):
    chat.connect = lambda: TCPClient().connect("127.0.0.1", chat.port, source_ip=PROXY)
    return chat


def stranger(chat):
    """The same server for a client that does not come through the proxy."""
    return type(chat)(chat.port, chat.application)


def named(name: str, **more) -> dict[str, str]:
    return {HEADER: name, **more}


async def raw(chat, *lines: str) -> bytes:
    """The response to a request with these lines in its head, up to the end of the connection."""
    stream = await chat.connect()
    await stream.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    return await stream.read_until_close()


# -- whom the proxy names


@pytest.mark.gen_test
async def test_each_user_whom_the_proxy_names_has_their_own_conversations(chat):
    answer = await (await chat.open("POST", "/stream", {"message": "hi"}, named("ada"))).read()
    assert answer.end["state"] == "done"
    id = answer.start["conversation_id"]
    for name, status in [("ada", 200), ("ben", 404)]:
        path = f"/api/conversations/{id}"
        assert (await chat.request("GET", path, headers=named(name))).status == status
    page = await chat.request("GET", "/", headers=named("ada") | HTML)
    assert b'data-user="ada:0123456789abcdef"' in page.body and b"log-out" not in page.body
    assert "set-cookie" not in page.headers
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    listed = await chat.request("GET", "/api/conversations", headers=bearer)
    assert (listed.status, listed.json()["conversations"]) == (200, []), "programs come with tokens"
    both = await chat.request("GET", f"/api/conversations/{id}", headers=named("ada") | bearer)
    assert both.status == 200, "the proxy's own Authorization header does not count"
    assert (await chat.request("GET", "/api/sessions", headers=named("ada") | bearer)).status == 200


@pytest.mark.gen_test
async def test_without_the_header_the_usual_login_is_asked(chat):
    for headers in ({}, {HEADER: ""}):
        page = await chat.request("GET", "/", headers=HTML | headers)
        assert page.status == 401 and b'autocomplete="current-password"' in page.body


@pytest.mark.gen_test
async def test_an_unknown_name_is_not_let_in(chat, users, upstream):
    for name in ("eve", "ADA", "local", "ada,ben", "ada ben", "x" * 65, "\xe9", "a\tb", "ada:0"):
        for method, path in [("GET", "/api/models"), ("POST", "/stream"), ("GET", "/nothing")]:
            refused = await chat.request(method, path, {"message": "hi"}, named(name))
            error = refused.json()["error"]
            assert (refused.status, error["code"]) == (403, "not_a_user"), name
    page = await chat.request("GET", "/", headers=named("eve") | HTML)
    assert page.status == 403 and b"no user of this server" in page.body
    assert set(read_users(users)) == {"ada", "ben"} and not upstream.requests


@pytest.mark.gen_test
async def test_a_user_who_is_added_or_removed_is_noticed(chat, users):
    known = read_users(users)
    for there in (False, True, False):
        write_users(users, known if there else {"ben": known["ben"]})
        chat.application.users.check_now()
        response = await chat.request("GET", "/api/models", headers=named("ada"))
        assert response.status == (200 if there else 403)


@pytest.mark.gen_test
async def test_the_user_local_must_exist(serve, by_proxy):
    chat = of_proxy(serve(replace(by_proxy, proxy_users="any")))
    assert (await chat.request("GET", "/api/models", headers=named("local"))).status == 403
    chat = of_proxy(serve(replace(by_proxy, password=Secret("correct horse"))))
    assert (await chat.request("GET", "/api/models", headers=named("local"))).status == 200


# -- --proxy-users any


@pytest.mark.gen_test
async def test_anybody_whom_the_proxy_names_becomes_a_user(serve, by_proxy, users, monkeypatch):
    chat = of_proxy(serve(replace(by_proxy, proxy_users="any")))
    body = {"message": "hi"}
    first = [chat.open("POST", "/stream", body, named("eve@example.org")) for _ in range(8)]
    answers = await multi([stream.read() for stream in await multi(first)])
    assert {answer.end["state"] for answer in answers} == {"done"}
    eve = read_users(users)["eve@example.org"]
    assert (eve.password, eve.tokens) == (None, ()) and eve.id.startswith("eve@example.org:")
    listed = await chat.request("GET", "/api/conversations", headers=named("eve@example.org"))
    assert len(listed.json()["conversations"]) == 8
    for name in ("ada,ben", "x" * 65, "a b"):
        assert (await chat.request("GET", "/api/models", headers=named(name))).status == 403
    monkeypatch.setattr("tornado_stream.auth.authenticator.MAX_USERS", 3)
    full = await chat.request("GET", "/api/models", headers=named("zoe"))
    assert full.status == 403 and len(read_users(users)) == 3


@pytest.mark.gen_test
async def test_a_removed_user_comes_back_as_another(serve, by_proxy, users):
    chat = of_proxy(serve(replace(by_proxy, proxy_users="any")))
    await (await chat.open("POST", "/stream", {"message": "hi"}, named("ada"))).read()
    write_users(users, {"ben": read_users(users)["ben"]})
    chat.application.users.check_now()
    listed = await chat.request("GET", "/api/conversations", headers=named("ada"))
    assert (listed.status, listed.json()["conversations"]) == (200, [])
    assert read_users(users)["ada"].id != "ada:0123456789abcdef"


# -- who may send the header


@pytest.mark.gen_test
async def test_a_stranger_with_the_header_is_refused_on_every_route(chat, upstream):
    seen = 0
    for handler, path in every_route(chat.application):
        if handler in OPEN:
            continue
        for method in methods(handler) or ["GET"]:
            for headers in (named("ada"), {"x_auth_name": "ada"}, named("ada", x_auth_name="ada")):
                response = await stranger(chat).request(method, path, {"message": "hi"}, headers)
                assert response.status == 401, (method, path, response.status)
            seen += 1
    assert seen > 20 and not upstream.requests


@pytest.mark.gen_test
async def test_a_header_that_is_not_only_the_proxys_is_refused_on_every_route(chat, upstream):
    for handler, path in every_route(chat.application):
        if handler in OPEN:
            continue
        for method in methods(handler) or ["GET"]:
            for spelling in ("X_Auth_Name", "x_auth-name", "X-Auth_Name"):
                headers = {spelling: "ben"}
                for sent in (headers, named("ada") | headers):
                    response = await chat.request(method, path, {"message": "hi"}, sent)
                    assert response.status == 400, (method, path, sent)
    assert not upstream.requests


@pytest.mark.gen_test
async def test_a_header_that_is_there_twice_is_refused(chat):
    for first, second in [("ada", "ben"), ("ada", "ada"), ("", "ada"), ("ada", "")]:
        answer = await raw(
            chat,
            *("GET /api/models HTTP/1.1", "Host: localhost", "Connection: close"),
            *(f"{HEADER}: {first}", f"{HEADER.lower()}: {second}"),
        )
        assert answer.startswith(b"HTTP/1.1 400 ") and b"ambiguous_user" in answer


@pytest.mark.gen_test
async def test_http_1_0_and_kept_connections_change_nothing(chat):
    for client, status in [(chat, b"200"), (stranger(chat), b"401")]:
        head = ("Host: localhost", f"{HEADER}: ada")
        answer = await raw(client, "GET /api/models HTTP/1.0", *head)
        assert answer.startswith(b"HTTP/1.1 " + status)
    last = ("GET /api/models HTTP/1.1", "Host: localhost", "Connection: close")
    first = ("GET /api/models HTTP/1.1", "Host: localhost", f"{HEADER}: ada", "")
    answer = await raw(chat, *first, *last)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 401 " in answer


@pytest.mark.gen_test
async def test_nothing_is_kept_of_the_body_of_somebody_who_is_not_let_in(chat, upstream):
    bodies = chat.application.held_bodies
    for client, headers in [
        (chat, named("eve")),
        (chat, named("ada", x_auth_name="ada")),
        (stranger(chat), named("ada")),
    ]:
        stream = await client.connect()
        whole = client.encode("POST", "/stream", b"x" * 500_000, headers)
        await stream.write(whole[:-1])
        assert bodies.held == 0
        await stream.write(whole[-1:])
        assert (await stream.read_until(b"\r\n"))[9:12] in (b"400", b"401", b"403")
        stream.close()
    assert not upstream.requests


# -- other web sites


@pytest.mark.gen_test
async def test_pages_of_other_sites_do_not_act_as_the_user(serve, by_proxy, users, upstream):
    chat = of_proxy(serve(replace(by_proxy, allowed_origins=(ORIGIN,))))
    for handler, path in every_route(chat.application):
        for method in set(methods(handler)) & {"POST", "PATCH", "DELETE"}:
            for headers in CROSS_ORIGIN:
                response = await chat.request(method, path, {}, named("ada") | headers)
                assert response.status == 403, (method, path, headers)
    for method, path in [("GET", "/v1/models"), ("POST", "/stream")]:
        response = await chat.request(method, path, {"message": "hi"}, named("ada") | FOREIGN)
        assert response.status == 401, "such a page needs a token"
    for site in ("cross-site", "same-site"):
        fetched = named("ada") | {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert (await chat.request("GET", "/api/models", headers=fetched)).status == 401
        link = fetched | {"Sec-Fetch-Mode": "navigate"} | HTML
        assert (await chat.request("GET", "/", headers=link)).status == 200
    assert not upstream.requests


# -- logging out


@pytest.mark.gen_test
async def test_logging_out_leads_to_the_proxy(serve, by_proxy, users):
    chat = of_proxy(serve(replace(by_proxy, logout_url=LOGOUT)))
    assert b"log-out" in (await chat.request("GET", "/", headers=named("ada") | HTML)).body
    out = await chat.request("POST", "/logout", {}, named("ada"))
    assert (out.status, out.json()) == (200, {"location": LOGOUT})
    led = await chat.request("GET", "/logout", headers=named("ada"))
    assert (led.status, led.headers["location"]) == (303, LOGOUT)
    refused = await chat.request("GET", "/", headers=named("eve") | HTML)
    assert (
        refused.status == 403 and b'href="https://auth.example.org/sign_out?rd=/"' in refused.body
    )


@pytest.mark.gen_test
async def test_without_a_logout_of_the_proxy_there_is_none(chat):
    assert (await chat.request("POST", "/logout", {}, named("ada"))).status == 204
    assert (await chat.request("GET", "/logout", headers=named("ada"))).status == 404


# -- settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trusted_proxies": ()}, "needs --trusted-proxies"),
        ({"trusted_proxies": (ip_network("0.0.0.0/0"),)}, "every client"),
        ({"trusted_proxies": (ip_network("10.0.0.1"), ip_network("::/0"))}, "every client"),
        ({"user_header": None, "proxy_users": "any"}, "--user-header"),
        ({"user_header": None, "logout_url": "/out"}, "--user-header"),
    ],
)
def test_a_header_that_anybody_could_send_is_refused_at_the_start(by_proxy, changes, words):
    with pytest.raises(SettingError, match=words):
        ChatApplication(replace(by_proxy, **changes), exposed=True)


# -- the audit log


@pytest.mark.gen_test
async def test_the_audit_log_names_the_user_of_the_proxy(serve, by_proxy, users, tmp_path):
    log = tmp_path / "audit.log"
    chat = of_proxy(serve(replace(by_proxy, proxy_users="any", audit_log=log)))
    await chat.request("GET", "/api/models", headers=named("eve"))
    await chat.request("DELETE", "/api/conversations", {"all": True}, named("eve"))
    await chat.request("DELETE", "/api/conversations", {"all": True}, named("local"))
    eve = read_users(users)["eve"].id
    seen = [(line["event"], line["user"], line["outcome"]) for line in lines(log)]
    assert seen == [
        ("user_add", eve, "done"),
        ("conversations_delete", eve, "done"),
        ("conversations_delete", "", "refused"),
    ]
