"""The command line: flags, environment variables and files become `Settings` and a command.

The rule: a flag takes precedence over the environment, and the environment over the default. An
unknown name or an invalid value raises a `SettingError` that suggests what would be right. No
other module takes a setting from a flag or from the environment. (Variables of the system, such as
`HTTPS_PROXY` and `SSL_CERT_FILE`, are no settings.)
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from functools import partial
from typing import Any, NoReturn

from tornado_stream import __version__
from tornado_stream.auth.commands import USER_COMMANDS
from tornado_stream.commands.verbs import VERBS, verbs_help
from tornado_stream.observe.masking import mask
from tornado_stream.own_command import program
from tornado_stream.settings import SettingError, Settings

PREFIX = "TORNADO_STREAM_"
#: Docker and Kubernetes set such variables for a service of this name. They are no settings.
SERVICE_LINK = re.compile(PREFIX + r"(SERVICE_(HOST|PORT)|PORT_\d+_).*|" + PREFIX + r"SERVICE_.*")


@dataclass(frozen=True)
class Command:
    """What the command line asks for: to serve, to fetch the model, or a command on users."""

    settings: Settings
    fetch_model: bool = False
    user_command: tuple[str, str] | None = None  # one of USER_COMMANDS, and the user's name
    with_conversations: bool = False  # remove the user's conversations too
    replace: bool = False  # take over from the server that runs


def parse_command(argv: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Read flags, environment and files. Raises `SettingError`.

    `--help` and `--version` print and raise `SystemExit`.
    """
    namespace, unknown = _parser().parse_known_args(argv)
    if unknown:
        word = unknown[0].partition("=")[0]
        if word in VERBS:
            raise SettingError(f"a command comes first: {program()} {word} …")
        raise SettingError(f"there is no {mask(word)}{_suggestion(word, _flags() | set(VERBS))}")
    arguments = vars(namespace)
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name, source = env_name(setting), environ.get(env_name(setting))
        if arguments.get(setting.name) is not None:
            name, source = flag_name(setting), arguments[setting.name]
        if source:  # an empty variable counts as not set
            values[setting.name] = _parse(setting, name, source)
    _refuse_unknown(environ)
    _read_files(values)
    command, with_conversations = arguments["user_command"], arguments["with_conversations"]
    if with_conversations and (command or ("",))[0] != "remove-user":
        raise SettingError("--with-conversations belongs to --remove-user NAME")
    return Command(
        Settings(**values),
        arguments["fetch_model"],
        command,
        with_conversations,
        arguments["replace"],
    )


def env_name(setting: Field[Any]) -> str:
    """The environment variable of a setting."""
    return setting.metadata["env"] or PREFIX + setting.name.upper()


def flag_name(setting: Field[Any]) -> str:
    """The flag of a setting; empty if it has none."""
    return "--" + setting.name.replace("_", "-") if setting.metadata["flag"] else ""


def markdown_table() -> str:
    """The settings as a table for docs/configuration.md."""
    rows = ["| Flag | Environment | Default | What it is |", "| --- | --- | --- | --- |"]
    for s in fields(Settings):
        flag = f"`{flag_name(s)}`" if flag_name(s) else ""
        rows.append(f"| {flag} | `{env_name(s)}` | {_shown_default(s)} | {s.metadata['help']} |")
    return "\n".join(rows) + "\n"


def _read_files(values: dict[str, Any]) -> None:
    """For each setting NAME_file, set NAME to the first line of that file."""
    for secret in (s for s in fields(Settings) if f"{s.name}_file" in values):
        name = f"{secret.name}_file"
        path = values[name]
        if secret.name in values:
            raise SettingError(f"{env_name(secret)} and {name} are both set; set only one of them")
        try:
            line = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SettingError(f"{name}: cannot read {path} ({why})") from None
        if not line:
            raise SettingError(f"{name}: the first line of {path} is empty")
        values[secret.name] = _parse(secret, f"the first line of {path}", line)


def _parse(setting: Field[Any], name: str, text: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        # A URL may hold a password, or a key in its query.
        secret = not setting.metadata["flag"] or "@" in text or "?" in text
        shown = "that value" if secret else repr(mask(text))
        raise SettingError(f"{name} cannot be {shown}: {error}") from None


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {env_name(setting) for setting in fields(Settings)}
    for name in environ:
        if name.startswith(PREFIX) and name not in known and not SERVICE_LINK.fullmatch(name):
            raise SettingError(f"there is no setting {name}{_suggestion(name, known)}")


def _suggestion(word: str, known: set[str]) -> str:
    import difflib  # only mistakes need it

    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else "; --help lists all of them"


def _flags() -> set[str]:
    return {flag for setting in fields(Settings) if (flag := flag_name(setting))}


def _shown_default(setting: Field[Any]) -> str:
    if setting.metadata["shown_default"]:
        return str(setting.metadata["shown_default"])
    if setting.default in (None, ()):
        return "none"
    if isinstance(setting.default, bool):
        return "off"
    return f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingError(message)


def _parser() -> _Parser:
    parser = _Parser(
        prog=program(),
        usage=f"%(prog)s [FLAG ...]\n       %(prog)s {{{','.join(VERBS)}}} ...",
        description="A streaming chat server: a web page in front of any OpenAI-compatible model.",
        epilog="Each setting can also be set by the environment variable at the end of its text. "
        + verbs_help(),
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--fetch-model",
        action="store_true",
        help="Download the weights of the local model into the data directory, and exit.",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="Take over from the server that uses the same data directory, without a pause.",
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
    parser.add_argument(
        "--with-conversations",
        action="store_true",
        help="With --remove-user: delete the user's conversations too.",
    )
    for setting, help in _help_lines():
        if metavar := setting.metadata["metavar"]:
            parser.add_argument(flag_name(setting), metavar=metavar, help=help)
        else:
            parser.add_argument(flag_name(setting), action="store_const", const="1", help=help)
    return parser


def _user_command(command: str, name: str) -> tuple[str, str]:
    return command, name


def _help_lines() -> Iterator[tuple[Field[Any], str]]:
    for setting in fields(Settings):
        if setting.metadata["flag"]:
            text = f"{setting.metadata['help']} [{_shown_default(setting)}] ${env_name(setting)}"
            yield setting, text.replace("%", "%%")
