"""The static files of the page: their types, their compressed bodies, and their URLs.

The rule: what `/static/{version}/…` returns never changes, so browsers may cache it for ever. The
version is a digest of all files; of libraries VENDOR.json has the digests, and they are not read
again. It precedes the path, so that the relative imports of a module lead to the same version.

JavaScript and CSS are sent without comments and indents, which are a third of their size. Every
line keeps its number, so an error in the browser names the right line of the source.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import posixpath
import re
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
#: `import … from "./x.js"` and `import "./x.js"`, at the beginning of a line.
STATIC_IMPORT = re.compile(r'^(?:(?:import|export)\b[^"`;]*?\bfrom|import) ?"(\.[^"]+)"', re.M)
#: The libraries of others, and the file with the digests of their files.
VENDOR, DIGESTS = "vendor/", "vendor/VENDOR.json"
#: The formats that are compressed already.
DENSE = {".png", ".woff2"}
#: Comments, also those after code, and indents. In our files nothing else matches this pattern;
#: `tests/page/test_lean.py` checks that.
CHAFF = re.compile(
    rb"^[ \t]*(?://[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)[ \t]*$"  # comments on lines of their own
    rb"|/\*\*\s(?:[^*]|\*(?!/))*\*/ ?"  # JSDoc comments, anywhere
    rb"|(?<=[;:,?(){}\[\]])[ ]+//[ ][^\n]*$"
    rb"|^[ \t]+",
    re.MULTILINE,
)


class Asset:
    """One file. Its content is read when it is first needed, and then cached."""

    def __init__(self, path: str) -> None:
        self.path = path  # a `Path` takes four times as much, and there are hundreds

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.path)[1]

    @property
    def content_type(self) -> str:
        return TYPES.get(self.suffix, "application/octet-stream")

    def read(self) -> bytes:
        """The file as it is on the disk."""
        with open(self.path, "rb", buffering=0) as file:
            return file.read()

    @cached_property
    def body(self) -> bytes:
        ours = self.suffix in (".js", ".css") and "vendor" not in Path(self.path).parts
        return lean(self.read()) if ours else self.read()

    @cached_property
    def gzipped(self) -> bytes | None:
        """The compressed body; None if compression saves nothing."""
        if self.suffix in DENSE:
            return None
        packed = gzip.compress(self.body, 9, mtime=0)
        return packed if len(packed) < len(self.body) else None


def lean(source: bytes) -> bytes:
    """The code of a module or a style sheet without comments, with every line at its number."""
    return CHAFF.sub(lambda found: b"\n" * found[0].count(b"\n"), source)


class Assets:
    """The files below `root`, by their path relative to it. Files that are added later are not
    noticed. All URLs begin with `base_path`."""

    def __init__(self, root: Path, base_path: str = "") -> None:
        self._base_path = base_path
        found = [os.path.join(at, name) for at, _, names in os.walk(root) for name in names]
        start = len(str(root)) + 1
        self.files = {path[start:].replace(os.sep, "/"): Asset(path) for path in sorted(found)}
        digest = hashlib.sha256(CHAFF.pattern)  # what is sent depends on it too
        for name, asset in self.files.items():
            is_read = name == DIGESTS or not name.startswith(VENDOR)
            content = hashlib.sha256(asset.read()).digest() if is_read else b""
            digest.update(f"{name}\0".encode() + content)
        self.version = digest.hexdigest()[:16]

    @cache  # noqa: B019 - a process has one instance
    def modules(self, entry: str) -> list[str]:
        """The modules to preload for `entry`: itself, and those that it imports statically.

        Modules that are loaded later by `import()` are not included.
        """
        found = [entry]
        for name in found:
            for path in STATIC_IMPORT.findall(self.files[name].body.decode()):
                module = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
                if module not in found:
                    found.append(module)
        return found

    def url(self, name: str) -> str:
        """The URL of a file. Raises `KeyError` if it does not exist."""
        self.files[name]
        return f"{self._base_path}/static/{self.version}/{name}"
