"""Every setting once: its name, default, help text and parser, in the table `Settings`.

The command line, `--help` and docs/configuration.md are made from this table (`command_line`).
The rule: a setting is parsed once, by its row, and every other module gets a valid `Settings`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from tornado_stream.values.urls import (
    clean_base_url,
    database_secrets,
    parse_database_url,
    url_secrets,
)

#: The most characters of a password. NFC normalization of an unlimited text could take very long.
LONGEST_PASSWORD = 1024

#: The most processes that serve.
MAX_WORKERS = 64

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
SYNCHRONOUS = ("normal", "full")
PROXY_USERS = ("known", "any")


class SettingError(ValueError):
    """A setting cannot be used. The message says what is wrong and what would be right."""


class Secret(str):
    """A str whose repr is masked, so that tracebacks do not show it."""

    def __repr__(self) -> str:
        return "Secret(***)"


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory for user data on this platform."""
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "tornado-stream"


# The parsers. Each converts text into a value, or raises a ValueError that says what is right.


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError("a port is a number from 0 (any free one) to 65535")
    return int(text)


_SEGMENT = r"/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"


def _base_path(text: str) -> str:
    """The path without a slash at its end; "" for the root."""
    path = text.removesuffix("/")
    if not re.fullmatch(rf"(?:{_SEGMENT})*", path):
        raise ValueError(
            "it must be a path like /chat or /tools/chat: it begins with a slash, and each of its "
            "parts has letters, digits, and the signs . _ ~ -"
        )
    return path


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 31_536_000:
        raise ValueError("it must be a number of seconds above 0, for example 2.5")
    return seconds


