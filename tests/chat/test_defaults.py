"""The defaults of a user: one place for all browsers, bounded, and no change is lost unseen."""

from __future__ import annotations

import pytest
from auth.hashes import cheap_hash
from handlers.test_login import cookie, log_in

from tornado_stream.auth.users_file import User, write_users
from tornado_stream.store.base import Store
from tornado_stream.values.defaults import Defaults

PATH = "/api/defaults"


@pytest.fixture
def door(serve, settings):
    known = {name: User(cheap_hash(name)) for name in ("anna", "ben")}
    write_users(settings.data_dir / "0" / "users.json", known)
    return serve(settings)


async def session(door, name: str) -> dict[str, str]:
    return cookie(await log_in(door, name, name=name))


@pytest.mark.gen_test
async def test_they_are_the_users_own_in_every_browser(door):
    anna, again, ben = [await session(door, name) for name in ("anna", "anna", "ben")]
    assert (await door.request("GET", PATH)).status == 401
    empty = {"system": "", "options": {}, "version": 0}
    assert (await door.request("GET", PATH, headers=anna)).json() == empty
    given = {"system": " Be brief. ", "options": {"temperature": 0.5}, "version": 0}
    stored = await door.request("PUT", PATH, given, anna)
    assert stored.json() == given | {"system": "Be brief.", "version": 1}
    assert (await door.request("GET", PATH, headers=again)).json() == stored.json()
    assert (await door.request("GET", PATH, headers=ben)).json() == empty
    late = await door.request("PUT", PATH, {"version": 0}, again)
    error = late.json()["error"]
    assert (late.status, error["code"], error["version"]) == (409, "changed_meanwhile", 1)
    assert (await door.request("PUT", PATH, {"version": 1}, again)).json() == empty | {"version": 2}


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"version": None},
        {"version": -1},
        {"version": True},
        {"version": 0, "system": 5},
        {"version": 0, "options": [1]},
        {"version": 0, "options": {"messages": []}},
        {"version": 0, "system": "a" * 66_000},
        {"version": 0, "options": {"stop": ["b" * 66_000]}},
    ],
)
async def test_they_are_checked_and_bounded(door, body):
    anna = await session(door, "anna")
    response = await door.request("PUT", PATH, body, anna)
    assert (response.status, response.json()["error"]["code"]) == (400, "invalid_request")
    assert (await door.request("GET", PATH, headers=anna)).json()["version"] == 0


@pytest.mark.gen_test
async def test_without_a_login_each_browser_keeps_its_own(chat):
    for method, body in [("GET", None), ("PUT", {"version": 0})]:
        assert (await chat.request(method, PATH, body)).status == 404


@pytest.mark.gen_test
async def test_they_go_with_their_user(chat):
    store: Store = chat.application.store.for_owner("anna")
    await store.save_defaults(Defaults("Be brief.", {}, 1))
    await chat.application.conversations.forget("anna")
    assert await store.defaults() == Defaults()


@pytest.mark.gen_test
async def test_a_new_conversation_begins_with_the_system_prompt_of_the_request(chat, upstream):
    answer = await chat.ask("hi", system="Be brief.")
    home = answer.start["conversation_id"]
    assert upstream.requests[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    stored = (await chat.request("GET", f"/api/conversations/{home}")).json()
    assert stored["system"] == "Be brief."
    body = {"message": "again", "conversation_id": home, "system": "Be long."}
    assert (await chat.request("POST", "/stream", body)).status == 400


@pytest.mark.gen_test
async def test_options_of_a_conversation_can_be_changed(chat, upstream):
    made = await chat.request("POST", "/api/conversations", {"options": {"temperature": 1}})
    home = made.json()["id"]
    path = f"/api/conversations/{home}"
    changed = await chat.request("PATCH", path, {"options": {"top_p": 0.5}})
    assert changed.json()["options"] == {"top_p": 0.5}
    await chat.ask("hi", conversation_id=home)
    assert upstream.requests[0]["top_p"] == 0.5 and "temperature" not in upstream.requests[0]
    assert (await chat.request("PATCH", path, {"title": "T"})).json()["options"] == {"top_p": 0.5}
    assert (await chat.request("PATCH", path, {"options": None})).json()["options"] is None
    assert (await chat.request("PATCH", path, {"options": [1]})).status == 400
