"""The command line: flags override the environment, and an error is one clear line."""

from __future__ import annotations

import pytest

from tornado_stream.command_line import parse_command
from tornado_stream.settings import SettingError, Settings


def test_without_flags_and_variables_every_setting_has_its_default():
    assert parse_command([], {}).settings == Settings()


def test_a_flag_wins_over_the_environment():
    environ = {"TORNADO_STREAM_PORT": "1234", "OPENAI_MODEL": "a", "TORNADO_STREAM_NO_LOCAL": "1"}
    settings = parse_command(["--port", "4321", "--idle-timeout", "0.5"], environ).settings
    assert (settings.port, settings.model, settings.no_local) == (4321, "a", True)
    assert settings.idle_timeout == 0.5


def test_an_empty_variable_counts_as_not_set():
    assert parse_command([], {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}).settings == Settings()


@pytest.mark.parametrize(
    ("argv", "environ", "says"),
    [
        (["--prot", "1"], {}, "did you mean --port?"),
        (["--port", "x"], {}, "from 0 (any free one) to 65535"),
        (["--port", "65536"], {}, "65535"),
        (["--port"], {}, "--port: expected one argument"),
        (["serve"], {}, "there is no serve"),
        (["--idle-timeout", "-1"], {}, "a number of seconds above 0"),
        (["--idle-timeout", "nan"], {}, "a number of seconds above 0"),
        (["--answer-timeout", "inf"], {}, "a number of seconds above 0"),
        (["--log-level", "loud"], {}, "debug, info, warning, error"),
        (["--log-format", "xml"], {}, "text, json"),
        (["--synchronous", "off"], {}, "normal, full"),
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
        (["--max-message", "-1"], {}, "0 means no limit"),
        (["--max-connections-per-address", "²"], {}, "0 means no limit"),
        (["--header-timeout", "0"], {}, "a number of seconds above 0"),
        (["--model", " "], {}, "must not be empty"),
        ([], {"TORNADO_STREAM_HEARBEAT": "1"}, "did you mean TORNADO_STREAM_HEARTBEAT?"),
        ([], {"TORNADO_STREAM_PORT": "tcp://10.0.0.1:8888"}, "TORNADO_STREAM_PORT"),
        ([], {"TORNADO_STREAM_NO_LOCAL": "maybe"}, "1 or 0"),
        ([], {"OPENAI_API_KEY": "sk-\n1"}, "OPENAI_API_KEY"),
        ([], {"TORNADO_STREAM_PASSWORD": "sk-\udcff"}, "a password must be text in UTF-8"),
        ([], {"TORNADO_STREAM_TOKEN": "sk-short"}, "at least 16 characters"),
        (["--password", "sk-x"], {}, "did you mean --password-file?"),
        (["bakcup", "file"], {}, "did you mean backup?"),
        (["--password-file", "/no/such/file"], {}, "password_file: cannot read /no/such/file"),
        (["--password-file", "/dev/null"], {}, "the first line of /dev/null is empty"),
        (["--token-file", "/dev"], {}, "token_file: cannot read /dev"),
        (["--database", "mysql://u:sk-1@host/db"], {}, "a URL like postgresql://user@host/"),
        (["--database", "postgresql://u:sk-1@host"], {}, "it must name a database"),
        (["--database", "postgresql://u:sk-1#2@host/db"], {}, "write a # in it as %23"),
    ],
)
def test_an_error_is_one_line_without_secrets(argv, environ, says):
    with pytest.raises(SettingError) as caught:
        parse_command(argv, environ)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_the_variables_of_a_docker_link_are_ignored():
    environ = {"TORNADO_STREAM_SERVICE_HOST": "10.0.0.1", "TORNADO_STREAM_PORT_8888_TCP": "x"}
    assert parse_command([], environ).settings == Settings()


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


def test_a_command_on_users():
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
def test_a_file_without_a_key_is_an_error_of_one_line(tmp_path, content, environ, says):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingError) as caught:
        parse_command(["--api-key-file", str(file)], environ)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) and "sk-" not in str(caught.value)


def test_help_shows_flag_default_and_environment_variable(capsys):
    with pytest.raises(SystemExit) as caught:
        parse_command(["--help"], {})
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--heartbeat SECONDS Silence" in text
    assert "[15] $TORNADO_STREAM_HEARTBEAT" in text
