"""The table of settings: defaults, secrets, and the platform's data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tornado_stream.command_line import parse_command
from tornado_stream.settings import Secret, SettingError, Settings, default_data_dir


def test_the_default_settings():
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8888)
    assert (settings.connect_timeout, settings.first_byte_timeout) == (10, 120)
    assert (settings.idle_timeout, settings.answer_timeout) == (60, 1800)
    assert (settings.drain_timeout, settings.heartbeat) == (25, 15)
    assert settings.base_url is settings.api_key is settings.model is None
    assert not settings.no_local


def test_the_default_limits():
    settings = Settings()
    assert (settings.max_connections, settings.max_connections_per_address) == (20_000, None)
    assert (settings.header_timeout, settings.body_timeout) == (15, 20)
    assert settings.keep_alive_timeout == 60
    assert (settings.max_body, settings.max_message) == (1024**2, 0)
    assert (settings.max_v1_body, settings.max_v1_values) == (32 * 1024**2, 100_000)
    assert settings.max_conversation == 16 * 1024**2
    assert settings.max_bodies == 256 * 1024**2
    assert (settings.max_answers, settings.max_answers_per_user) == (4000, 0)


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("https://chat.example", ("https://chat.example",)),
        (
            " HTTP://Localhost:3000, app://obsidian.md ",
            ("http://localhost:3000", "app://obsidian.md"),
        ),
        ("https://a.example:443,http://b.example:80", ("https://a.example", "http://b.example")),
        ("https://a.example:80,http://[::1]:8080", ("https://a.example:80", "http://[::1]:8080")),
        ("", ()),
    ],
)
def test_allowed_origins_are_those_that_browsers_send(given, origins):
    settings = parse_command([], {"TORNADO_STREAM_ALLOWED_ORIGINS": given}).settings
    assert settings.allowed_origins == origins


@pytest.mark.parametrize(
    "given",
    [
        *("*", "https://a.example,*", "https://*.example", "null", "a.example", "localhost:3000"),
        *(
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://u@a.example",
        ),
        *("https://", "https://a.example:", "https://a.example:x", "https://a b", "https://[::1"),
    ],
)
def test_a_wrong_origin_is_refused_in_words(given):
    with pytest.raises(SettingError, match="origin"):
        parse_command(["--allowed-origins", given], {})


def test_base_urls_lose_their_last_slash():
    settings = parse_command([], {"OPENAI_BASE_URL": "http://localhost:11434/v1/"}).settings
    assert settings.base_url == "http://localhost:11434/v1"


def test_a_secret_is_masked_in_repr():
    settings = parse_command([], {"OPENAI_API_KEY": "sk-canary"}).settings
    assert settings.api_key == "sk-canary"
    assert "canary" not in repr(settings) and "canary" not in repr(Secret("canary"))


def test_secrets_lists_everything_that_must_be_masked():
    environ = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": "http://u:p%40ss@host/v1"}
    settings = parse_command([], environ).settings
    assert {"sk-canary", "p@ss"} <= set(settings.secrets)
    assert "p%40ss" not in repr(settings)
    assert Settings(base_url="http://token@host/v1").secrets == ("token",)
    assert Settings().secrets == ()


def test_the_data_directory_is_the_platforms(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/x/tornado-stream")
    monkeypatch.setattr("sys.platform", "win32")
    assert default_data_dir({"LOCALAPPDATA": "/y"}) == Path("/y/tornado-stream")
