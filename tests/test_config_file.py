"""tornado-stream.toml as a whole: its sections, the lines of mistakes, and changes of the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tornado_stream.auth.user_config import read_user_config
from tornado_stream.config_file import (
    MAX_PARTS,
    MAX_SIZE,
    SECTIONS,
    ConfigFile,
    Reread,
    file_state,
    read_key_file,
    read_sections,
)
from tornado_stream.settings import SettingError, Settings

CONFIGURATION = Path(__file__).parents[1] / "docs/configuration.md"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "chat.toml"


def refused(file, text: str) -> str:
    file.write_text(text)
    with pytest.raises(SettingError) as caught:
        read_sections(file)
    return str(caught.value).removeprefix(str(file))


def test_a_section_that_nobody_reads_is_a_mistake(file):
    for name in ("upstreams", "presets", "prompt", "UPSTREAM", "theme"):
        says = refused(file, f"currency = 'EUR'\n\n[{name}.a]\nx = 1\n")
        assert says.startswith(f", line 3: {name}: there is no such section")
        assert all(section in says for section in SECTIONS), "it names those that there are"
    assert "did you mean preset?" in refused(file, "[presets.a]")


def test_a_mistake_of_a_section_has_its_line(file):
    file.write_text(
        "# a\n[preset.'Be brief']\n  system = \"\"\n[preset.b.options]\nx = 1 # y = 2\n"
    )
    sections = read_sections(file)
    for key, line in [
        ("preset.Be brief", 2),
        ("preset.Be brief.system", 3),
        ("preset.Be brief.text", 2),
        ("preset.b.options.x", 5),
        ("preset.b.model", 1),
        ("preset.b", 4),
        ("preset", 2),
        ("y", 1),
    ]:
        assert sections.line_of(key) == line, key


def test_tables_are_tables(file):
    for text in ("preset = 1", "[[preset]]", "preset.a = 1", "[[preset.a]]"):
        file.write_text(text)
        with pytest.raises(SettingError, match="line 1: preset.*must be"):
            read_sections(file).tables("preset")


def test_what_is_no_file_of_settings_is_refused(file):
    assert "is nested too deeply" in refused(file, "x = " + "[" * 100_000)
    assert f"more than {MAX_SIZE} bytes" in refused(file, "#" * (MAX_SIZE + 1))
    assert "line 2" in refused(file, "\nx = 1 2\n")


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 20_000 + "=1",
        "[a" + " . a" * 20_000 + "]",
        "x = {y = 1, a" + ".'a'" * 33 + "=1}",
    ]
    + ['"""."""' + '."#"' * 40 + " = 1", "#'\na" + ".a" * 32 + "=1"],
)
def test_a_key_of_too_many_parts_is_not_parsed(file, text, monkeypatch):
    monkeypatch.setattr("tomllib.loads", lambda text: pytest.fail("it is parsed"))
    line = text.count("\n") + 2
    says = f", line {line}: a key has more than {MAX_PARTS} parts"
    assert refused(file, f"# a.a\n{text}") == says


def test_dots_in_texts_and_many_short_keys_are_no_mistake(file):
    dots = "a.b." * 1000
    lines = [f"# {dots}", f"[preset.'{dots}']", f'system = "\\"{dots}"', "x.y.z = 1.5e3"]
    lines += [f"[preset.b]\nsystem = '''\n{dots}\n'''", f'description = """\\"""{dots}"""']
    lines += [f"[preset.n{n}.options]\na.b = [1.5, 2.5]" for n in range(100)]
    file.write_text("\n".join(lines))
    assert len(read_sections(file).tables("preset")) == 102


def test_a_message_does_not_repeat_a_long_key(file):
    assert len(refused(file, "z" * 500_000 + " = 1")) < 300


