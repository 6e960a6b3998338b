"""Start the server: `python main.py`. The flag --help lists all settings.

The rule: this file needs nothing newer than Python 3.6, so that it can say what is missing.
"""

import os
import sys

NEEDED = (3, 11)
#: The Python that `make run` installs beside this file, and what says that it is complete.
INSTALLED, COMPLETE = ".venv/bin/python", ".venv/run.stamp"


def run() -> int:
    """Run the server, or say in one line what it lacks; returns the exit status."""
    if sys.version_info < NEEDED:
        present = ".".join(map(str, sys.version_info[:2]))
        lacks(f"needs Python 3.11 or newer, and this is {present}", "make run PYTHON=python3.11")
        return 2
    try:
        from tornado_stream.start import load

        main = load()
    except ModuleNotFoundError as error:
        package = (error.name or "tornado_stream").partition(".")[0]
        if package == "tornado_stream":
            raise
        lacks(f"needs the package {package}, which {sys.executable} does not have", "make run")
        return 2
    return main()


def lacks(what: str, command: str) -> None:
    """Tell the user what is missing, and the command that has it or installs it."""
    advice = f"`{command}` installs what is needed and starts the server"
    if os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), COMPLETE)):
        advice = f"use the Python that `make run` has installed: {INSTALLED} main.py"
    print(f"tornado-stream {what}; {advice}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run())
