"""Settings: flags over environment over default, and one clear line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tornado_stream.settings import Secret, SettingError, Settings, default_data_dir, parse_command


def test_defaults_are_the_contract():
    settings = parse_command([], {}).settings
    assert (settings.host, settings.port) == ("127.0.0.1", 8888)
    assert (settings.connect_timeout, settings.first_byte_timeout) == (10, 120)
    assert (settings.idle_timeout, settings.answer_timeout) == (60, 1800)
    assert (settings.drain_timeout, settings.heartbeat) == (25, 15)
    assert settings.base_url is settings.api_key is settings.model is None
    assert not settings.no_local


def test_default_limits_are_the_contract():
    settings = parse_command([], {}).settings
    assert (settings.max_connections, settings.max_connections_per_address) == (20_000, None)
    assert (settings.header_timeout, settings.body_timeout) == (15, 20)
    assert settings.keep_alive_timeout == 60
    assert (settings.max_body, settings.max_message) == (1024**2, 0)
    assert settings.max_conversation == 16 * 1024**2
    assert (settings.max_answers, settings.max_answers_per_user) == (4000, 0)


def test_a_flag_wins_over_the_environment():
    environ = {"TORNADO_STREAM_PORT": "1234", "OPENAI_MODEL": "a", "TORNADO_STREAM_NO_LOCAL": "1"}
    settings = parse_command(["--port", "4321", "--idle-timeout", "0.5"], environ).settings
    assert (settings.port, settings.model, settings.no_local) == (4321, "a", True)
    assert settings.idle_timeout == 0.5


def test_an_empty_variable_is_one_that_is_not_set():
    assert parse_command([], {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}).settings == Settings()


def test_base_urls_lose_their_last_slash():
    settings = parse_command([], {"OPENAI_BASE_URL": "http://localhost:11434/v1/"}).settings
    assert settings.base_url == "http://localhost:11434/v1"


@pytest.mark.parametrize(
    ("argv", "environ", "says"),
    [
        (["--prot", "1"], {}, "did you mean --port?"),
        (["--port", "x"], {}, "from 0 (any free one) to 65535"),
        (["--port", "65536"], {}, "65535"),
        (["--port"], {}, "--port: expected one argument"),
        (["serve"], {}, "there is no serve"),
        (["--idle-timeout", "-1"], {}, "seconds above 0"),
        (["--idle-timeout", "nan"], {}, "seconds above 0"),
        (["--answer-timeout", "inf"], {}, "seconds above 0"),
        (["--log-level", "loud"], {}, "debug, info, warning, error"),
        (["--log-format", "xml"], {}, "text, json"),
        (["sk-1234567890"], {}, "there is no ***"),
        (["--port", "sk-1234567890"], {}, "--port cannot be '***'"),
        (["--base-url", "http://u:sk-1@host:0"], {}, "--base-url cannot be that value"),
        (["--allowed-hosts", "http://x"], {}, "host names without ports"),
        (["--trusted-proxies", "10.0.0.1/8"], {}, "10.0.0.0/8"),
        (["--base-url", "localhost:11434"], {}, "http://localhost:11434/v1"),
        (["--base-url", "ftp://localhost"], {}, "http://localhost:11434/v1"),
        (["--base-url", "http://[::1"], {}, "http://localhost:11434/v1"),
        (["--max-connections", "0"], {}, "a whole number above 0"),
        (["--max-answers", "many"], {}, "a whole number above 0"),
        (["--max-body", "1.5"], {}, "a whole number above 0"),
        (["--max-message", "-1"], {}, "0 is no limit"),
        (["--max-connections-per-address", "²"], {}, "0 is no limit"),
        (["--header-timeout", "0"], {}, "seconds above 0"),
        (["--model", " "], {}, "must not be empty"),
        ([], {"TORNADO_STREAM_HEARBEAT": "1"}, "did you mean TORNADO_STREAM_HEARTBEAT?"),
        ([], {"TORNADO_STREAM_PORT": "tcp://10.0.0.1:8888"}, "TORNADO_STREAM_PORT"),
        ([], {"TORNADO_STREAM_NO_LOCAL": "maybe"}, "1 or 0"),
        ([], {"OPENAI_API_KEY": "sk-\n1"}, "OPENAI_API_KEY"),
        ([], {"TORNADO_STREAM_PASSWORD": "sk-\udcff"}, "a password is text in UTF-8"),
        ([], {"TORNADO_STREAM_TOKEN": "sk-short"}, "at least 16 characters"),
        (["--password", "sk-x"], {}, "did you mean --password-file?"),
        (["--password-file", "/no/such/file"], {}, "password_file: cannot read /no/such/file"),
        (["--password-file", "/dev/null"], {}, "the first line of /dev/null is empty"),
        (["--token-file", "/dev"], {}, "token_file: cannot read /dev"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(argv, environ, says):
    with pytest.raises(SettingError) as caught:
        parse_command(argv, environ)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_a_service_link_is_not_a_setting():
    environ = {"TORNADO_STREAM_SERVICE_HOST": "10.0.0.1", "TORNADO_STREAM_PORT_8888_TCP": "x"}
    assert parse_command([], environ).settings == Settings()


def test_the_key_shows_itself_to_nobody():
    settings = parse_command([], {"OPENAI_API_KEY": "sk-canary"}).settings
    assert settings.api_key == "sk-canary"
    assert "canary" not in repr(settings) and "canary" not in repr(Secret("canary"))


def test_all_that_must_be_read_nowhere():
    environ = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": "http://u:p%40ss@host/v1"}
    settings = parse_command([], environ).settings
    assert {"sk-canary", "p@ss"} <= set(settings.secrets)
    assert "p%40ss" not in repr(settings)
    assert Settings(base_url="http://token@host/v1").secrets == ("token",)
    assert Settings().secrets == ()


def test_a_secret_can_be_the_first_line_of_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("sk-canary \u00e9\r\nmore\n")
    settings = parse_command(["--password-file", str(file)], {}).settings
    assert settings.password == "sk-canary \u00e9" and "canary" not in repr(settings)
    file.write_text("sk-canary-canary-canary")
    environ = {"TORNADO_STREAM_TOKEN_FILE": str(file)}
    assert parse_command([], environ).settings.token == "sk-canary-canary-canary"
    with pytest.raises(SettingError, match="TORNADO_STREAM_TOKEN and token_file are both set"):
        parse_command([], environ | {"TORNADO_STREAM_TOKEN": "sk-another-canary"})
    file.write_text("sk-short")
    with pytest.raises(SettingError) as caught:
        parse_command([], environ)
    assert "that value: a token has" in str(caught.value) and "sk-" not in str(caught.value)


def test_users_are_changed_by_commands():
    assert parse_command([], {}).user_command is None
    assert parse_command(["--new-token", "anna"], {}).user_command == ("new-token", "anna")


def test_the_key_can_be_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("sk-canary\n")
    assert parse_command([], {"OPENAI_API_KEY_FILE": str(file)}).settings.api_key == "sk-canary"
    assert parse_command(["--api-key-file", str(file)], {}).settings.api_key == "sk-canary"


@pytest.mark.parametrize(
    ("content", "environ", "says"),
    [
        (None, {}, "No such file"),
        (b"\nsk-1", {}, "is empty"),
        ("sk-\u00e9".encode(), {}, "letters, digits and signs"),
        (b"\xffsk-", {}, "not UTF-8"),
        (b"sk-1", {"OPENAI_API_KEY": "sk-2"}, "both set"),
    ],
)
def test_a_file_without_a_key_is_said_in_one_line(tmp_path, content, environ, says):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingError) as caught:
        parse_command(["--api-key-file", str(file)], environ)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) and "sk-" not in str(caught.value)


def test_help_tells_flag_default_and_environment(capsys):
    with pytest.raises(SystemExit) as caught:
        parse_command(["--help"], {})
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--heartbeat SECONDS Silence" in text
    assert "[15] $TORNADO_STREAM_HEARTBEAT" in text


def test_data_lives_where_the_platform_keeps_it(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/x/tornado-stream")
    monkeypatch.setattr("sys.platform", "win32")
    assert default_data_dir({"LOCALAPPDATA": "/y"}) == Path("/y/tornado-stream")