def test_the_file_is_read_once_and_again_when_it_changes(file, monkeypatch):
    import tornado_stream.config_file as module

    reads = []
    read = module.read_sections
    monkeypatch.setattr(module, "read_sections", lambda path: reads.append(1) or read(path))
    file.write_text("currency = 'EUR'")
    config = ConfigFile(Settings(config=file))
    assert config.read() is config.read() and len(reads) == 1
    file.write_text("currency = 'USD' # changed")
    assert config.read().data == {"currency": "USD"} and len(reads) == 2
    file.write_text("colour = 1")
    for _ in range(2):
        with pytest.raises(SettingError):
            config.read()
    file.unlink()
    with pytest.raises(SettingError, match="No such file"):
        config.read()


def test_without_a_file_there_are_no_sections(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ConfigFile(Settings())
    assert (config.path, config.state, config.read().tables("preset")) == (None, None, {})
    Path("tornado-stream.toml").write_text("[preset.a]")
    assert list(ConfigFile(Settings()).read().tables("preset")) == ["a"]


def test_the_documentation_names_every_section():
    rows = re.findall(r"^\| `\[?(\w+)[\].`]", CONFIGURATION.read_text(), re.MULTILINE)
    assert set(SECTIONS) <= set(rows)


def test_a_changed_file_is_read_again_and_one_with_a_mistake_changes_nothing(tmp_path, caplog):
    path, now = tmp_path / "chat.toml", [0.0]
    path.write_text("[budget]\ntokens = 5\n")
    file = ConfigFile(Settings(config=path))
    config = Reread(file, read_user_config, "budgets and admins", lambda: now[0])
    path.write_text("[budget]\ntokens = 66\n")
    assert config().default.tokens == 5  # the file is looked at once in a second
    now[0] = 1.0
    assert config().default.tokens == 66
    path.write_text("[budget]\ntokens = 'many'\n")
    now[0] = 2.0
    assert config().default.tokens == 66
    assert "the budgets and admins stay as they were" in caplog.text
    assert "line 2: budget.tokens" in caplog.text
    caplog.clear()


def test_a_file_of_a_windows_editor_is_read(file):
    file.write_bytes(b"\xef\xbb\xbf# a\r\n[user.ada]\r\nadmin = true\r\n")
    assert read_sections(file).tables("user") == {"ada": {"admin": True}}


def test_a_number_that_python_does_not_read_is_a_mistake(file):
    assert "too large" in refused(file, f"currency = {'9' * 5000}")


def test_a_mistake_is_one_line(file):
    file.write_text('[user."a\\n\\u202eb"]')
    with pytest.raises(SettingError) as caught:
        read_user_config(read_sections(file))
    assert str(caught.value).isprintable() and r"user.a\n\u202eb: a name has" in str(caught.value)


def test_a_file_that_could_not_be_read_is_read_as_soon_as_it_can_be(tmp_path, monkeypatch, caplog):
    path, now, failing = tmp_path / "chat.toml", [0.0], [True]
    path.write_text("[budget]\ntokens = 5\n")
    config = Reread(ConfigFile(Settings(config=path)), read_user_config, "x", lambda: now[0])
    open_file = Path.open

    def full(self, *arguments):
        if failing[0]:
            raise OSError(24, "Too many open files")
        return open_file(self, *arguments)

    path.write_text("[budget]\ntokens = 66\n")
    monkeypatch.setattr(Path, "open", full)
    for now[0] in (1.0, 2.0, 3.0):
        assert config().default.tokens == 5
    assert caplog.text.count("Too many open files") == 1
    failing[0], now[0] = False, 4.0
    assert config().default.tokens == 66
    caplog.clear()


def test_a_state_changes_with_the_rights_of_a_file(tmp_path):
    """Otherwise a file that gets its rights later than its content would never be read."""
    path = tmp_path / "a"
    path.write_text("x")
    before = file_state(path)
    path.chmod(0o640)
    assert file_state(path) != before and file_state(tmp_path / "b") is None


def test_a_file_with_a_key_has_a_bound(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"\xef\xbb\xbfsk-1\n")
    assert read_key_file(path) == "sk-1\n"
    path.write_text("k" * 10_000_000)
    with pytest.raises(ValueError, match="more than 16384 bytes"):
        read_key_file(path)
