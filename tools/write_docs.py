"""Writes the table of settings into docs/configuration.md: `make docs`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

# The package beside this script, also where another checkout is installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tornado_stream.command_line import markdown_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
TABLE = re.compile(r"(<!-- settings -->\n).*(<!-- /settings -->)", re.DOTALL)


def with_table(text: str) -> str:
    """The text of the page with a current table of settings in place of the old one."""
    return TABLE.sub(lambda match: match[1] + markdown_table() + match[2], text)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
