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
    database = parse_command(["--database", "postgresql://u:p%40ss@host/db"], {}).settings
    assert {"p@ss", "p%40ss"} <= set(database.secrets)
    assert "p%40ss" not in repr(database)
    assert Settings(database="postgresql://user@host/db").secrets == ()
    assert Settings().secrets == ()


def test_the_data_directory_is_the_platforms(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/x/tornado-stream")
    monkeypatch.setattr("sys.platform", "win32")
    assert default_data_dir({"LOCALAPPDATA": "/y"}) == Path("/y/tornado-stream")


@pytest.mark.parametrize("given", ["Remote-User", "x-forwarded-user", "Cf-Access-User", "X-Auth-1"])
def test_the_header_of_a_user_has_a_name_of_its_own(given):
    assert parse_command(["--user-header", given], {}).settings.user_header == given


@pytest.mark.parametrize(
    "given",
    [
        *("Remote_User", "", " ", "Remote User", "Remote-User:", "1-User", "Ünser", "x" * 65),
        *("Cookie", "authorization", "HOST", "X-Forwarded-For", "x-forwarded-proto", "Origin"),
        *("User-Agent", "Accept-Language", "Sec-Fetch-Site", "Content-Type", "X-Request-Id"),
    ],
)
def test_a_header_that_means_something_else_names_no_user(given):
    with pytest.raises(SettingError, match="user-header|must not be empty"):
        settings = parse_command([f"--user-header={given}"], {}).settings
        assert settings.user_header is None, "an empty value counts as not set"
        raise SettingError("--user-header")


@pytest.mark.parametrize(
    ("given", "right"),
    [
        *(("https://auth.example.org/out?rd=/", True), ("/oauth2/sign_out", True)),
        *(("http://localhost:9091", True), ("//evil.example", False), ("/\\evil.example", False)),
        *(("javascript:alert(1)", False), ("auth.example.org/out", False), ("ftp://a/b", False)),
        *(("https://a.example/\r\nX: 1", False), ("https://ä.example/", False), ("/ä", False)),
    ],
)
def test_the_address_for_logging_out_is_a_url_or_a_path(given, right):
    if right:
        assert parse_command(["--logout-url", given], {}).settings.logout_url == given
    else:
        with pytest.raises(SettingError, match="logout-url"):
            parse_command(["--logout-url", given], {})
