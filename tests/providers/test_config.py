"""tornado-stream.toml: every key that it can have, and the message for every mistake in it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tornado_stream.config_file import read_sections
from tornado_stream.providers import build_provider
from tornado_stream.providers.config import read_config
from tornado_stream.providers.openai.provider import OpenAIProvider
from tornado_stream.providers.presets import Preset, presets
from tornado_stream.providers.upstream import Timeouts, Upstream
from tornado_stream.settings import SettingError, Settings
from tornado_stream.values.costs import Price
from tornado_stream.values.events import Delta
from tornado_stream.values.messages import ChatRequest

UPSTREAMS_PAGE = Path(__file__).parents[2] / "docs/upstreams.md"
ENVIRON = {"OPENAI_API_KEY": "sk-openai", "MY_KEY": " sk-mine \n", "BAD_KEY": "sk\x07"}


@pytest.fixture
def read(tmp_path):
    def read(text: str):
        path = tmp_path / "tornado-stream.toml"
        path.write_text(text)
        return read_config(read_sections(path), ENVIRON, Timeouts())

    return read


def test_every_key_is_read(read, tmp_path):
    (tmp_path / "key").write_text("sk-from-file\n")
    first, second, third = read(
        """
        currency = "EUR"

        [upstream.mine]
        base_url = "http://localhost:9000/v1/"
        key_file = "key"
        models = ["a", "b"]
        default_model = "b"
        headers = { X-Title = "chat" }
        can = { a = ["vision", "tools"], b = [] }
        parameters = { temperature = 0.2 }
        connect_timeout = 1
        idle_timeout = 2.5

        [upstream.mine.prices]
        a = { input = 1, output = 2.5, cached_input = 0.1 }
        "b/c" = { input = 0.0, output = 0 }

        [upstream.openai]
        preset = "openai"

        [upstream.azure]
        preset = "azure"
        base_url = "https://mine.openai.azure.com"
        api_version = "2024-10-21"
        key_env = "MY_KEY"
        models = ["my deployment"]
        """
    )
    assert (first.name, first.base_url, first.key) == (
        "mine",
        "http://localhost:9000/v1",
        "sk-from-file",
    )
    assert (first.models, first.default_model) == (("a", "b"), "b")
    assert first.auth_headers == {"X-Title": "chat", "Authorization": "Bearer sk-from-file"}
    assert first.timeouts == Timeouts(connect=1, idle=2.5)
    assert first.can == {"a": ("vision", "tools"), "b": ()}
    assert first.prices == {"a": Price(1, 2.5, 0.1, "EUR"), "b/c": Price(0, 0, None, "EUR")}
    assert (second.base_url, second.key) == ("https://api.openai.com/v1", "sk-openai")
    assert second.default_model == "gpt-5-mini"
    assert third.auth_headers == {"api-key": "sk-mine"}
    path = "/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21"
    assert third.answer_path("my deployment") == path
    assert "sk-" not in repr([first, second, third])


def test_a_base_url_is_cleaned(read):
    (config,) = read(
        "[upstream.a]\nbase_url=' http://bücher.example/a b/v1/?api-version=1&key=ab '\n"
    )
    assert config.base_url == "http://xn--bcher-kva.example/a%20b/v1?api-version=1&key=ab"
    assert (config.query, config.secret) == ("api-version=1&key=ab", "ab")
    assert config.origin == "http://xn--bcher-kva.example/a%20b/v1 (tornado-stream.toml)"
    assert "key=ab" not in repr(config)


OPENAI = "[upstream.a]\npreset = 'openai'\n"


@pytest.mark.parametrize(
    ("text", "in_responses", "in_chat"),
    [
        (OPENAI, ["o3-pro", "gpt-5-pro", "gpt-5.1-codex-mini"], ["gpt-5", "o3", "gpt-4o", "pro"]),
        (OPENAI + "dialect = 'chat'", [], ["o3-pro", "gpt-5"]),
        (OPENAI + "dialect = 'responses'", ["o3-pro", "gpt-5"], []),
        (
            OPENAI + "dialect = {gpt-5 = 'responses', o3-pro = 'chat'}",
            ["gpt-5", "o1-pro"],
            ["o3-pro"],
        ),
        ("[upstream.a]\nbase_url='http://x/v1'", [], ["o3-pro", "m"]),
        ("[upstream.a]\nbase_url='http://x/v1'\ndialect.m='responses'", ["m"], ["m2"]),
    ],
)
def test_a_model_has_the_dialect_of_the_file_or_of_its_preset(read, text, in_responses, in_chat):
    (config,) = read(text)
    for model in in_responses:
        assert config.answers_in_responses(model) and config.answer_path(model) == "/responses"
    for model in in_chat:
        assert not config.answers_in_responses(model)
        assert config.answer_path(model) == "/chat/completions"


def test_deployments_on_azure_have_one_path_for_responses(read):
    (config,) = read(
        "[upstream.a]\npreset='azure'\nbase_url='https://x'\nmodels=['m']\n"
        "api_version='2025-04-01-preview'\ndialect='responses'"
    )
    assert config.answer_path("m") == "/openai/responses?api-version=2025-04-01-preview"


@pytest.mark.parametrize("preset", ["", "preset = 'openai'\n"])
def test_the_header_of_the_key_has_a_name_of_its_own(read, preset):
    text = "[upstream.a]\nbase_url='http://x/v1'\nkey_env='MY_KEY'\nkey_header='X-Key'\n"
    (config,) = read(text + preset)
    assert config.auth_headers == {"X-Key": "sk-mine"}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[upstream.a\n", 1, "line 1"),
        ("upstream = {}", None, "names no upstream"),
        ("upstream = 7", None, "names no upstream"),
        ("\ncolour = 1\n[upstream.a]\n", 2, "colour: there is no such section"),
        ("curency = 'USD'", 1, "did you mean currency?"),
        ("currency = 'dollar'", 1, "a currency code, such as USD"),
        ("[upstream]\na = 7", 1, "must be a table, [upstream.a]"),
        ("[upstream.'a b']\n", 1, "a name has up to 32 letters"),
        ("\n[upstream.a]\nbase_url = 'x'", 3, "base_url: it must be a URL like"),
        ("[upstream.a]\nbase_url = 'http://a b/v1'", 2, "'a b' is not the name of a host"),
        ("[upstream.a]\nbase_url = 'http://x/v1#here'", 2, "it must have no fragment"),
        ("[upstream.a]\nmodels = ['x']", 1, "base_url: this key is required"),
        ("[upstream.a]\nbase_ulr = 'http://x'", 2, "did you mean base_url?"),
        ("[upstream.a]\nbase_url = 7", 2, "base_url: it must be text"),
        ("[upstream.a]\nkey = 'sk-secret'", 2, "must not contain the key"),
        ("[upstream.a]\nbase_url='http://x'\nkey_env = 'NOT_THERE'", 3, "NOT_THERE is not set"),
        (
            "[upstream.a]\nbase_url='http://x'\nkey_env = 'BAD_KEY'",
            3,
            "must be one line of printable",
        ),
        ("[upstream.a]\nbase_url='http://x'\nkey_file = '/no/such'", 3, "cannot read /no/such"),
        ("[upstream.a]\nbase_url='http://x'\nkey_file='x'\nkey_env='Y'", 3, "only one of them"),
        ("[upstream.a]\npreset = 'opnai'", 2, "there is no preset 'opnai'"),
        ("[upstream.a]\npreset = 'azure'\nbase_url='https://x'", 1, "models: this key is required"),
        (
            "[upstream.a]\npreset='azure'\nbase_url='https://x'\nmodels=['m']",
            1,
            "api_version: this key is required",
        ),
        ("[upstream.a]\nbase_url='http://x'\nmodels = 'm'", 3, "a list of names"),
        ("[upstream.a]\nbase_url='http://x'\nidle_timeout = -1", 3, "seconds above 0"),
        ("[upstream.a]\nbase_url='http://x'\nidle_timeout = true", 3, "seconds above 0"),
        ("[upstream.a]\nbase_url='http://x'\nheaders = 7", 3, "must be a table"),
        ("[upstream.a]\nbase_url='http://x'\ndialect = 'respones'", 3, 'be "chat" or "responses"'),
        ("[upstream.a]\nbase_url='http://x'\ndialect = 7", 3, "a table of models with these"),
        ("[upstream.a]\nbase_url='http://x'\ndialect = {m = 7}", 3, "a table of models"),
        ("[upstream.a]\nbase_url='http://x'\n[upstream.a.dialect]\nm = 'x'", 3, "a table of"),
        (
            "[upstream.a]\nbase_url='http://x'\n[upstream.a.headers]\n'x y' = '1'",
            3,
            "not a valid name",
        ),
        ("[upstream.a]\nbase_url='http://x'\nheaders = {x = \"a\\tb\"}", 3, "x must be one line"),
        ("[upstream.a]\nbase_url='http://x'\nheaders = {Host = 'a'}", 3, "cannot be set here"),
        ("[upstream.a]\nbase_url='http://x'\n[upstream.a.prices]\nm = 7", 3, "must have input and"),
        ("[upstream.a]\nbase_url='http://x'\nprices.m = {input=1}", 3, "must have input and"),
        (
            "[upstream.a]\nbase_url='http://x'\nprices.m = {input=1,output='2'}",
            3,
            "must be a number",
        ),
        ("[upstream.a]\nbase_url='http://x'\ncan = {m = ['sing']}", 3, "a list of some of"),
        ("[upstream.a]\nbase_url='http://x'\ncan = {m = 'vision'}", 3, "a list of some of"),
        ("[upstream.a]\nbase_url='http://x'\n[upstream.b]\nbase_url='y'", 4, "upstream.b.base_url"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_key(read, text, line, says):
    with pytest.raises(SettingError) as caught:
        read(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) and "sk-" not in str(caught.value)
    assert "tornado-stream.toml" in str(caught.value)
    if line is not None:
        assert f"line {line}" in str(caught.value)


def test_a_file_that_cannot_be_read_is_reported(tmp_path):
    with pytest.raises(SettingError, match="cannot read .*: No such file"):
        read_sections(tmp_path / "none")
    (tmp_path / "odd").write_bytes(b"\xff")
    with pytest.raises(SettingError, match="not UTF-8"):
        read_sections(tmp_path / "odd")


def test_a_file_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(base_url="http://127.0.0.1:9/v1", data_dir=tmp_path)
    assert [m.name for m in build_provider(settings, environ={}).members] == ["openai"]
    (tmp_path / "tornado-stream.toml").write_text("[upstream.here]\nbase_url = 'http://x/v1'\n")
    assert [m.name for m in build_provider(settings, environ={}).members] == ["here"]
    other = tmp_path / "other.toml"
    other.write_text("[upstream.there]\nbase_url = 'http://y/v1'\n")
    assert [
        m.name for m in build_provider(replace(settings, config=other), environ={}).members
    ] == ["there"]
    with pytest.raises(SettingError):
        build_provider(replace(settings, config=tmp_path / "missing.toml"), environ={})


@pytest.mark.parametrize("text", ["", "currency = 'EUR'", "[preset.Short]\nsystem = 'Be brief.'"])
def test_a_file_without_an_upstream_changes_no_upstream(tmp_path, text):
    file = tmp_path / "presets.toml"
    file.write_text(text)
    settings = Settings(config=file, base_url="http://127.0.0.1:9/v1", data_dir=tmp_path)
    provider = build_provider(settings, environ={})
    assert [(one.name, one.origin) for one in provider.members] == [
        ("openai", "http://127.0.0.1:9/v1 (OPENAI_BASE_URL)")
    ]
    alone = build_provider(replace(settings, base_url=None), environ={})
    assert [one.name for one in alone.members] == ["local"], "as without a file"


BLOCKS = re.findall(r"```toml\n(.*?)```", UPSTREAMS_PAGE.read_text(), re.DOTALL)


def test_the_documentation_has_an_example_for_every_preset():
    named = {match for block in BLOCKS for match in re.findall(r'^preset = "(.+)"', block, re.M)}
    assert named == set(presets())


@pytest.mark.gen_test
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.search(r"upstream\.(\w+)", block)[1])
async def test_every_example_of_the_documentation_works(block, tmp_path, upstream):
    """Reads the example unchanged, then sends a request with its key to the fake upstream."""
    environ = dict.fromkeys(re.findall(r"[A-Z]+(?:_[A-Z]+)+", UPSTREAMS_PAGE.read_text()), "sk-key")
    path = tmp_path / "tornado-stream.toml"
    path.write_text(block)
    for config in read_config(read_sections(path), environ, Timeouts()):
        assert config.models or config.preset.lists_models
        at_fake = replace(config, base_url=upstream.url, preset=at_v1(config.preset))
        provider = OpenAIProvider(Upstream(), at_fake)
        events: list[Any] = []
        await provider.generate(ChatRequest([{"role": "user", "content": "hi"}]), events.append)
        assert "".join(e.content for e in events if isinstance(e, Delta)) == "hi"
        sent = upstream.headers[-1]
        key = sent.get("Api-Key") or sent.get("Authorization", "").removeprefix("Bearer ")
        assert key == (config.key or "")
        assert bool(config.key) == (config.preset.local_port is None)
        await provider.close(1)


def at_v1(preset: Preset) -> Preset:
    """The preset with the only path that the fake upstream serves."""
    return replace(preset, chat_path="/chat/completions")
