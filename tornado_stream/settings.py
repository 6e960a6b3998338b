"""Every setting, once: name, default, help, flag, environment variable, what it may be.

The table is the fields of `Settings`; flags, `--help` and docs/configuration.md are made from it.
A flag wins over the environment, the environment over the default. Nothing else reads either.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from tornado_stream import __version__
from tornado_stream.observe.masking import mask

PREFIX = "TORNADO_STREAM_"
#: What container platforms put into the environment for a service of this name; not ours.
SERVICE_LINK = re.compile(PREFIX + r"(SERVICE_(HOST|PORT)|PORT_\d+_).*|" + PREFIX + r"SERVICE_.*")


class SettingError(ValueError):
    """A setting that cannot be used; the message says what is wrong and what would be right."""


class Secret(str):
    """Text that shows itself only to who asks for it as text: not in repr, not in a traceback."""

    def __repr__(self) -> str:
        return "Secret(***)"


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where data lives where nothing is said: the platform's directory for it."""
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "tornado-stream"


# Each of these turns text into a value or raises ValueError, whose message says what is right.


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError("a port is a number from 0 (any free one) to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 31_536_000:
        raise ValueError("it takes seconds above 0, fractions allowed, for example 2.5")
    return seconds


def _seconds_or_none(text: str) -> float:
    return 0.0 if text in ("0", "0.0") else _seconds(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15 or int(text) < 1:
        raise ValueError("it takes a whole number above 0")
    return int(text)


def _count_or_none(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise ValueError("it takes a whole number; 0 is no limit")
    return int(text)


def parse_url(text: str) -> str:
    """A base URL, without its last slash. Raises `ValueError`."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise ValueError("it takes a URL like http://localhost:11434/v1")
    text = text.rstrip("/")
    return Secret(text) if "@" in parts.netloc else text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", name):
            raise ValueError("it takes host names without ports, separated by commas")
    return names


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("it takes addresses like 10.0.0.5 or 10.0.0.0/8") from None


def _word(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("it must not be empty")
    return text.strip()


def _key(text: str) -> Secret:
    if not text.strip().isascii() or not text.strip().isprintable():
        raise ValueError("a key is made of letters, digits and signs on one line")
    return Secret(text.strip())


def _password(text: str) -> Secret:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a password is text in UTF-8") from None
    if len(text) > LONGEST_PASSWORD:
        raise ValueError(f"a password has at most {LONGEST_PASSWORD} characters")
    return Secret(text)


def _token(text: str) -> Secret:
    token = _key(text)
    if len(token) < 16:
        raise ValueError("a token has at least 16 characters; --new-token makes one")
    return token


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("it takes a path")
    return Path(text).expanduser().absolute()


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"it takes one of {', '.join(words)}")
        return text.lower()

    return parse


def _switch(text: str) -> bool:
    value = {"1": True, "true": True, "yes": True, "on": True}.get(text.lower())
    if value is None and text.lower() not in ("0", "false", "no", "off"):
        raise ValueError("it takes 1 or 0")
    return bool(value)


#: Characters of a password. Composing the letters of a long text could take for ever.
LONGEST_PASSWORD = 1024

#: What can be done with users from the command line, as flags that take a name.
USER_COMMANDS = {
    "set-password": "Set the password of a user, who is made if there is none, and exit. It is "
    "asked for twice, or read from standard input.",
    "new-token": "Make a bearer token for a user, print it once, and exit.",
    "remove-tokens": "Remove all tokens of a user, and exit.",
    "remove-user": "Remove a user with their sessions and tokens, and exit. Their conversations "
    "stay.",
}

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")


def _setting(
    default: Any,
    parse: Callable[[str], Any],
    help: str,
    *,
    metavar: str = "",
    env: str | None = None,
    flag: bool = True,
    shown_default: str | None = None,
) -> Any:
    """A row of the table. `env` None is the prefix and the field's name; `flag` False: none, for
    what must not be seen in a list of processes."""
    metadata = {
        "parse": parse,
        "help": help,
        "metavar": metavar,
        "env": env,
        "flag": flag,
        "shown_default": shown_default,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """All settings, valid. Times are in seconds."""

    host: str = _setting("127.0.0.1", _word, "Address to listen on.", metavar="ADDRESS")
    port: int = _setting(8888, _port, "Port to listen on; 0 takes any free one.", metavar="PORT")
    allowed_hosts: tuple[str, ...] = _setting(
        (),
        _names,
        "Host names the server may be called by, besides localhost, 127.0.0.1 and [::1]; "
        "separated by commas.",
        metavar="NAMES",
        shown_default="none",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (),
        _networks,
        "Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; "
        "separated by commas.",
        metavar="ADDRESSES",
        shown_default="none",
    )
    password: Secret | None = _setting(
        None,
        _password,
        "Password of the user local. With it, a token or a user, everybody has to log in.",
        flag=False,
        shown_default="none",
    )
    password_file: Path | None = _setting(
        None,
        _path,
        "A file whose first line is that password.",
        metavar="PATH",
        shown_default="none",
    )
    token: Secret | None = _setting(
        None,
        _token,
        "Bearer token of the user local, for programs.",
        flag=False,
        shown_default="none",
    )
    token_file: Path | None = _setting(
        None,
        _path,
        "A file whose first line is that token.",
        metavar="PATH",
        shown_default="none",
    )
    allow_anyone: bool = _setting(
        False,
        _switch,
        "Listen on an address that others can reach without a login: whoever reaches it can read "
        "and delete every conversation, and use the model at your cost.",
    )
    config: Path | None = _setting(
        None,
        _path,
        "File that names the upstreams (docs/upstreams.md).",
        metavar="PATH",
        shown_default="tornado-stream.toml in the working directory, where there is one",
    )
    base_url: str | None = _setting(
        None,
        parse_url,
        "Base URL of an OpenAI-compatible server, with its /v1. With neither this nor "
        "OPENAI_API_KEY nor a file, a server on this machine is looked for.",
        metavar="URL",
        env="OPENAI_BASE_URL",
        shown_default="https://api.openai.com/v1 where OPENAI_API_KEY is set",
    )
    api_key: Secret | None = _setting(
        None,
        _key,
        "Key for that server. There is no flag for it: flags can be seen by other users.",
        env="OPENAI_API_KEY",
        flag=False,
        shown_default="none",
    )
    api_key_file: Path | None = _setting(
        None,
        _path,
        "A file whose first line is that key.",
        metavar="PATH",
        env="OPENAI_API_KEY_FILE",
        shown_default="none",
    )
    model: str | None = _setting(
        None,
        _word,
        "Model to use where a request names none.",
        metavar="NAME",
        env="OPENAI_MODEL",
        shown_default="gpt-5-mini at OpenAI, elsewhere the first that the server lists",
    )
    data_dir: Path = _setting(
        None,
        _path,
        "Directory for data.",
        metavar="PATH",
        shown_default="tornado-stream in the user's data directory",
    )
    connect_timeout: float = _setting(
        10.0, _seconds, "Time to reach the model's server.", metavar="SECONDS"
    )
    first_byte_timeout: float = _setting(
        120.0, _seconds, "Time until the first byte of an answer.", metavar="SECONDS"
    )
    idle_timeout: float = _setting(
        60.0, _seconds, "Longest silence within an answer.", metavar="SECONDS"
    )
    answer_timeout: float = _setting(
        1800.0, _seconds, "Longest time for one answer.", metavar="SECONDS"
    )
    heartbeat: float = _setting(
        15.0, _seconds, "Silence after which a comment is sent to readers.", metavar="SECONDS"
    )
    write_timeout: float = _setting(
        30.0, _seconds, "Time a reader may take nothing before it is let go.", metavar="SECONDS"
    )
    drain_timeout: float = _setting(
        25.0,
        _seconds_or_none,
        "Time that running answers have to finish after SIGTERM or Ctrl-C; 0: none.",
        metavar="SECONDS",
    )
    max_connections: int = _setting(
        20_000,
        _count,
        "Connections of clients at a time; fewer where the system gives fewer file descriptors.",
        metavar="N",
    )
    max_connections_per_address: int | None = _setting(
        None,
        _count_or_none,
        "Connections from one address (IPv6: one /64) at a time, but for trusted proxies; 0: any.",
        metavar="N",
        shown_default="any from this machine, 256 from others",
    )
    header_timeout: float = _setting(
        15.0, _seconds, "Time that the head of a request may take to arrive.", metavar="SECONDS"
    )
    body_timeout: float = _setting(
        20.0, _seconds, "Time that the body of a request may take to arrive.", metavar="SECONDS"
    )
    keep_alive_timeout: float = _setting(
        60.0, _seconds, "Time a connection is kept for a next request.", metavar="SECONDS"
    )
    max_body: int = _setting(1024 * 1024, _count, "Bytes of a request's body.", metavar="BYTES")
    max_message: int = _setting(
        0,
        _count_or_none,
        "Bytes of one message, as UTF-8; 0: as many as the body may have.",
        metavar="BYTES",
    )
    max_conversation: int = _setting(
        16 * 1024 * 1024,
        _count_or_none,
        "Bytes of conversation that are sent to the model with one question; 0: any.",
        metavar="BYTES",
    )
    max_answers: int = _setting(
        4000,
        _count,
        "Answers that run at a time; fewer where the system gives fewer file descriptors.",
        metavar="N",
    )
    max_answers_per_user: int = _setting(
        0, _count_or_none, "Answers of one user that run at a time; 0: any.", metavar="N"
    )
    no_discovery: bool = _setting(
        False,
        _switch,
        "Do not look for Ollama, llama.cpp, LM Studio and vLLM on their usual ports of this "
        "machine.",
    )
    no_local: bool = _setting(False, _switch, "Do not start the local model.")
    local_model: Path | None = _setting(
        None,
        _path,
        "Weights of the local model, a .gguf file.",
        metavar="PATH",
        shown_default="what is installed, else what --fetch-model fetched",
    )
    log_level: str = _setting(
        "info", _one_of(*LOG_LEVELS), f"What is logged: {', '.join(LOG_LEVELS)}.", metavar="LEVEL"
    )
    log_format: str = _setting(
        "text",
        _one_of(*LOG_FORMATS),
        f"How it is logged, one line each: {', '.join(LOG_FORMATS)}.",
        metavar="FORMAT",
    )

    def __post_init__(self) -> None:
        if self.data_dir is None:
            object.__setattr__(self, "data_dir", default_data_dir())

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must be read nowhere."""
        values = [str(v) for v in vars(self).values() if isinstance(v, Secret)]
        login = urlsplit(self.base_url or "").netloc.rpartition("@")[0]
        user, _, password = login.partition(":")
        return tuple(dict.fromkeys(filter(None, [*values, unquote(password or user)])))


@dataclass(frozen=True)
class Command:
    """What the command line asks for."""

    settings: Settings
    fetch_model: bool = False
    user_command: tuple[str, str] | None = None  # one of USER_COMMANDS, and the user's name


def env_name(setting: Field[Any]) -> str:
    """The environment variable of a row of the table."""
    return setting.metadata["env"] or PREFIX + setting.name.upper()


def flag_name(setting: Field[Any]) -> str:
    """The flag of a row of the table; empty where it has none."""
    return "--" + setting.name.replace("_", "-") if setting.metadata["flag"] else ""


def shown_default(setting: Field[Any]) -> str:
    """The default as help and docs show it."""
    if setting.metadata["shown_default"]:
        return str(setting.metadata["shown_default"])
    if isinstance(setting.default, bool):
        return "off"
    return f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)


def parse_command(argv: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Read flags and environment. Raises `SettingError`; exits for --help and --version."""
    namespace, unknown = _parser().parse_known_args(argv)
    if unknown:
        word = unknown[0].partition("=")[0]
        raise SettingError(f"there is no {mask(word)}{_suggestion(word, _flags())}")
    arguments = vars(namespace)
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name, source = env_name(setting), environ.get(env_name(setting))
        if arguments.get(setting.name) is not None:
            name, source = flag_name(setting), arguments[setting.name]
        if source:  # an empty variable is one that is not set
            values[setting.name] = _parse(setting, name, source)
    _refuse_unknown(environ)
    _from_files(values)
    return Command(Settings(**values), arguments["fetch_model"], arguments["user_command"])


def _from_files(values: dict[str, Any]) -> None:
    """Read the secrets that are in files."""
    for secret in (s for s in fields(Settings) if f"{s.name}_file" in values):
        name = f"{secret.name}_file"
        path = values[name]
        if secret.name in values:
            raise SettingError(f"{env_name(secret)} and {name} are both set; one is enough")
        try:
            line = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SettingError(f"{name}: cannot read {path} ({why})") from None
        if not line:
            raise SettingError(f"{name}: the first line of {path} is empty")
        values[secret.name] = _parse(secret, f"the first line of {path}", line)


def _user_command(command: str, name: str) -> tuple[str, str]:
    return command, name


def markdown_table() -> str:
    """The table as docs/configuration.md holds it."""
    rows = ["| Flag | Environment | Default | What it is |", "| --- | --- | --- | --- |"]
    for s in fields(Settings):
        flag = f"`{flag_name(s)}`" if flag_name(s) else ""
        rows.append(f"| {flag} | `{env_name(s)}` | {shown_default(s)} | {s.metadata['help']} |")
    return "\n".join(rows) + "\n"


def _parse(setting: Field[Any], name: str, text: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        secret = not setting.metadata["flag"] or "@" in text  # a URL with a password
        shown = "that value" if secret else repr(mask(text))
        raise SettingError(f"{name} cannot be {shown}: {error}") from None


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {env_name(setting) for setting in fields(Settings)}
    for name in environ:
        if name.startswith(PREFIX) and name not in known and not SERVICE_LINK.fullmatch(name):
            raise SettingError(f"there is no setting {name}{_suggestion(name, known)}")


def _flags() -> set[str]:
    return {flag for setting in fields(Settings) if (flag := flag_name(setting))}


def _suggestion(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else "; --help lists them"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingError(message)


def _parser() -> _Parser:
    parser = _Parser(
        prog="python main.py",
        description="A streaming chat server: a page, and any OpenAI-compatible model behind it.",
        epilog="Every flag can also be set by the environment variable after it.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--fetch-model",
        action="store_true",
        help="Fetch the weights of the local model into the data directory, and exit.",
    )
    users = parser.add_mutually_exclusive_group()
    for name, help in USER_COMMANDS.items():
        users.add_argument(
            f"--{name}",
            metavar="NAME",
            dest="user_command",
            type=partial(_user_command, name),
            help=help,
        )
    for setting, help in _help_lines():
        if not setting.metadata["metavar"]:
            parser.add_argument(
                flag_name(setting), action="store_const", const="1", help=help, default=None
            )
        elif flag_name(setting):
            metavar = setting.metadata["metavar"]
            parser.add_argument(flag_name(setting), metavar=metavar, help=help, default=None)
    return parser


def _help_lines() -> Iterator[tuple[Field[Any], str]]:
    for setting in fields(Settings):
        if setting.metadata["flag"]:
            text = f"{setting.metadata['help']} [{shown_default(setting)}] ${env_name(setting)}"
            yield setting, text.replace("%", "%%")
