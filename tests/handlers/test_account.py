"""What users see and change of their own login: sessions, tokens and the password."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from ipaddress import ip_network

import pytest
from auth.hashes import CHEAP, cheap_hash
from client import Client, until
from tornado.gen import convert_yielded, multi

from tornado_stream.app import ChatApplication
from tornado_stream.auth import passwords, users
from tornado_stream.auth.users_file import Token, User, read_users, token_digest, write_users

from .test_login import cookie, log_in

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", CHEAP)


@pytest.fixture
def door(serve, settings) -> Client:
    """A server with the users anna and ben. It believes the client addresses of this machine."""
    token = Token(token_digest("a token of anna's"), "laptop", 5, 0)
    known = {"anna": User(cheap_hash("anna's"), (token,)), "ben": User(cheap_hash("ben's"))}
    write_users(settings.data_dir / "0" / "users.json", known)
    return serve(replace(settings, trusted_proxies=(ip_network("127.0.0.1"),)))


def from_(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, "User-Agent": AGENT}


async def session_of(door: Client, name: str, address: str = "203.0.113.5") -> dict[str, str]:
    response = await log_in(door, f"{name}'s", name=name, headers=from_(address))
    assert response.status == 204
    return cookie(response)


# -- strangers


@pytest.mark.gen_test
async def test_sixty_strangers_at_once_do_not_keep_a_right_password_out(
    door, settings, monkeypatch
):
    await session_of(door, "anna")
    held, verify = threading.Event(), users.verify

    def slow(stored, password, **more):
        if password == "guess":
            held.wait(30)
        return verify(stored, password, **more)

    monkeypatch.setattr(users, "verify", slow)
    auth = door.application.auth
    auth._of_name._now = lambda: 1000.0  # no wait ends during the test
    strangers = multi(
        [
            log_in(door, "guess", name="anna", headers=from_(f"198.51.100.{number}"))
            for number in range(60)
        ]
    )
    try:
        await until(lambda: auth._checks._strangers._count == 20)
        assert (await log_in(door, "ben's", name="anna", headers=from_("192.0.2.7"))).status == 429
        for _ in range(3):
            await session_of(door, "anna")
        wrong = await log_in(door, "wrong", name="anna", headers=from_("203.0.113.5"))
        assert wrong.status == 401, "a known place gets no login without the password"
        other = convert_yielded(log_in(door, "ben's", name="ben", headers=from_("203.0.113.5")))
    finally:
        held.set()
        statuses = [response.status for response in await strangers]
    assert (await other).status == 204, "strangers who try one name keep nobody else out"
    assert set(statuses) == {401, 429}


@pytest.mark.gen_test
async def test_a_known_place_is_limited_like_any_address(door):
    await session_of(door, "anna")
    tries = [await log_in(door, "no", name="anna", headers=from_("203.0.113.5")) for _ in range(6)]
    assert [response.status for response in tries] == [401] * 5 + [429]


@pytest.mark.gen_test
async def test_known_places_survive_a_restart(door, settings):
    await session_of(door, "anna", "2001:db8::1")
    config = door.application.config
    await door.application.store.close()
    application = ChatApplication(replace(config, port=0))
    await application.open()
    for _ in range(25):
        application.auth._of_name.count("anna")
    assert await application.auth._admit("2001:db8::/64", "anna") is True
    with pytest.raises(Exception, match="Too many tries"):
        await application.auth._admit("203.0.113.5", "anna")
    await application.close(0)


# -- sessions


@pytest.mark.gen_test
async def test_sessions_are_listed_and_ended_one_by_one(door):
    first = await session_of(door, "anna")
    second = await session_of(door, "anna", "203.0.113.6")
    await session_of(door, "ben")
    listed = (await door.request("GET", "/api/sessions", headers=second)).json()["sessions"]
    assert len(listed) == 2
    mine = next(one for one in listed if one["current"])
    assert mine["address"] == "203.0.113.6" and mine["agent"] == AGENT
    assert abs(mine["created_at"] / 1000 - time.time()) < 60
    assert abs(mine["last_used_at"] / 1000 - time.time()) < 60
    assert mine["expires_at"] - mine["created_at"] == 30 * 24 * 3600 * 1000
    token = second["Cookie"].partition("=")[2]
    assert token not in str(listed)
    other = next(one["id"] for one in listed if not one["current"])
    gone = await door.request("DELETE", f"/api/sessions/{other}", headers=second)
    assert gone.status == 204
    assert (await door.request("GET", "/api/models", headers=first)).status == 401
    again = await door.request("DELETE", f"/api/sessions/{other}", headers=second)
    assert (again.status, again.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.gen_test
async def test_a_user_ends_all_sessions_or_all_others(door):
    sessions = [await session_of(door, "anna") for _ in range(3)]
    bens = await session_of(door, "ben")
    wrong = await door.request("DELETE", "/api/sessions", {"others": 1}, sessions[2])
    assert wrong.status == 400
    done = await door.request("DELETE", "/api/sessions", {"others": True}, sessions[2])
    assert done.status == 204 and "set-cookie" not in done.headers
    statuses = [
        (await door.request("GET", "/api/models", headers=one)).status for one in (*sessions, bens)
    ]
    assert statuses == [401, 401, 200, 200]
    done = await door.request("DELETE", "/api/sessions", headers=sessions[2])
    assert done.status == 204 and "Max-Age=-1" in done.headers["set-cookie"]
    assert (await door.request("GET", "/api/models", headers=sessions[2])).status == 401
    assert len(await door.application.store.sessions()) == 1


@pytest.mark.gen_test
async def test_nobody_sees_or_ends_what_belongs_to_another(door):
    anna, ben = await session_of(door, "anna"), await session_of(door, "ben")
    (session,) = (await door.request("GET", "/api/sessions", headers=anna)).json()["sessions"]
    (token,) = (await door.request("GET", "/api/tokens", headers=anna)).json()["tokens"]
    for path in (f"/api/sessions/{session['id']}", f"/api/tokens/{token['id']}"):
        assert (await door.request("DELETE", path, headers=ben)).status == 404
    assert (await door.request("GET", "/api/tokens", headers=ben)).json() == {"tokens": []}
    assert (await door.request("GET", "/api/models", headers=anna)).status == 200


# -- tokens


@pytest.mark.gen_test
async def test_tokens_are_made_listed_used_and_removed(door):
    anna = await session_of(door, "anna")
    body = {"name": "backup job", "expires_in_days": 30}
    made = await door.request("POST", "/api/tokens", body, anna)
    assert made.status == 201
    new = made.json()
    bearer = {"Authorization": f"Bearer {new['token']}"}
    assert new["expires_at"] - new["created_at"] == 30 * 24 * 3600 * 1000
    assert (await door.request("GET", "/api/conversations", headers=bearer)).status == 200
    listed = (await door.request("GET", "/api/tokens", headers=anna)).json()["tokens"]
    assert [one["name"] for one in listed] == ["laptop", "backup job"]
    assert listed[0]["last_used_at"] is None and listed[0]["expires_at"] is None
    assert abs(listed[1]["last_used_at"] / 1000 - time.time()) < 60
    assert new["token"] not in str(listed) + (door.application.users.path).read_text()
    gone = await door.request("DELETE", f"/api/tokens/{new['id']}", headers=anna)
    assert gone.status == 204
    assert (await door.request("GET", "/api/models", headers=bearer)).status == 401
    old = {"Authorization": "Bearer a token of anna's"}
    assert (await door.request("GET", "/api/models", headers=old)).status == 200


@pytest.mark.gen_test
async def test_a_token_expires(door, monkeypatch):
    anna = await session_of(door, "anna")
    body = {"name": "x", "expires_in_days": 1}
    new = (await door.request("POST", "/api/tokens", body, anna)).json()["token"]
    auth, later = door.application.auth, time.time() + 24 * 3600 + 1
    assert auth.with_token(new) == "anna"
    monkeypatch.setattr(users, "time", lambda: later)
    assert auth.with_token(new) is None and auth.with_token("a token of anna's") == "anna"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "a\nb"},
        {"name": 1},
        {"name": "x", "expires_in_days": 0},
        {"name": "x", "expires_in_days": True},
        {"name": "x", "expires_in_days": 1e9},
        {"name": "x", "expires_in_days": "7"},
    ],
)
async def test_a_token_that_cannot_be_made(door, body):
    anna = await session_of(door, "anna")
    response = await door.request("POST", "/api/tokens", body, anna)
    assert (response.status, response.json()["error"]["code"]) == (400, "invalid_request")
    assert len(read_users(door.application.users.path)["anna"].tokens) == 1


@pytest.mark.gen_test
async def test_a_stolen_token_cannot_show_or_change_the_login(door):
    anna = await session_of(door, "anna")
    bearer = {"Authorization": "Bearer a token of anna's"}
    (token,) = (await door.request("GET", "/api/tokens", headers=anna)).json()["tokens"]
    for method, path, body in [
        ("GET", "/api/sessions", None),
        ("DELETE", "/api/sessions", {}),
        ("GET", "/api/tokens", None),
        ("POST", "/api/tokens", {"name": "x"}),
        ("DELETE", f"/api/tokens/{token['id']}", {}),
        ("POST", "/api/password", {"old": "anna's", "new": "another"}),
    ]:
        for headers in (bearer, bearer | anna):
            response = await door.request(method, path, body, headers)
            assert (response.status, response.json()["error"]["code"]) == (403, "needs_session")
    assert (await door.request("GET", "/api/models", headers=anna | bearer)).status == 200


@pytest.mark.gen_test
async def test_a_user_who_was_removed_meanwhile_is_not_added_again(door):
    auth, path = door.application.auth, door.application.users.path
    write_users(path, {"ben": User(), "anna": User(id="anna:0123456789abcdef")})
    for change in (
        auth.new_token("anna", "x", 0),
        auth.change_password("anna", "anna's", "new", "", ""),
    ):
        with pytest.raises(Exception, match=r"there is no user|password is wrong"):
            await change
    assert read_users(path) == {"ben": User(), "anna": User(id="anna:0123456789abcdef")}


# -- the password


@pytest.mark.gen_test
async def test_a_user_changes_the_password_and_the_other_sessions_end(door):
    mine, other, bens = [await session_of(door, name) for name in ("anna", "anna", "ben")]
    for body, status, code in [
        ({"old": "wrong", "new": "another"}, 403, "wrong_password"),
        ({"old": "anna's", "new": ""}, 400, "invalid_request"),
        ({"old": "anna's", "new": "x" * 1025}, 400, "invalid_request"),
        ({"old": "anna's"}, 400, "invalid_request"),
    ]:
        response = await door.request("POST", "/api/password", body, mine)
        assert (response.status, response.json()["error"]["code"]) == (status, code)
    assert (await door.request("GET", "/api/models", headers=other)).status == 200
    body = {"old": "anna's", "new": "anders"}
    changed = await door.request("POST", "/api/password", body, mine)
    assert changed.status == 204
    statuses = [
        (await door.request("GET", "/api/models", headers=one)).status
        for one in (mine, other, bens, cookie(changed))
    ]
    assert statuses == [401, 401, 200, 200]
    assert (await log_in(door, "anna's", name="anna")).status == 401
    assert (await log_in(door, "anders", name="anna")).status == 204
    bearer = {"Authorization": "Bearer a token of anna's"}
    assert (await door.request("GET", "/api/models", headers=bearer)).status == 200


@pytest.mark.gen_test
async def test_guesses_of_the_old_password_are_limited(door):
    mine = await session_of(door, "anna")
    statuses = []
    for _ in range(7):
        body = {"old": "guess", "new": "another"}
        statuses.append((await door.request("POST", "/api/password", body, mine)).status)
    assert statuses == [403] * 5 + [429] * 2


@pytest.mark.gen_test
async def test_the_password_of_the_settings_is_not_changed(serve, settings):
    door = serve(replace(settings, password="operator's"))
    mine = cookie(await log_in(door, "operator's"))
    body = {"old": "operator's", "new": "another"}
    response = await door.request("POST", "/api/password", body, mine)
    assert (response.status, response.json()["error"]["code"]) == (409, "password_is_a_setting")
    made = await door.request("POST", "/api/tokens", {"name": "x"}, mine)
    assert made.status == 201 and door.application.auth.with_token(made.json()["token"]) == "local"


@pytest.mark.gen_test
async def test_without_a_login_there_is_no_account(chat):
    for method, path in [
        ("GET", "/api/sessions"),
        ("GET", "/api/tokens"),
        ("POST", "/api/password"),
    ]:
        response = await chat.request(method, path, {} if method == "POST" else None)
        assert (response.status, response.json()["error"]["code"]) == (404, "not_found")
