"""The files of the upstreams are read again when they change, and no answer is lost by it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from client import until

from tornado_stream.providers import reloading

from .test_provider_group import another  # noqa: F401


@pytest.fixture(autouse=True)
def short_interval(monkeypatch) -> None:
    monkeypatch.setattr(reloading, "INTERVAL", 0.02)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "upstreams.toml"


async def start(serve, settings, file, text):
    file.write_text(text)
    chat = serve(replace(settings, config=file, base_url=None, model=None))
    await chat.application.open()
    return chat


def table(name, upstream, more=""):
    return f'[upstream.{name}]\nbase_url = "{upstream.url}"\n{more}\n'


def authorizations(upstream):
    return [head.get("Authorization", "") for head in upstream.headers]


@pytest.mark.gen_test
async def test_the_next_answer_goes_to_the_new_upstream(serve, settings, file, upstream, another):  # noqa: F811
    upstream.models, another.models = ["a"], ["b"]
    chat = await start(serve, settings, file, table("first", upstream))
    provider = chat.application.provider
    (old,) = provider.members
    running = await chat.send("hi", model="say=one;hold;say=two")
    await running.until("delta")
    file.write_text(table("second", another))
    await until(lambda: [one.name for one in provider.members] == ["second"])
    answer = await chat.ask("hi", model="say=new")
    assert (answer.text, answer.end["upstream"]) == ("new", "second")
    assert old in provider._retired, "an answer still needs it"
    upstream.released.set()
    assert (await running.read()).text == "onetwo"
    await until(lambda: not provider._retired and not provider._closing)
    listed = (await chat.request("GET", "/api/models")).json()["models"]
    assert {model["provider"] for model in listed} == {"second"}


@pytest.mark.gen_test
async def test_a_mistake_is_logged_and_changes_nothing(serve, settings, file, upstream, caplog):
    chat = await start(serve, settings, file, table("first", upstream))
    (before,) = chat.application.provider.members
    for wrong, why in [
        (table("first", upstream, "no_such_key = 1"), "line 3: upstream.first.no_such_key"),
        ("[upstream", "upstreams.toml"),
        (None, "cannot read"),
    ]:
        caplog.clear()
        file.unlink() if wrong is None else file.write_text(wrong)
        await until(lambda: "the upstreams stay as they were" in caplog.text)
        assert why in caplog.text
        assert (await chat.ask("hi", model="say=a")).end["upstream"] == "first"
    caplog.clear()
    file.write_text(table("first", upstream) + table("more", upstream))
    await until(lambda: len(chat.application.provider.members) == 2)
    assert chat.application.provider.members[0] is before, "what is the same keeps its connections"


@pytest.mark.gen_test
@pytest.mark.parametrize("kind", ["named in the file", "of the environment"])
async def test_a_new_key_is_used_and_masked(serve, settings, file, tmp_path, upstream, kind):
    key = tmp_path / "key"
    key.write_text("sk-old-key\n")
    if kind == "of the environment":
        settings = replace(settings, api_key_file=key)
        chat = serve(settings)
        await chat.application.open()
    else:
        chat = await start(serve, settings, file, table("a", upstream, f'key_file = "{key}"'))
    provider, told = chat.application.provider, []
    provider.on_new_secrets = lambda: told.append(provider.secrets)
    await chat.ask("hi", model="say=a")
    new = tmp_path / "new"
    new.write_text("sk-new-key\n")
    new.replace(key)
    await until(lambda: told)
    await chat.ask("hi", model="say=a")
    assert authorizations(upstream)[-1] == "Bearer sk-new-key"
    assert "sk-new-key" in told[0]


@pytest.mark.gen_test
async def test_without_a_file_nothing_is_watched(chat):
    await chat.application.open()
    assert not chat.application.provider._timer.is_running()


@pytest.mark.gen_test
async def test_a_list_of_models_outlives_a_change(serve, settings, file, upstream, another):  # noqa: F811
    upstream.models, another.models = ["a"], ["b"]
    chat = await start(serve, settings, file, table("first", upstream))
    provider = chat.application.provider
    provider.members[0].models = asyncio.Event().wait  # an upstream that never sends its list
    listing = asyncio.ensure_future(chat.request("GET", "/api/models"))
    await until(lambda: provider._lists)
    file.write_text(table("second", another))
    listed = await listing
    assert (listed.status, [model["id"] for model in listed.json()["models"]]) == (200, ["b"])


@pytest.mark.gen_test
async def test_an_answer_keeps_the_upstreams_that_it_began_with(
    serve,
    settings,
    file,
    upstream,
    another,  # noqa: F811
):
    upstream.models, another.models = ["a"], ["b"]
    two = table("first", upstream) + table("also", upstream)
    chat = await start(serve, settings, file, two)
    provider = chat.application.provider
    listed, first = asyncio.Event(), provider.members[0]
    list_models = first.models

    async def late():
        await listed.wait()
        return await list_models()

    first.models = late
    asking = asyncio.ensure_future(chat.ask("hi", model="say=x"))
    await until(lambda: provider._in_use[first] and first in provider._lists)
    file.write_text(table("second", another))
    await until(lambda: [one.name for one in provider.members] == ["second"])
    listed.set()
    answer = await asking
    assert (answer.text, answer.end["upstream"]) == ("x", "first")
