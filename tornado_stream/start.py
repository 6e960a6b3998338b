"""Imports the server, which is most of what the start of the program takes.

The rule: nothing else of the package is imported before `load` is called, and nothing here needs
another package.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable


def load() -> Callable[[], int]:
    """The function that runs the server. Raises `ModuleNotFoundError` if a package is missing."""
    # Tornado would import it for the colours of its own log lines, which this server never writes.
    sys.modules.setdefault("curses", None)  # type: ignore[arg-type]  # None: it cannot be imported
    gc.disable()  # modules are no garbage, and looking for some takes a tenth of the imports' time
    try:
        from tornado_stream.server import main
    finally:
        gc.freeze()  # later collections leave out what stays as long as the process
        gc.enable()
    return main


def main() -> int:
    """Run the server, as the installed program does; returns the exit status."""
    return load()()
