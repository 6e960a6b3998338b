"""Shared links over HTTP: what a link shows and what it hides, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import time
from dataclasses import replace

import pytest
from auth.hashes import CHEAP, cheap_hash
from client import Client, Response, until
from pictures import answer_picture, png

from tornado_stream.auth import passwords
from tornado_stream.auth.users_file import User, read_users, write_users
from tornado_stream.chat import shares as shares_module
from tornado_stream.chat.ids import new_id
from tornado_stream.handlers.shared import SharedHandler
from tornado_stream.settings import Secret
from tornado_stream.values.messages import Conversation, Message

from .test_doors import every_route, methods

LONG = os.environ.get("TORTURE") == "long"
TOKEN = "a-token-of-a-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SYSTEM, COST = "the secret system prompt", {"usage": {"prompt_tokens": 7, "completion_tokens": 9}}


@pytest.fixture
def sharing(serve, settings) -> Client:
    return serve(replace(settings, sharing=True))


@pytest.fixture
def locked(serve, settings) -> Client:
    return serve(replace(settings, sharing=True, password=Secret("secret"), token=Secret(TOKEN)))


async def share(chat: Client, start: dict, headers=None, **fields) -> tuple[str, str]:
    """Share the branch up to an answer. Returns the path of the link, and the share's id."""
    home, body = start["conversation_id"], {"leaf_id": start["message_id"], **fields}
    made = await chat.request("POST", f"/api/conversations/{home}/shares", body, headers or {})
    assert made.status == 201, made.body
    told = made.json()
    assert told["url"].startswith(f"http://127.0.0.1:{chat.port}/s/")
    return told["url"].partition(str(chat.port))[2], told["id"]


def same(response: Response) -> tuple:
    """What two responses must have in common."""
    return response.status, response.body, response.headers | {"x-request-id": "", "date": ""}


# -- what a link shows


@pytest.mark.gen_test
async def test_without_the_setting_there_is_no_shared_link(chat):
    start = (await chat.ask("hi")).start
    home = start["conversation_id"]
    for method, path in [
        ("POST", f"/api/conversations/{home}/shares"),
        ("GET", "/api/shares"),
        ("DELETE", f"/api/shares/{home}"),
        ("GET", "/s/abc"),
    ]:
        response = await chat.request(method, path, {"leaf_id": start["message_id"]})
        assert (response.status, response.json()["error"]["code"]) == (404, "not_found"), path


