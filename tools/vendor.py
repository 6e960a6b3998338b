"""Fetch what the page uses of others from npm, as `VENDOR.json` says it was: `make vendor`.

The versions are pinned here. Files are kept as published, but for comments that name a source map
and for fonts in older formats than woff2: neither is shipped. No test needs this, nor the network;
they check the hashes.
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
#: npm's name: version, and the files that are taken, as patterns; where the name here is another.
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
}
SOURCE_MAP = re.compile(rb"\s*(?://[#@] ?sourceMappingURL=\S+|/\*# sourceMappingURL=.*?\*/)\s*$")


def main() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    known = [fetch(package, **wanted) for package, wanted in PACKAGES.items()]
    text = json.dumps({"packages": known}, indent=2)
    (VENDOR / "VENDOR.json").write_text(text + "\n", encoding="utf-8")


def fetch(package: str, version: str, files: list[str], name: str = "") -> dict[str, Any]:
    """Put one package's files into its folder. What is known of it."""
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
            target.write_bytes(_kept(path))
    hashes = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    about = {"name": package, "version": version, "licence": licence}
    return about | {"integrity": packed["integrity"], "sha256": hashes}


def _inside(path: Path) -> Path:
    """Without the folder of what was built."""
    return Path(*path.parts[1:]) if path.parts[0] in ("lib", "dist", "es") else path


def _kept(path: Path) -> bytes:
    body = path.read_bytes()
    if path.suffix == ".css":  # the fonts' older forms, which no browser here asks for
        body = re.sub(rb',url\([^)]*\.(?:woff|ttf)\) format\("[a-z]+"\)', b"", body)
    return SOURCE_MAP.sub(b"\n", body) if path.suffix in (".js", ".css") else body


if __name__ == "__main__":
    main()
