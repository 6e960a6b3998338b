"""The command that runs this program, for messages and for the page.

The rule: it is the command by which the program was started, so that it can be typed as it stands.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

#: The name of the installed program.
INSTALLED = "tornado-stream"


def program() -> str:
    """The program as the documents write it, without the `make` that may have started it."""
    is_installed = os.path.basename(sys.argv[0]).removesuffix(".exe") == INSTALLED
    return INSTALLED if is_installed else "python main.py"


def short_command(flag: str = "") -> str:
    """The command as the documents write it, `make run` included, with one flag."""
    if target := os.environ.get("MAKE_TARGET"):
        return f"make {target} ARGS={flag}" if flag else f"make {target}"
    return f"{program()} {flag}".rstrip()


def command_again(argv: Sequence[str], *more: str) -> str:
    """The command that runs this program with these arguments, as it was run now."""
    words = [*argv, *more]
    if target := os.environ.get("MAKE_TARGET"):
        arguments = shlex.join(words).replace("$", "$$")
        return f"make {target} ARGS={shlex.quote(arguments)}"
    return shlex.join([*_started(), *words])


def _started() -> list[str]:
    name = sys.argv[0]
    return [_python(), name] if name.endswith(".py") else [name]


def _python() -> str:
    """The command that runs this Python: its name where the shell finds it, else its path."""
    import shutil  # only mistakes need it

    path = sys.executable or "python"
    name, here = os.path.basename(path), os.getcwd() + os.sep
    return name if shutil.which(name) in (path, None) else path.removeprefix(here)