def _seconds_or_none(text: str) -> float:
    return 0.0 if text in ("0", "0.0") else _seconds(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15 or int(text) < 1:
        raise ValueError("it must be a whole number above 0")
    return int(text)


def _workers(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < 3
    if not (is_number and 1 <= int(text) <= MAX_WORKERS):
        raise ValueError(f"it must be a number from 1 to {MAX_WORKERS}")
    return int(text)


def _count_or_none(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise ValueError("it must be a whole number; 0 means no limit")
    return int(text)


def parse_url(text: str) -> str:
    """A base URL, cleaned; a `Secret` if it holds a password or a key. Raises `ValueError`."""
    url = clean_base_url(text)
    return Secret(url) if url_secrets(url) else url


def _database(text: str) -> str:
    """A `Secret`, if the URL holds a password."""
    url = parse_database_url(text)
    return Secret(url) if database_secrets(url) else url


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", name):
            raise ValueError("it must be host names without ports, separated by commas")
    return names


_ORIGIN = r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[^][/?#@:*\s]+)(?::\d{1,5})?"


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if "*" in origins:
        raise ValueError("name each origin: with * every web site could use this server")
    for origin in origins:
        if not re.fullmatch(
            r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[^][/?#@:*\s]+)(:\d{1,5})?", origin
        ):
            raise ValueError(
                "it must be origins like https://chat.example or http://localhost:3000, "
                "separated by commas"
            )
    # Browsers leave the usual port out.
    return tuple(re.sub(r"^(http://.*):80$|^(https://.*):443$", r"\1\2", o) for o in origins)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("it must be addresses like 10.0.0.5 or 10.0.0.0/8") from None


#: Headers of requests that mean something else, and would log in everybody or nobody.
_TAKEN_HEADERS = re.compile(
    r"accept.*|authorization|connection|content-.*|cookie|host|idempotency-key|if-.*|"
    r"last-event-id|origin|referer|sec-.*|te|trailer|transfer-encoding|upgrade.*|user-agent|"
    r"x-forwarded-(?:for|host|port|proto)|x-request-id",
    re.IGNORECASE,
)


def _user_header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", text) or _TAKEN_HEADERS.fullmatch(text):
        raise ValueError(
            "it must be the name of a header in which the proxy alone names the user, such as "
            "Remote-User: letters, digits and -, without _"
        )
    return text


def _logout_url(text: str) -> str:
    if not re.fullmatch(r"(?:https?://[^/\s\\]+|/(?![/\\]))[^\s\\]*", text):
        raise ValueError(
            "it must be a URL such as https://auth.example.org/logout, or a path such as "
            "/oauth2/sign_out"
        )
    if not text.isascii() or not text.isprintable():
        raise ValueError("a URL consists of printable ASCII characters")
    return text


def _word(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("it must not be empty")
    return text.strip()


def parse_key(text: str) -> Secret:
    """An API key. Raises `ValueError`."""
    if not text.strip().isascii() or not text.strip().isprintable():
        raise ValueError("a key consists of ASCII letters, digits and signs on one line")
    return Secret(text.strip())


def _password(text: str) -> Secret:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a password must be text in UTF-8") from None
    if len(text) > LONGEST_PASSWORD:
        raise ValueError(f"a password has at most {LONGEST_PASSWORD} characters")
    return Secret(text)


def _token(text: str) -> Secret:
    token = parse_key(text)
    if len(token) < 16:
        raise ValueError("a token has at least 16 characters; --new-token makes one")
    return token


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("it must be a path")
    return Path(text).expanduser().absolute()


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"it must be one of {', '.join(words)}")
        return text.lower()

    return parse


def _switch(text: str) -> bool:
    value = {"1": True, "true": True, "yes": True, "on": True}.get(text.lower())
    if value is None and text.lower() not in ("0", "false", "no", "off"):
        raise ValueError("it must be 1 or 0")
    return bool(value)


#: What `--help` calls a value, by its parser. A switch takes none.
_METAVARS: dict[Callable[[str], Any], str] = {
    _port: "PORT",
    _seconds: "SECONDS",
    _seconds_or_none: "SECONDS",
    _count: "N",
    _count_or_none: "N",
    _path: "PATH",
    parse_url: "URL",
}


def _setting(
    default: Any,
    parse: Callable[[str], Any],
    help: str,
    *,
    metavar: str | None = None,
    env: str | None = None,
    flag: bool = True,
    shown_default: str | None = None,
) -> Any:
    """A row of the table.

    `metavar` is what `--help` calls the value; if None, it follows from the parser. `env` is the
    environment variable; if None, it is `command_line.PREFIX` and the field's name.
    `flag` is False for secrets, because every user of the machine can see a process's flags.
    `shown_default` is the default as `--help` shows it, if it is not the value itself.
    """
    metavar = _METAVARS.get(parse, "") if metavar is None else metavar
    row = {"parse": parse, "help": help, "metavar": metavar, "env": env, "flag": flag}
    return field(default=default, metadata=row | {"shown_default": shown_default})


@dataclass(frozen=True)
class Settings:
    """All settings, valid. Times are in seconds, sizes in bytes."""

    host: str = _setting(
        "127.0.0.1",
        _word,
        "Address to listen on. :: stands for all addresses of this machine, IPv6 and IPv4; 0.0.0.0 "
        "for those of IPv4.",
        metavar="ADDRESS",
    )
    port: int = _setting(8888, _port, "Port to listen on; 0 chooses a free one.")
    base_path: str = _setting(
        "",
        _base_path,
        "Path below which a reverse proxy shows the server, for example /chat. All addresses of "
        "the page, of the API and of /v1 then begin with it (docs/deploying.md).",
        metavar="PATH",
        shown_default="none",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (),
        _names,
        "Host names under which clients may address the server, besides localhost, 127.0.0.1 and "
        "[::1]; separated by commas.",
        metavar="NAMES",
    )
    allowed_origins: tuple[str, ...] = _setting(
        (),
        _origins,
        "Web sites whose pages may call /v1 and /stream, as scheme://host:port; separated by "
        "commas. If the server has a login, such a page needs a token.",
        metavar="ORIGINS",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        (),
        _networks,
        "Addresses of the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto headers the "
        "server trusts; separated by commas.",
        metavar="ADDRESSES",
    )
    user_header: str | None = _setting(
        None,
        _user_header,
        "Header in which the reverse proxy names the user who has logged in there, for example "
        "Remote-User. It is believed from --trusted-proxies alone (docs/login.md).",
        metavar="NAME",
    )
    proxy_users: str = _setting(
        "known",
        _one_of(*PROXY_USERS),
        "Whom that header lets in: known, the users of this server; any, everybody whom the proxy "
        "names.",
        metavar="WHO",
    )
    logout_url: str | None = _setting(
        None,
        _logout_url,
        "Address of the proxy that ends the login there. Logging out leads to it.",
        metavar="URL",
    )
    password: Secret | None = _setting(
        None,
        _password,
        "Password of the user local. If a password, a token or a user is set, everybody has to "
        "log in.",
        flag=False,
    )
    password_file: Path | None = _setting(None, _path, "File whose first line is that password.")
    token: Secret | None = _setting(
        None, _token, "Bearer token of the user local, for programs.", flag=False
    )
    token_file: Path | None = _setting(None, _path, "File whose first line is that token.")
    allow_anyone: bool = _setting(
        False,
        _switch,
        "Allow listening on an address that other machines can reach, without a login. Everybody "
        "who reaches it can then read and delete every conversation, and use the model at your "
        "cost.",
    )
    config: Path | None = _setting(
        None,
        _path,
        "File with the upstreams, presets and more (docs/configuration.md).",
        shown_default="tornado-stream.toml in the working directory, if it exists",
    )
    base_url: str | None = _setting(
        None,
        parse_url,
        "Base URL of an OpenAI-compatible server, including its /v1. If neither this nor "
        "OPENAI_API_KEY is set and no file names an upstream, the program looks for a model "
        "server on this machine.",
        env="OPENAI_BASE_URL",
        shown_default="https://api.openai.com/v1 if OPENAI_API_KEY is set",
    )
    api_key: Secret | None = _setting(
        None,
        parse_key,
        "API key for that server. It has no flag, because other users can see flags.",
        env="OPENAI_API_KEY",
        flag=False,
    )
    api_key_file: Path | None = _setting(
        None, _path, "File whose first line is that key.", env="OPENAI_API_KEY_FILE"
    )
    model: str | None = _setting(
        None,
        _word,
        "Model for requests that name none.",
        metavar="NAME",
        env="OPENAI_MODEL",
        shown_default="gpt-5-mini at OpenAI, elsewhere the first model that the server lists",
    )
    data_dir: Path = _setting(
        None,
        _path,
        "Directory for conversations, users and fetched models.",
        shown_default="~/.local/share/tornado-stream; on macOS ~/Library/Application Support/"
        "tornado-stream, on Windows %LOCALAPPDATA%\\tornado-stream",
    )
    database: str | None = _setting(
        None,
        _database,
        "Database in PostgreSQL for conversations and logins, instead of the data directory, as "
        "postgresql://user@host/database. Several servers can share it (docs/scaling.md). Other "
        "users of the machine can see a flag: give a password by the variable or the file.",
        metavar="URL",
    )
    database_file: Path | None = _setting(None, _path, "File whose first line is that URL.")
    synchronous: str = _setting(
        "normal",
        _one_of(*SYNCHRONOUS),
        "When a question or an answer counts as saved: normal, when the system has it; full, when "
        "the disk has it too, so that a power failure loses nothing that was saved.",
        metavar="WHEN",
    )
    connect_timeout: float = _setting(10.0, _seconds, "Longest time to connect to the upstream.")
    first_byte_timeout: float = _setting(
        120.0, _seconds, "Longest time until the first byte of an answer."
    )
    idle_timeout: float = _setting(60.0, _seconds, "Longest silence within an answer.")
    answer_timeout: float = _setting(1800.0, _seconds, "Longest time for a whole answer.")
    heartbeat: float = _setting(
        15.0, _seconds, "Silence after which the server sends a comment to the client of a stream."
    )
    write_timeout: float = _setting(
        30.0, _seconds, "Time after which the server disconnects a client that accepts no data."
    )
    drain_timeout: float = _setting(
        25.0,
        _seconds_or_none,
        "Time that running answers have to finish after SIGTERM, SIGHUP or Ctrl-C; 0 interrupts "
        "them at once.",
    )
    workers: int = _setting(
        1,
        _workers,
        "Processes that serve, on Linux: as many as there are cores for them. They share the port "
        "and the data directory (docs/deploying.md).",
        metavar="N",
    )
    max_connections: int = _setting(
        20_000,
        _count,
        "Most client connections at a time; fewer if the system allows fewer file descriptors.",
    )
    max_connections_per_address: int | None = _setting(
        None,
        _count_or_none,
        "Most connections from one address (IPv6: one /64) at a time, except from trusted "
        "proxies; 0 means no limit.",
        shown_default="no limit for this machine, 256 for others",
    )
    header_timeout: float = _setting(
        15.0, _seconds, "Longest time to receive the headers of a request."
    )
    body_timeout: float = _setting(
        20.0,
        _seconds,
        "Longest time to receive the body of a request, or each further MiB of a larger one.",
    )
    keep_alive_timeout: float = _setting(
        60.0, _seconds, "Time for which an idle connection stays open for the next request."
    )
    max_body: int = _setting(
        1024 * 1024, _count, "Most bytes in the body of any other request.", metavar="BYTES"
    )
    max_v1_body: int = _setting(
        32 * 1024 * 1024,
        _count,
        "Most bytes in the body of a request to /v1/chat/completions or /v1/responses.",
        metavar="BYTES",
    )
    max_v1_values: int = _setting(
        100_000,
        _count,
        "Most JSON values in such a body. Decoding 100,000 takes up to 50 ms, in which the server "
        "does nothing else.",
    )
    max_bodies: int = _setting(
        256 * 1024 * 1024,
        _count,
        "Most bytes that the bodies of all requests hold at a time. Larger requests are refused "
        "while there is no room.",
        metavar="BYTES",
    )
    max_file: int = _setting(
        20 * 1024 * 1024,
        _count,
        "Most bytes of a picture or another file that a user adds to a question.",
        metavar="BYTES",
    )
    max_steps: int = _setting(
        8, _count, "Most requests to the upstream for one answer that uses tools."
    )
    max_files: int = _setting(10, _count, "Most files of one question.")
    max_user_files: int = _setting(
        1024 * 1024 * 1024,
        _count_or_none,
        "Most bytes of all files of one user; 0 means no limit.",
        metavar="BYTES",
    )
    max_file_text: int = _setting(
        200_000,
        _count,
        "Most characters of the text of a file that a model gets; the rest is left out, with a "
        "notice.",
    )
    max_import: int = _setting(
        2 * 1024 * 1024 * 1024,
        _count_or_none,
        "Most bytes of an export that a user imports; 0 means no limit.",
        metavar="BYTES",
    )
    max_message: int = _setting(
        0,
        _count_or_none,
        "Most bytes in one message, as UTF-8; 0 means that only --max-body limits it.",
        metavar="BYTES",
    )
    max_conversation: int = _setting(
        16 * 1024 * 1024,
        _count_or_none,
        "Most bytes of a conversation that the server sends to the model with one question; 0 "
        "means no limit.",
        metavar="BYTES",
    )
    max_stored_conversation: int = _setting(
        64 * 1024 * 1024,
        _count_or_none,
        "Most bytes of text in one stored conversation, with all its branches; 0 means no limit. "
        "A further question is refused, and asks for a new conversation.",
        metavar="BYTES",
    )
    max_messages: int = _setting(
        10_000,
        _count_or_none,
        "Most messages in one stored conversation, with all its branches; 0 means no limit.",
    )
    max_answers: int = _setting(
        4000,
        _count,
        "Most answers that run at a time; fewer if the system allows fewer file descriptors.",
    )
    max_answers_per_user: int = _setting(
        0, _count_or_none, "Most answers of one user that run at a time; 0 means no limit."
    )
    max_beside: int = _setting(
        3,
        _count,
        "Most answers to one message that run at a time, side by side; 1 means that the page does "
        "not offer to compare models.",
    )
    sharing: bool = _setting(
        False,
        _switch,
        "Let users share a branch of a conversation by a link: whoever has the link reads it "
        "without a login, until it is revoked (docs/security.md).",
    )
    max_shared_readers: int = _setting(
        200,
        _count,
        "Most responses that follow answers at a time for readers of shared links.",
    )
    no_discovery: bool = _setting(
        False,
        _switch,
        "Do not look for Ollama, llama.cpp, LM Studio and vLLM on their usual ports on this "
        "machine.",
    )
    no_local: bool = _setting(False, _switch, "Do not start the local model.")
    local_model: Path | None = _setting(
        None,
        _path,
        "Weights of the local model, a .gguf file.",
        shown_default="the installed weights, otherwise those that --fetch-model downloaded",
    )
    log_level: str = _setting(
        "info",
        _one_of(*LOG_LEVELS),
        f"Lowest level of the messages that are logged: {', '.join(LOG_LEVELS)}.",
        metavar="LEVEL",
    )
    log_format: str = _setting(
        "text",
        _one_of(*LOG_FORMATS),
        f"Format of a line of the log: {', '.join(LOG_FORMATS)}.",
        metavar="FORMAT",
    )
    audit_log: Path | None = _setting(
        None,
        _path,
        "File for the audit log: logins, tokens, users, deletions and exports as lines of JSON.",
    )

    def __post_init__(self) -> None:
        if self.data_dir is None:
            object.__setattr__(self, "data_dir", default_data_dir())

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret among the settings, for the log to mask."""
        values = [str(v) for v in vars(self).values() if isinstance(v, Secret)]
        urls = (*url_secrets(self.base_url or ""), *database_secrets(self.database or ""))
        return tuple(dict.fromkeys([*values, *urls]))