@pytest.mark.gen_test
async def test_a_link_shows_its_branch_in_every_form(locked):
    ask = {"system": SYSTEM, "model": "say=one <b>answer</b>"}
    stream = await locked.open("POST", "/stream", {"message": "a question", **ask}, BEARER)
    first = (await stream.read()).start
    more = {"conversation_id": first["conversation_id"], "model": "say=another"}
    await (await locked.open("POST", "/stream", {"message": "later", **more}, BEARER)).read()
    path, id = await share(locked, first, BEARER)
    assert re.fullmatch(r"/s/[\w-]{22}", path)

    page = await locked.request("GET", path)
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    assert b"one &lt;b&gt;answer&lt;/b&gt;" in page.body and b"a question" in page.body
    data = (await locked.request("GET", f"{path}.json")).json()
    assert data.keys() == {"title", "live", "expires_at", "messages"}
    assert (data["title"], data["live"]) == ("a question", False)
    assert abs(data["expires_at"] / 1000 - time.time() - 7 * 24 * 3600) < 60
    assert [m["content"] for m in data["messages"]] == ["a question", "one <b>answer</b>"]
    assert {name for m in data["messages"] for name in m} == {
        *("id", "role", "content", "created_at", "reasoning", "refusal", "tool_calls", "model"),
        *("state", "finish_reason", "error", "generation_id", "sources", "files"),
    }
    markdown = await locked.request("GET", f"{path}.md")
    assert markdown.body.startswith(b"# a question\n\n## You\n\na question\n\n## Assistant")
    text = await locked.request("GET", f"{path}.txt")
    assert text.body.startswith(b"a question\n\nYou:\na question\n\nAssistant")
    for response in (page, markdown, text, await locked.request("GET", f"{path}.json")):
        assert SYSTEM.encode() not in response.body and b"another" not in response.body
        assert first["conversation_id"].encode() not in response.body
        assert response.headers["x-robots-tag"] == "noindex"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in response.headers

    listed = (await locked.request("GET", "/api/shares", headers=BEARER)).json()["shares"]
    assert [one.pop("created_at") // 100_000 for one in listed] == [int(time.time()) // 100]
    assert listed == [
        {
            "id": id,
            "conversation_id": first["conversation_id"],
            "title": "a question",
            "leaf_id": first["message_id"],
            "live": False,
            "files": False,
            "expires_at": data["expires_at"],
        }
    ]


@pytest.mark.gen_test
async def test_a_live_link_goes_on_with_the_branch_that_its_owner_sees(sharing):
    first = (await sharing.ask("one", model="say=1")).start
    path, _ = await share(sharing, first, live=True, days=None)
    fixed, _ = await share(sharing, first)

    async def texts(link: str) -> list[str]:
        data = (await sharing.request("GET", f"{link}.json")).json()
        return [message["content"] for message in data["messages"]]

    home = first["conversation_id"]
    await sharing.ask("two", model="say=2", conversation_id=home)
    assert await texts(path) == ["one", "1", "two", "2"]
    await sharing.ask(None, model="say=b", conversation_id=home, parent_id=first["user_message_id"])
    assert await texts(path) == ["one", "1"]  # the owner is in another branch
    assert await texts(fixed) == ["one", "1"]


@pytest.mark.gen_test
async def test_a_page_that_follows_costs_little_while_nothing_is_new(sharing, monkeypatch):
    first = (await sharing.ask("one", model="say=1")).start
    path, _ = await share(sharing, first, live=True)
    tag = {"If-None-Match": (await sharing.request("GET", f"{path}.json")).headers["etag"]}
    store, read = sharing.application.store, []

    async def messages_at(self, places):
        read.append(places)
        return await unchanged(self, places)

    unchanged = type(store).messages_at
    monkeypatch.setattr(type(store), "messages_at", messages_at)
    assert (await sharing.request("GET", f"{path}.json", headers=tag)).status == 304
    assert read == []
    home = first["conversation_id"]
    owner = await sharing.send("two", model="say=2;hold", conversation_id=home)
    id = (await owner.until("start")).data["generation_id"]
    await owner.until("delta")
    running = await sharing.request("GET", f"{path}.json", headers=tag)
    assert running.status == 200 and running.json()["messages"][-1]["content"] == "2"
    await sharing.stop(id)
    await owner.read()
    ended = await sharing.request("GET", f"{path}.json", headers=tag)
    assert ended.status == 200 and ended.json()["messages"][-1]["state"] == "stopped"
    assert running.headers["etag"] != ended.headers["etag"] != tag["If-None-Match"]


@pytest.mark.gen_test
async def test_readers_get_what_the_answer_says_and_nothing_behind_it(sharing):
    steps = 'think=why;say=text;tool=look:{"password": 1}'
    first = (await sharing.ask("one", model=steps)).start
    await sharing.ask("two", model="status=500", conversation_id=first["conversation_id"])
    path, _ = await share(sharing, first, live=True)
    data = (await sharing.request("GET", f"{path}.json")).json()
    answer, failed = data["messages"][1], data["messages"][3]
    assert (answer["content"], answer["reasoning"]) == ("text", "why")
    assert answer["tool_calls"] == [{"index": 0, "name": "look"}]
    assert failed["state"] == "error" and failed["error"].keys() == {"code"}
    for message in (answer, failed):
        read = await sharing.open("GET", f"{path}/stream/{message['generation_id']}")
        seen = await read.read()
        assert seen.text == message["content"] and seen.reasoning == message["reasoning"]
        assert {event.name for event in seen.events} <= {"start", "delta", "end"}
        assert seen.start.keys() == {
            *("generation_id", "message_id", "user_message_id", "model", "created_at", "t")
        }
        assert seen.end.keys() == {"state", "finish_reason", "error", "model", "t"}
        assert "password" not in repr([e.data for e in seen.events if e.name == "delta"])
    mine = await sharing.resume(answer["generation_id"])
    assert "password" in repr([e.data for e in mine.events if e.name == "delta"])
    assert mine.end["upstream"]


@pytest.mark.gen_test
async def test_an_answer_is_read_live_and_resumed_by_number(sharing):
    owner = await sharing.send("hi", model="say=one;hold;say= two")
    start = (await owner.until("start")).data
    id = start["generation_id"]
    path, _ = await share(sharing, start, live=True)
    reader = await sharing.open("GET", f"{path}/stream/{id}")
    delta = await reader.until("delta")
    now = await (await sharing.open("GET", f"{path}/stream/{id}?live=0")).read()
    assert now.text == "one" and now.events[-1].name == "delta"
    page = await sharing.request("GET", path)
    assert b"<noscript>" in page.body and b'data-state="running"' in page.body
    running = (await sharing.request("GET", f"{path}.json")).json()["messages"][1]
    assert (running["content"], running["last_event_id"]) == ("one", delta.id)
    reader.close()
    await sharing.stop(id)
    rest = await (await sharing.open("GET", f"{path}/stream/{id}?after={delta.id}")).read()
    assert [event.name for event in rest.events] == ["end"]
    last = rest.events[-1].id
    over = await sharing.request("GET", f"{path}/stream/{id}?after={last}")
    assert over.status == 204
    old, _ = await share(sharing, start)
    refused = await sharing.request("GET", f"{old}/stream/{id}")  # that link does not go on live
    assert (refused.status, refused.json()["error"]["code"]) == (404, "nothing_shared")


@pytest.mark.gen_test
async def test_files_are_shown_only_if_the_link_is_with_files(sharing):
    data = png(30, 20)
    other = await sharing.request("POST", "/api/files?name=other.png", png(20, 30))
    file = (await sharing.request("POST", "/api/files?name=a.png", data)).json()["id"]
    start = (await sharing.ask("see", files=[file])).start
    without, _ = await share(sharing, start)
    path, _ = await share(sharing, start, files=True)
    shown = (await sharing.request("GET", f"{path}.json")).json()["messages"][0]["files"]
    assert shown == [
        {"id": file, "name": "a.png", "type": "image/png", "size": len(data), "kind": "image"}
    ]
    got = await sharing.request("GET", f"{path}/files/{file}")
    assert (got.status, got.body) == (200, data)
    assert got.headers["cache-control"] == "private, no-cache"
    assert f"{path}/files/{file}".encode() in (await sharing.request("GET", path)).body
    markdown = (await sharing.request("GET", f"{path}.md")).body.decode()
    assert f"![a\\.png](<{path.removeprefix('/s/')}/files/{file}>)" in markdown
    assert (await sharing.request("GET", f"{path}/files/{other.json()['id']}")).status == 404
    assert (await sharing.request("GET", f"{without}/files/{file}")).status == 404
    for form in ("", ".json", ".md", ".txt"):
        body = (await sharing.request("GET", f"{without}{form}")).body
        assert b"a.png" not in body and file.encode() not in body


@pytest.mark.gen_test
@pytest.mark.parametrize("live", [False, True])
async def test_pictures_of_answers_are_shown_as_files_are(sharing, live):
    """While the answer is written, when it has ended, and when the links were taken back."""
    other = (await sharing.ask("draw", model="picture=70000")).events
    [hidden] = [one["file_id"] for event in other for one in event.data.get("images", ())]
    mine = (await sharing.request("POST", "/api/files?name=a.png", png(30, 20))).json()["id"]
    owner = await sharing.send("see", files=[mine], model="say=Here: ;picture=50000;hold;say=b")
    start = (await owner.until("start")).data
    await owner.until("delta")
    [drawn] = (await owner.until("delta")).data["images"]
    path, id = await share(sharing, start, files=True, live=live)
    without, other_id = await share(sharing, start, live=live)

    async def seen(link: str, named: str) -> set[str]:
        """Which of the files have their bytes or their names in any form of the link."""
        found = set()
        forms = ["", ".json", ".md", ".txt", f"/stream/{start['generation_id']}?live=0"]
        for form in forms:
            body = (await sharing.request("GET", link + form)).body
            found |= {name for name in (mine, drawn["file_id"], hidden) if name.encode() in body}
            assert (named.encode() in body) <= (link == path), form
        for name in (mine, drawn["file_id"], hidden):
            for form in ("", "/text"):
                got = await sharing.request("GET", f"{link}/files/{name}{form}")
                found |= {name} if got.status == 200 else set()
        return found

    shown = await seen(path, "picture.png")
    # A link that is not live shows the pictures of an answer when they are stored, too.
    assert shown == {mine, drawn["file_id"]}
    assert await seen(without, "picture.png") == set()
    sharing.application.shares._wrong.forget("127.0.0.1")
    got = await sharing.request("GET", f"{path}/files/{drawn['file_id']}")
    assert got.body == answer_picture(50_000)
    await sharing.stop(start["generation_id"])
    await owner.read()
    assert await seen(path, "picture.png") == {mine, drawn["file_id"]}
    assert await seen(without, "picture.png") == set()
    for one in (id, other_id):
        assert (await sharing.request("DELETE", f"/api/shares/{one}")).status == 204
        sharing.application.shares._wrong.forget("127.0.0.1")
        assert await seen(path if one == id else without, "no name") == set()


@pytest.mark.gen_test
async def test_no_reader_sees_a_message_of_another_branch(sharing):
    rounds = 400 if LONG else 25
    seed = random.randrange(10**9)
    chance, foreign = random.Random(seed), 0
    for _ in range(rounds):
        home, parents = await _random_tree(sharing, chance)
        ids = list(parents)
        for leaf in chance.sample(ids, min(3, len(ids))):
            live = chance.random() < 0.5
            start = {"conversation_id": home, "message_id": leaf}
            path, _ = await share(sharing, start, live=live)
            current = chance.choice(ids)
            change = {"current_id": current}
            await sharing.request("PATCH", f"/api/conversations/{home}", change)
            allowed = _above(parents, leaf)
            if live and leaf in _above(parents, current):
                allowed = _above(parents, current)
            for form in ("", ".json", ".md", ".txt"):
                body = (await sharing.request("GET", path + form)).body.decode()
                seen = {id for id in ids if f"text-{id}-end" in body}
                foreign += len(seen - allowed)
                assert seen == allowed, (seed, form)
    assert foreign == 0
    print(f"{rounds} trees, 3 links each, in 4 forms: {foreign} foreign messages")


async def _random_tree(chat: Client, chance: random.Random) -> tuple[str, dict[str, str | None]]:
    """A stored conversation of several branches: its id, and the parent of each message."""
    home, parents, messages = new_id(), {}, []
    roles: dict[str | None, str] = {None: "assistant"}
    for at in range(chance.randint(1, 14)):
        parent = chance.choice([None, *parents]) if parents else None
        id, role = new_id(), "user" if roles[parent] == "assistant" else "assistant"
        parents[id], roles[id] = parent, role
        state = "done" if role == "assistant" else None
        text = f"text-{id}-end"
        messages.append(Message(id, home, parent, role, text, at + 1, state=state))
    conversation = Conversation(home, "title", SYSTEM, messages[-1].id, 1, 1)
    await chat.application.store.adopt(conversation, messages)
    return home, parents


def _above(parents: dict[str, str | None], leaf: str | None) -> set[str]:
    found = set()
    while leaf:
        found.add(leaf)
        leaf = parents[leaf]
    return found


@pytest.mark.gen_test
async def test_links_begin_with_the_base_path(serve, settings):
    chat = serve(replace(settings, sharing=True, base_path="/chat"))
    start = (await (await chat.open("POST", "/chat/stream", {"message": "hi"})).read()).start
    body = {"leaf_id": start["message_id"]}
    address = f"/chat/api/conversations/{start['conversation_id']}/shares"
    url = (await chat.request("POST", address, body)).json()["url"]
    path = url.partition(str(chat.port))[2]
    assert path.startswith("/chat/s/")
    page = await chat.request("GET", path)
    assert page.status == 200 and f'href="{path}.md"'.encode() in page.body


# -- who reads


@pytest.mark.gen_test
async def test_a_token_opens_nothing_but_its_own_link(locked, upstream):
    stream = await locked.open("POST", "/stream", {"message": "hi"}, BEARER)
    start = (await stream.read()).start
    path, id = await share(locked, start, BEARER, live=True, files=True)
    token, asked = path.removeprefix("/s/"), len(upstream.requests)
    home, opened = start["conversation_id"], set()
    for handler, route in every_route(locked.application):
        if handler.open_to_all and not issubclass(handler, SharedHandler):
            continue  # everybody may see what these show
        for place in (home, start["generation_id"], id, token):
            address = re.sub(r"[0-9a-f]{8}-0000-4000-8000-0{12}", place, route)
            for headers in (
                {"Authorization": f"Bearer {token}"},
                {"Cookie": f"ts_session={token}"},
                {"Authorization": f"Basic {token}"},
            ):
                for method in methods(handler):
                    response = await locked.request(method, address, {"message": "x"}, headers)
                    if response.status < 400:
                        opened.add(address)
                    else:
                        assert response.status in (401, 404, 405, 429), (method, address)
    assert opened <= {f"/s/{token}", f"/s/{token}.json"}, opened
    assert opened and len(upstream.requests) == asked
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for form in ("", ".json", f"/stream/{start['generation_id']}"):
            assert (await locked.request(method, path + form, {})).status == 405


@pytest.mark.gen_test
async def test_who_asks_does_not_matter(locked):
    start = (await (await locked.open("POST", "/stream", {"message": "hi"}, BEARER)).read()).start
    path, _ = await share(locked, start, BEARER)
    log_in = await locked.request("POST", "/login", {"password": "secret"})
    cookie = log_in.headers["set-cookie"].partition(";")[0]
    for form in ("", ".json", ".md", ".txt"):
        plain = same(await locked.request("GET", path + form))
        assert plain[0] == 200
        for headers in (
            BEARER,
            {"Authorization": "Bearer wrong"},
            {"Cookie": cookie},
            {"Cookie": f"{cookie}; ts_choices=theme.dark:language.de"},
        ):
            assert same(await locked.request("GET", path + form, headers=headers)) == plain


@pytest.mark.gen_test
async def test_unknown_revoked_and_expired_are_the_same(sharing, monkeypatch):
    start = (await sharing.ask("hi")).start
    revoked, id = await share(sharing, start)
    expired, _ = await share(sharing, start, days=1)
    valid, _ = await share(sharing, start, days=30)
    assert (await sharing.request("DELETE", f"/api/shares/{id}")).status == 204
    assert (await sharing.request("DELETE", f"/api/shares/{id}")).status == 404
    later = time.time() + 2 * 24 * 3600
    monkeypatch.setattr(shares_module, "now_ms", lambda: int(1000 * later))
    generation = f"/stream/{start['generation_id']}"
    for form in ("", ".json", ".md", ".txt", generation, f"/files/{id}"):
        gone = [
            same(await sharing.request("GET", link + form))
            for link in (revoked, expired, "/s/AAAAAAAAAAAAAAAAAAAAAA", "/s/x")
        ]
        assert gone[0][0] == 404 and all(one == gone[0] for one in gone)
        sharing.application.shares._wrong.forget("127.0.0.1")
    assert (await sharing.request("GET", valid)).status == 200
    assert len((await sharing.request("GET", "/api/shares")).json()["shares"]) == 1


@pytest.mark.gen_test
async def test_wrong_tokens_count_as_wrong_passwords_do(sharing):
    start = (await sharing.ask("hi")).start
    path, _ = await share(sharing, start)
    free = shares_module.WRONG.free
    for _ in range(free):
        refused = await sharing.request("GET", f"/s/{new_id()}")
        # Who reads by a link has no chat to go back to.
        assert refused.status == 404 and b"<a " not in refused.body
    refused = await sharing.request("GET", f"/s/{new_id()}.json")
    assert (refused.status, refused.json()["error"]["code"]) == (429, "too_many_tries")
    assert (await sharing.request("GET", path)).status == 429
    sharing.application.shares._wrong.forget("127.0.0.1")
    assert (await sharing.request("GET", path)).status == 200


# -- how a link ends


@pytest.mark.gen_test
async def test_readers_of_a_link_that_is_revoked_are_closed_at_once(sharing):
    owner = await sharing.send("hi", model="say=one;hold;say= two")
    start = (await owner.until("start")).data
    path, id = await share(sharing, start, live=True)
    other, _ = await share(sharing, start, live=True)
    stream = f"/stream/{start['generation_id']}"
    readers = [await sharing.open("GET", path + stream) for _ in range(20)]
    stays = await sharing.open("GET", other + stream)
    for reader in (*readers, stays):
        await reader.until("delta")
    began = time.monotonic()
    assert (await sharing.request("DELETE", f"/api/shares/{id}")).status == 204
    for reader in readers:
        with pytest.raises(Exception, match="closed"):
            await reader.until("end")
    print(f"20 readers were closed within {time.monotonic() - began:.3f} s")
    assert len(sharing.application.shares.readers) == 1
    await sharing.stop(start["generation_id"])
    assert (await stays.read()).end["state"] == "stopped"
    await until(lambda: not len(sharing.application.shares.readers))
    assert (await owner.read()).end["state"] == "stopped"


@pytest.mark.gen_test
async def test_a_link_that_ends_elsewhere_is_noticed(sharing):
    """Another process has taken it back, or its owner is gone."""
    application = sharing.application
    owner = await sharing.send("hi", model="say=one;hold")
    start = (await owner.until("start")).data
    for end in ("deleted", "removed", "expired"):
        path, id = await share(sharing, start, live=True)
        reader = await sharing.open("GET", f"{path}/stream/{start['generation_id']}")
        await reader.until("delta")
        readers = application.shares.readers
        if end == "deleted":
            await application.store.delete_share(id)
        elif end == "removed":
            readers._is_user = lambda owner: False
        else:
            for close, one in list(readers._open.items()):
                readers._open[close] = replace(one, expires_at=1)
        with pytest.raises(Exception, match="closed"):
            await reader.until("end")
        readers._is_user = lambda owner: True
    await sharing.stop(start["generation_id"])


@pytest.mark.gen_test
async def test_a_conversation_and_a_user_take_their_links_along(serve, settings, monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", CHEAP)
    chat = serve(replace(settings, sharing=True))
    users = chat.application.users.path
    write_users(users, {"anna": User(cheap_hash("anna's"))})
    chat.application.users.check_now()
    anna = chat.application.users.id_of("anna")
    login = await chat.request("POST", "/login", {"name": "anna", "password": "anna's"})
    session = {"Cookie": login.headers["set-cookie"].partition(";")[0]}
    starts = []
    for _ in range(2):
        stream = await chat.open("POST", "/stream", {"message": "hi"}, session)
        starts.append((await stream.read()).start)
    first, second = [(await share(chat, start, session))[0] for start in starts]
    home = starts[0]["conversation_id"]
    await chat.request("DELETE", f"/api/conversations/{home}", {}, session)
    assert (await chat.request("GET", first)).status == 404
    assert (await chat.request("GET", second)).status == 200
    write_users(users, {"bert": User(cheap_hash("bert's"))})
    chat.application.users.check_now()
    assert (await chat.request("GET", second)).status == 404
    assert read_users(users).keys() == {"bert"}
    await chat.application.conversations.forget(anna)
    assert await chat.application.store.for_owner(anna).shares() == []


@pytest.mark.gen_test
async def test_readers_have_a_limit_of_their_own(serve, settings):
    chat = serve(replace(settings, sharing=True, max_shared_readers=2))
    owner = await chat.send("hi", model="say=one;hold")
    start = (await owner.until("start")).data
    path, _ = await share(chat, start, live=True)
    address = f"{path}/stream/{start['generation_id']}"
    readers = [await chat.open("GET", address) for _ in range(2)]
    refused = await chat.request("GET", address)
    assert (refused.status, refused.json()["error"]["code"]) == (429, "too_many_shared_readers")
    assert refused.headers["retry-after"]
    readers[0].close()
    await until(lambda: len(chat.application.shares.readers) == 1)
    again = await chat.open("GET", address)
    await again.until("delta")
    own = await chat.open("GET", f"/stream/{start['generation_id']}")
    await own.until("delta")  # the users' own readers do not count
    await chat.stop(start["generation_id"])


# -- requests that cannot be


@pytest.mark.gen_test
async def test_what_cannot_be_shared_is_refused_in_words(sharing):
    start, other = (await sharing.ask("hi")).start, (await sharing.ask("ho")).start
    address = f"/api/conversations/{start['conversation_id']}/shares"
    leaf = start["message_id"]
    for body, status, code in [
        ({}, 400, "invalid_request"),
        ({"leaf_id": 7}, 400, "invalid_request"),
        ({"leaf_id": leaf, "live": "yes"}, 400, "invalid_request"),
        ({"leaf_id": leaf, "files": 1}, 400, "invalid_request"),
        ({"leaf_id": leaf, "days": 0}, 400, "invalid_request"),
        ({"leaf_id": leaf, "days": 366}, 400, "invalid_request"),
        ({"leaf_id": leaf, "days": True}, 400, "invalid_request"),
        ({"leaf_id": other["message_id"]}, 404, "not_found"),
        ({"leaf_id": new_id()}, 404, "not_found"),
    ]:
        response = await sharing.request("POST", address, body)
        assert (response.status, response.json()["error"]["code"]) == (status, code), body
        assert response.json()["error"]["message"].endswith(".")
    missing = f"/api/conversations/{new_id()}/shares"
    assert (await sharing.request("POST", missing, {"leaf_id": leaf})).status == 404
    assert (await sharing.request("GET", "/api/shares")).json() == {"shares": []}


@pytest.mark.gen_test
async def test_no_log_has_a_token(locked, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    start = (await (await locked.open("POST", "/stream", {"message": "hi"}, BEARER)).read()).start
    path, _ = await share(locked, start, BEARER, live=True)
    token = path.removeprefix("/s/")
    for form in ("", ".json", f"/stream/{start['generation_id']}", "/nothing/at/all", ".zip"):
        for headers in ({}, {"Host": "evil.example"}):
            for method in ("GET", "HEAD", "POST"):
                await locked.request(method, path + form, {}, headers)

    async def broken(share):
        raise RuntimeError("a bug")

    monkeypatch.setattr(locked.application.shares, "read", broken)
    assert (await locked.request("GET", path)).status == 500
    metrics = await locked.request("GET", "/metrics", headers=BEARER)
    await asyncio.sleep(0)
    records = [record.getMessage() + str(vars(record)) for record in caplog.records]
    assert any("/s/***.json" in record for record in records)
    assert any("failed" in record and "/s/***" in record for record in records)
    assert not any(token in record for record in records)
    assert token.encode() not in metrics.body and b'route="shared"' in metrics.body
    caplog.clear()
