"""The tables `[tools.NAME]` of tornado-stream.toml."""

from __future__ import annotations

import pytest

from tornado_stream.config_file import read_sections
from tornado_stream.settings import SettingError
from tornado_stream.tools_host.config import ToolServer, read_tools


@pytest.fixture
def read(tmp_path):
    def read(text: str, **environ: str) -> dict[str, ToolServer]:
        file = tmp_path / "tornado-stream.toml"
        file.write_text(text)
        return read_tools(read_sections(file), environ)

    return read


def test_a_server_has_what_the_file_says(read):
    found = read(
        "[tools.time]\ncommand = ['mcp-server-time', '-v']\nallow = ['get_*', 'x']\n"
        "[tools.notes]\nurl = 'http://127.0.0.1:9000/mcp'\nkey_env = 'KEY'\ntimeout = 5\n"
        "users = ['ada']\n",
        KEY="secret",
    )
    time, notes = found["time"], found["notes"]
    assert time.command == ("mcp-server-time", "-v")
    assert [time.asks(name) for name in ("get_time", "x", "set_time", "forget_x")] == [
        *(False, False, True, True),
    ]
    assert notes.asks("anything")
    assert (notes.timeout, notes.users, time.users) == (5.0, {"ada"}, None)
    assert "secret" not in repr(notes)
    assert notes.for_host()["key"] == "secret"


@pytest.mark.parametrize(
    "table, line, says",
    [
        ("", 1, "tools.a: it must have either a command or a url"),
        ("command = ['a']\nurl = 'http://a'", 1, "it must have either a command or a url"),
        ("command = 'a'", 2, "tools.a.command: it must be a list of texts"),
        ("command = []", 2, 'it must be a list, for example ["mcp-server-time"]'),
        ("url = 'ftp://a'", 2, "tools.a.url: it must be a URL"),
        ("url = 'http://a'\nkey_env = 'NOPE'", 3, "the environment variable NOPE must be set"),
        ("url = 'http://a'\nkey = 'x'", 3, "tools.a.key: there is no such key"),
        ("url = 'http://a'\ntimeout = 0", 3, "it must be a number of seconds, at most 3600"),
        ("url = 'http://a'\nallow = 'x'", 3, "it must be a list of texts"),
        ("url = 'http://a'\nalow = ['x']", 3, "did you mean allow?"),
    ],
)
def test_every_mistake_has_its_line_and_says_what_to_do(read, table, line, says):
    with pytest.raises(SettingError) as caught:
        read(f"[tools.a]\n{table}\n")
    assert f"line {line}: " in str(caught.value)
    assert says in str(caught.value)


def test_a_name_becomes_a_part_of_the_names_that_models_know(read):
    with pytest.raises(SettingError, match="up to 32 letters, digits and -"):
        read("[tools.a_b]\nurl = 'http://a'\n")
