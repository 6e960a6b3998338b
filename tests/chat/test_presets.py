"""Presets of tornado-stream.toml: listed, asked by users and programs, and read again."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest
from client import until

from tornado_stream.chat.presets import PREFIX, read_presets
from tornado_stream.config_file import read_sections
from tornado_stream.handlers import checks
from tornado_stream.settings import SettingError

FILE = """
[preset.Translator]
system = "Translate into English."
model = "say=hello"
options = {temperature = 0, top_p = 0.5}

[preset."Be brief"]
system = "Be brief."

[preset.review]
kind = "prompt"
text = "Review {{file}}."
"""
TRANSLATE = {"role": "system", "content": "Translate into English."}
HI = {"role": "user", "content": "hi"}


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "chat.toml"
    file.write_text(FILE)
    return file


@pytest.fixture
def chat(serve, settings, file):
    return serve(replace(settings, config=file))


async def listed(chat) -> dict:
    return {p["name"]: p for p in (await chat.request("GET", "/api/presets")).json()["presets"]}


async def conversation(chat, answer) -> dict:
    path = f"/api/conversations/{answer.start['conversation_id']}"
    return (await chat.request("GET", path)).json()


# -- the list


@pytest.mark.gen_test
async def test_the_presets_are_listed(chat):
    response = await chat.request("GET", "/api/presets")
    presets = {preset["name"]: preset for preset in response.json()["presets"]}
    assert list(presets) == ["Translator", "Be brief", "review"]
    id = presets["Translator"].pop("id")
    assert presets["Translator"] == {
        **{"name": "Translator", "kind": "preset", "system": TRANSLATE["content"], "text": ""},
        **{"model": "say=hello", "options": {"temperature": 0, "top_p": 0.5}, "tools": []},
        **{"shared": True, "version": 1},
    }
    assert presets["review"]["kind"] == "prompt" and presets["review"]["text"] == "Review {{file}}."
    tag = {"If-None-Match": response.headers["etag"]}
    assert (await chat.request("GET", "/api/presets", headers=tag)).status == 304
    assert uuid.UUID(id) and (await listed(chat))["Translator"]["id"] == id


@pytest.mark.gen_test
async def test_without_a_file_there_are_none(serve, settings):
    assert await listed(serve(settings)) == {}


# -- users


@pytest.mark.gen_test
async def test_a_conversation_begins_with_a_copy(chat, upstream, file):
    answer = await chat.ask("hi", preset="Translator")
    assert (answer.text, answer.start["model"]) == ("hello", "say=hello")
    sent = upstream.requests[-1]
    assert sent["messages"] == [TRANSLATE, HI]
    assert (sent["temperature"], sent["top_p"]) == (0, 0.5)
    stored = await conversation(chat, answer)
    assert (stored["preset"], stored["system"]) == ("Translator", TRANSLATE["content"])
    assert (stored["model"], stored["options"]) == ("say=hello", {"temperature": 0, "top_p": 0.5})
    before = await chat.request("GET", f"/c/{stored['id']}.json")
    file.write_text(FILE.replace("Translate into English.", "Sing.").replace("hello", "la"))
    chat.application.presets.shared._next_check = 0
    assert (await listed(chat))["Translator"]["system"] == "Sing."
    assert (await chat.request("GET", f"/c/{stored['id']}.json")).body == before.body
    await chat.ask("more", conversation_id=stored["id"])
    sent = upstream.requests[-1]
    assert sent["messages"][0] == TRANSLATE and sent["model"] == "say=hello"
    assert sent["temperature"] == 0, "a second device asks with the same"
    await chat.ask("more", conversation_id=stored["id"], model="say=x", options={"top_p": 1})
    assert (upstream.requests[-1]["model"], upstream.requests[-1]["top_p"]) == ("say=x", 1)


@pytest.mark.gen_test
async def test_what_the_request_says_itself_holds(chat, upstream):
    by_id = (await listed(chat))["Translator"]["id"]
    options = {"temperature": 1, "top_p": None, "seed": 5}
    answer = await chat.ask("hi", preset=by_id, model="say=other", options=options)
    sent = upstream.requests[-1]
    assert (answer.text, sent["temperature"], sent["seed"]) == ("other", 1, 5)
    assert "top_p" not in sent, "null takes the preset's value away"
    stored = await conversation(chat, answer)
    assert (stored["model"], stored["options"]) == ("say=other", {"temperature": 1, "seed": 5})
    plain = await chat.ask("hi", preset="Be brief")
    stored = await conversation(chat, plain)
    assert (stored["model"], stored["options"], stored["preset"]) == (None, {}, "Be brief")
    none = await conversation(chat, await chat.ask("hi"))
    assert none["model"] is none["options"] is none["preset"] is none["system"] is None


@pytest.mark.gen_test
async def test_an_empty_conversation_begins_with_one_too(chat, upstream):
    async def create(**body):
        response = await chat.request("POST", "/api/conversations", body)
        return response.status, response.json()

    status, made = await create(preset="Translator", title="x", options={"top_p": 1})
    assert (status, made["preset"], made["model"]) == (201, "Translator", "say=hello")
    assert (made["system"], made["options"]) == (
        TRANSLATE["content"],
        {"temperature": 0, "top_p": 1},
    )
    assert (await chat.ask("hi", conversation_id=made["id"])).text == "hello"
    assert upstream.requests[-1]["messages"][0] == TRANSLATE
    own = (await create(preset="Translator", system="Mine.", model="say=m"))[1]
    assert (own["system"], own["model"]) == ("Mine.", "say=m")
    for body, expected in [
        ({"preset": "nothing"}, 404),
        ({"preset": "review"}, 400),
        ({"preset": 7}, 400),
        ({"model": 7}, 400),
        ({"options": []}, 400),
    ]:
        assert (await create(**body))[0] == expected, body


@pytest.mark.gen_test
async def test_a_preset_is_part_of_the_request(chat, upstream):
    body = {"message": "hi", "request_id": str(uuid.uuid4()), "preset": "Translator"}
    streams = await asyncio.gather(*(chat.open("POST", "/stream", body) for _ in range(5)))
    ids = {(await stream.read()).start["message_id"] for stream in streams}
    assert len(ids) == len(upstream.requests) == 1
    for other in ({"preset": "Be brief"}, {"preset": None}):
        refused = await chat.request("POST", "/stream", body | other)
        assert refused.json()["error"]["code"] == "request_id_reused"


@pytest.mark.gen_test
async def test_a_preset_is_for_new_conversations(chat, upstream):
    start = (await chat.ask("hi")).start
    for fields, status in [
        ({"message": "hi", "conversation_id": start["conversation_id"]}, 400),
        ({"continue": start["message_id"]}, 400),
        ({"message": "hi", "preset": "review"}, 400),
        ({"message": "hi", "preset": ["Translator"]}, 400),
        ({"message": "hi", "preset": "translator"}, 404),
    ]:
        refused = await chat.request("POST", "/stream", {"preset": "Translator"} | fields)
        assert refused.status == status, fields
        assert status == 400 or refused.json()["error"]["code"] == "preset_not_found"
    assert len(upstream.requests) == 1


# -- programs


@pytest.mark.gen_test
async def test_a_program_asks_a_preset_as_a_model(chat, upstream):
    models = (await chat.request("GET", "/v1/models")).json()["data"]
    assert {"preset/Translator", "preset/Be brief"} <= {model["id"] for model in models}
    assert "preset/review" not in {model["id"] for model in models}
    one = await chat.request("GET", "/v1/models/preset/Be%20brief")
    assert one.status == 200 and one.json()["owned_by"] == "preset"

    async def ask(path="/v1/chat/completions", **body):
        response = await chat.request("POST", path, {"model": "preset/Translator"} | body)
        assert response.status == 200, response.body
        return upstream.requests[-1]

    sent = await ask(messages=[HI])
    assert sent["messages"] == [TRANSLATE, HI] and sent["model"] == "say=hello"
    assert (sent["temperature"], sent["top_p"]) == (0, 0.5)
    for role in ("system", "developer"):
        mine = {"role": role, "content": "Sing."}
        sent = await ask(messages=[HI, mine, HI], temperature=1)
        assert sent["messages"] == [HI, mine, HI] and sent["temperature"] == 1
    sent = await ask("/v1/responses", input="hi")
    assert sent["messages"][0] == TRANSLATE and sent["model"] == "say=hello"
    sent = await ask(model="preset/Be brief", messages=[HI])
    assert (sent["model"], sent["messages"][0]["content"]) == ("fake-model", "Be brief.")


@pytest.mark.gen_test
async def test_a_kept_answer_has_the_presets_system_prompt(chat):
    body = {"model": PREFIX + "Translator", "messages": [HI]}
    keep = {"Tornado-Stream-Keep": "true"}
    assert (await chat.request("POST", "/v1/chat/completions", body, keep)).status == 200
    found = (await chat.request("GET", "/api/conversations")).json()["conversations"]
    stored = (await chat.request("GET", f"/api/conversations/{found[0]['id']}")).json()
    assert stored["system"] == TRANSLATE["content"]


# -- users' own


OWN = {"name": "Mine", "system": "Sing.", "model": "say=la", "options": {"seed": 1}}


async def add(chat, headers=None, **body):
    response = await chat.request("POST", "/api/presets", OWN | body, headers)
    return response.status, response.json()


async def change(chat, preset, **changes):
    path = f"/api/presets/{preset['id']}"
    response = await chat.request("PATCH", path, {"version": preset["version"]} | changes)
    return response.status, response.json()


@pytest.mark.gen_test
async def test_a_user_adds_changes_and_deletes_a_preset(chat, upstream):
    status, mine = await add(chat)
    assert (status, mine["version"], mine["shared"]) == (201, 1, False)
    assert list(await listed(chat)) == ["Mine", "Translator", "Be brief", "review"]
    first = await conversation(chat, await chat.ask("hi", preset=mine["id"]))
    status, changed = await change(chat, mine, system="Hum.", model=None, options={})
    assert (status, changed["version"], changed["model"]) == (200, 2, None)
    assert (await listed(chat))["Mine"] == changed | {"system": "Hum.", "options": {}}
    assert (await change(chat, changed, name="Ours", system="", model="say=x"))[1]["system"] is None
    await chat.ask("hi", preset="Ours")
    assert upstream.requests[-1]["model"] == "say=x"
    assert (await conversation_of(chat, first["id"]))["system"] == "Sing."
    body = {"model": "preset/Ours", "messages": [HI]}
    assert (await chat.request("POST", "/v1/chat/completions", body)).status == 200
    models = (await chat.request("GET", "/v1/models")).json()["data"]
    assert "preset/Ours" in {model["id"] for model in models}
    path = f"/api/presets/{mine['id']}"
    statuses = [(await chat.request("DELETE", path)).status for _ in range(2)]
    assert statuses == [204, 404] and "Ours" not in await listed(chat)
    assert (await conversation_of(chat, first["id"])) == first


async def conversation_of(chat, id):
    return (await chat.request("GET", f"/api/conversations/{id}")).json()


@pytest.mark.gen_test
async def test_a_hundred_changes_of_a_preset_change_no_conversation(chat):
    mine = (await add(chat))[1]
    asked = await conversation(chat, await chat.ask("hi", preset="Mine"))
    empty = (await chat.request("POST", "/api/conversations", {"preset": "Mine"})).json()
    paths = [f"/c/{asked['id']}.json", f"/api/conversations/{asked['id']}", f"/c/{empty['id']}.md"]
    before = [(await chat.request("GET", path)).body for path in paths]
    for number in range(100):
        changes = {"system": f"Sing {number}.", "model": f"say={number}", "name": f"M{number}"}
        status, mine = await change(chat, mine, **changes, options={"seed": number})
        assert (status, mine["version"]) == (200, number + 2)
    assert (await chat.request("DELETE", f"/api/presets/{mine['id']}")).status == 204
    assert [(await chat.request("GET", path)).body for path in paths] == before


@pytest.mark.gen_test
async def test_the_model_and_options_of_a_conversation_can_be_changed(chat, upstream):
    id = (await chat.ask("hi", preset="Translator")).start["conversation_id"]
    path = f"/api/conversations/{id}"
    body = {"model": "say=other", "options": {"seed": 3}}
    changed = (await chat.request("PATCH", path, body)).json()
    assert (changed["model"], changed["options"]) == ("say=other", {"seed": 3})
    assert changed["preset"] == "Translator"
    assert (await chat.ask("hi", conversation_id=id)).text == "other"
    sent = upstream.requests[-1]
    assert sent["seed"] == 3 and "temperature" not in sent
    changed = (await chat.request("PATCH", path, {"model": None, "options": None})).json()
    assert changed["model"] is changed["options"] is None
    for wrong in ({"model": 7}, {"options": []}, {"options": "x"}):
        assert (await chat.request("PATCH", path, wrong)).status == 400, wrong


@pytest.mark.gen_test
async def test_two_tabs_never_overwrite_each_other(chat):
    mine = (await add(chat))[1]
    both = await asyncio.gather(change(chat, mine, system="one"), change(chat, mine, system="two"))
    assert sorted(status for status, _ in both) == [200, 409]
    (kept,) = (body for status, body in both if status == 200)
    (refused,) = (body["error"] for status, body in both if status == 409)
    assert (refused["code"], refused["version"]) == ("changed_meanwhile", 2)
    assert (await listed(chat))["Mine"] == kept


@pytest.mark.gen_test
async def test_what_cannot_be_a_preset_is_refused(chat):
    mine = (await add(chat))[1]
    for body, status, code in [
        ({}, 409, "name_in_use"),
        ({"name": "MINE"}, 409, "name_in_use"),
        ({"name": "translator"}, 409, "name_in_use"),
        ({"name": "x", "tools": "time"}, 400, "invalid_request"),
        ({"name": "x", "id": "y"}, 400, "invalid_request"),
        ({"name": 7}, 400, "invalid_request"),
        ({"name": "x", "system": "y" * 70_000}, 400, "invalid_request"),
        ({"name": "x", "options": {"messages": []}}, 400, "invalid_request"),
    ]:
        refused = await add(chat, **body)
        assert (refused[0], refused[1]["error"]["code"]) == (status, code), body
    second = (await add(chat, name="x", text="", tools=[]))[1]
    for changes, status, code in [
        ({"name": "mine"}, 409, "name_in_use"),
        ({"kind": "prompt"}, 400, "invalid_request"),
        ({"version": None}, 400, "invalid_request"),
        ({"version": 2}, 409, "changed_meanwhile"),
        ({"version": 10**17}, 400, "invalid_request"),
        ({"colour": 1}, 400, "invalid_request"),
    ]:
        refused = await change(chat, second, **changes)
        assert (refused[0], refused[1]["error"]["code"]) == (status, code), changes
    shared = (await listed(chat))["Translator"]
    assert (await change(chat, shared, system="x"))[1]["error"]["code"] == "preset_is_shared"
    assert (await chat.request("DELETE", f"/api/presets/{shared['id']}")).status == 403
    assert (await listed(chat))["Mine"] == mine


@pytest.mark.gen_test
async def test_presets_are_their_owners(serve, settings, monkeypatch):
    chat = serve(settings)
    owner = lambda services, request, route: request.headers.get("X-Owner", "local")  # noqa: E731
    monkeypatch.setattr(checks, "owner_of", owner)
    other = {"X-Owner": "other"}
    mine = (await add(chat))[1]
    assert (await add(chat, other))[0] == 201, "names are unique for an owner"
    await chat.request("DELETE", f"/api/presets/{(await listed(chat))['Mine']['id']}", None, other)
    for method, path, body in [
        ("PATCH", f"/api/presets/{mine['id']}", {"version": 1, "system": "x"}),
        ("DELETE", f"/api/presets/{mine['id']}", None),
        ("POST", "/stream", {"message": "hi", "preset": mine["id"]}),
        ("POST", "/api/conversations", {"preset": mine["id"]}),
    ]:
        assert (await chat.request(method, path, body, other)).status == 404, path
    assert (await listed(chat))["Mine"] == mine
    monkeypatch.setattr("tornado_stream.store.presets.MAX_PRESETS", 2)
    assert (await add(chat, name="second"))[0] == 201
    full = await add(chat, name="third")
    assert (full[0], full[1]["error"]["code"]) == (409, "too_many_presets")
    await chat.application.conversations.forget("local")
    assert await listed(chat) == {}
    theirs = await chat.request("GET", "/api/presets", headers=other)
    assert len(theirs.json()["presets"]) == 1


# -- the file


@pytest.mark.gen_test
async def test_a_mistake_while_the_server_runs_changes_nothing(chat, file, caplog):
    for text, says in [
        ("[preset.a]\ncolour = 1\n", "line 2: preset.a.colour: a preset has no such key"),
        ("[preset", "chat.toml"),
        (None, "cannot read"),
    ]:
        caplog.clear()
        file.unlink() if text is None else file.write_text(text)
        chat.application.presets.shared._next_check = 0
        assert "Translator" in await listed(chat)
        assert says in caplog.text and "the presets stay as they were" in caplog.text
    caplog.clear()
    file.write_text("[preset.new]\nmodel = 'm'\n")
    chat.application.presets.shared._next_check = 0
    assert list(await listed(chat)) == ["new"]


@pytest.mark.gen_test
async def test_a_change_is_noticed_within_seconds(chat, file):
    file.write_text("[preset.new]\nmodel = 'm'\n")
    await until(lambda: [preset.name for preset in chat.application.presets.shared()] == ["new"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n[preset.a]\nsystem = 7", "line 3: preset.a.system: it must be text"),
        ("\n[preset.a]\ntools = 'time'\n", "line 3: preset.a.tools: it must be a list of names"),
        ("\n[preset.a]\n[preset.a.options]\nx = 07:32:00\n", "preset.a.options: it may hold text"),
        ("[preset.a]\nmodel='m'\n[preset.A]\nmodel='m'", "line 3: preset.A: another preset has"),
        ('[preset."a\\u202eb"]\nmodel="m"', "its name must be visible"),
        ("".join(f"[preset.p{n}]\nmodel = 'm'\n" for n in range(201)), "more than 200 presets"),
    ],
)
def test_a_mistake_in_the_file_is_reported_with_its_line(file, text, says):
    file.write_text(text)
    with pytest.raises(SettingError) as caught:
        read_presets(read_sections(file))
    assert says in str(caught.value)
