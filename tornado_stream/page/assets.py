"""The files of the page: what each is, compressed once, under a URL that names what they all are.

The rule: `/static/{version}/…` never changes and may be kept for ever. The version stands before
the path, so that a module's relative imports, which no template writes, have it too.

What is sent is what was written, without its comments and indents: they are a third of the weight,
and for readers of the source. Every line stays on its number: an error's place is the source's.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
#: `import … from "./x.js"` and `import "./x.js"` at the beginning of a line.
STATIC_IMPORT = re.compile(r'^(?:(?:import|export)\b[^"`;]*?\bfrom|import) ?"(\.[^"]+)"', re.M)
#: Compressed already.
DENSE = {".png", ".woff2"}
#: Comments, those behind code too, and how far a line is set in. Nothing that must stay looks like
#: them: `tests/page/test_lean.py` holds our files to that.
CHAFF = re.compile(
    rb"^[ \t]*(?://[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)[ \t]*$"  # on lines of their own
    rb"|/\*\*\s(?:[^*]|\*(?!/))*\*/ ?"  # JSDoc's, anywhere
    rb"|(?<=[;:,?(){}\[\]])[ ]+//[ ][^\n]*$"
    rb"|^[ \t]+",
    re.MULTILINE,
)


@dataclass
class Asset:
    """One file. Its content is read when first asked for, and kept."""

    path: Path

    @property
    def content_type(self) -> str:
        return TYPES.get(self.path.suffix, "application/octet-stream")

    @cached_property
    def body(self) -> bytes:
        body = self.path.read_bytes()
        ours = self.path.suffix in (".js", ".css") and "vendor" not in self.path.parts
        return lean(body) if ours else body

    @cached_property
    def gzipped(self) -> bytes | None:
        """None where that would save nothing."""
        if self.path.suffix in DENSE:
            return None
        packed = gzip.compress(self.body, 9, mtime=0)
        return packed if len(packed) < len(self.body) else None


def lean(source: bytes) -> bytes:
    """The code of a module or a style sheet, every line on its number."""
    return CHAFF.sub(lambda found: b"\n" * found[0].count(b"\n"), source)


class Assets:
    """Every file below `root`, by its path there. Files that come later are not seen."""

    def __init__(self, root: Path) -> None:
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        self.files = {path.relative_to(root).as_posix(): Asset(path) for path in paths}
        digest = hashlib.sha256(CHAFF.pattern)  # it too decides what is sent
        for name, asset in self.files.items():
            digest.update(f"{name}\0".encode() + hashlib.sha256(asset.path.read_bytes()).digest())
        self.version = digest.hexdigest()[:16]

    @cache  # noqa: B019 - there is one of these in a process
    def modules(self, entry: str) -> list[str]:
        """Every module that `entry` needs before it runs, itself first: what is worth a preload.
        What a module imports later, by `import()`, is not among them."""
        found = [entry]
        for name in found:
            for path in STATIC_IMPORT.findall(self.files[name].body.decode()):
                module = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
                if module not in found:
                    found.append(module)
        return found

    def url(self, name: str) -> str:
        """Raises KeyError where there is no such file."""
        self.files[name]
        return f"/static/{self.version}/{name}"
