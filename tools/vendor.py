"""Fetches the page's third-party libraries from npm and writes `VENDOR.json`: `make vendor`.

This module pins the versions. The files stay as they were published, except that two things are
removed: comments that name a source map, and references to fonts in formats older than woff2. The
server ships neither source maps nor these fonts. Tests do not run this; they compare the hashes in
`VENDOR.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).resolve().parent.parent / "tornado_stream" / "static" / "vendor"
LANGUAGES = (
    "bash c cmake cpp csharp css dart diff dockerfile elixir erlang go graphql haskell http ini "
    "java javascript json julia kotlin latex less lua makefile markdown matlab nginx nix "
    "objectivec ocaml perl php plaintext powershell protobuf python r ruby rust scala scss shell "
    "sql swift typescript vbnet vim wasm xml yaml"
).split()
#: npm's name of each package; its version; patterns of the files to take; and the name of its
#: folder here, if that differs.
PACKAGES: dict[str, dict[str, Any]] = {
    "marked": {"version": "18.2.1", "files": ["lib/marked.esm.js"]},
    "dompurify": {"version": "3.4.18", "files": ["dist/purify.min.js"]},
    "@highlightjs/cdn-assets": {
        "name": "highlight",
        "version": "11.12.0",
        "files": ["es/core.min.js", *(f"es/languages/{name}.min.js" for name in LANGUAGES)],
    },
    "katex": {
        "version": "0.19.1",
        "files": ["dist/katex.min.js", "dist/katex.min.css", "dist/fonts/*.woff2"],
    },
    "mermaid": {"version": "11.17.2", "files": ["dist/mermaid.min.js"]},
}
SOURCE_MAP = re.compile(rb"\s*(?://[#@] ?sourceMappingURL=\S+|/\*# sourceMappingURL=.*?\*/)\s*$")


def main() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    entries = [fetch(package, **wanted) for package, wanted in PACKAGES.items()]
    text = json.dumps({"packages": entries}, indent=2)
    (VENDOR / "VENDOR.json").write_text(text + "\n", encoding="utf-8")


def fetch(package: str, version: str, files: list[str], name: str = "") -> dict[str, Any]:
    """Put a package's files into its folder, and return its entry for VENDOR.json."""
    folder = VENDOR / f"{name or package}-{version}"
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", f"{package}@{version}", "--json", "--pack-destination", place]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        (packed,) = json.loads(done.stdout)
        with tarfile.open(next(Path(place).glob("*.tgz"))) as archive:
            archive.extractall(place, filter="data")
        root = Path(place) / "package"
        licence = json.loads((root / "package.json").read_text(encoding="utf-8"))["license"]
        for path in sorted({p for pattern in [*files, "LICENSE*"] for p in root.glob(pattern)}):
            target = folder / _inside(path.relative_to(root))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_cleaned(path))
    hashes = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    about = {"name": package, "version": version, "licence": licence}
    return about | {"integrity": packed["integrity"], "sha256": hashes}


def _inside(path: Path) -> Path:
    """The path without the package's folder for built files."""
    return Path(*path.parts[1:]) if path.parts[0] in ("lib", "dist", "es") else path


def _cleaned(path: Path) -> bytes:
    body = path.read_bytes()
    if path.suffix == ".css":  # every browser that the page supports reads woff2
        body = re.sub(rb',url\([^)]*\.(?:woff|ttf)\) format\("[a-z]+"\)', b"", body)
    return SOURCE_MAP.sub(b"\n", body) if path.suffix in (".js", ".css") else body


if __name__ == "__main__":
    main()
