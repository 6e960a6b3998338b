"""`python main.py` where something is missing: one line says what to run."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
import venv
from pathlib import Path

MAIN = Path(__file__).resolve().parent.parent / "main.py"


def test_without_its_packages_it_says_what_to_run(tmp_path):
    venv.create(tmp_path, symlinks=True)
    python = tmp_path / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    main = tmp_path / "main.py"
    main.write_bytes(MAIN.read_bytes())
    (tmp_path / "tornado_stream").symlink_to(MAIN.parent / "tornado_stream")

    def advice() -> str:
        done = subprocess.run([python, "-E", main, "--help"], capture_output=True, text=True)
        assert done.returncode == 2 and not done.stdout
        (line,) = done.stderr.splitlines()
        assert "needs the package" in line
        return line.partition("; ")[2]

    assert advice() == "`make run` installs what is needed and starts the server"
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "run.stamp").touch()
    assert advice().endswith("`make run` has installed: .venv/bin/python main.py")


def test_on_an_old_python_it_says_which_one_it_needs(tmp_path, monkeypatch, capsys):
    ast.parse(MAIN.read_text(), feature_version=(3, 6))
    (tmp_path / "main.py").write_bytes(MAIN.read_bytes())
    run = runpy.run_path(str(tmp_path / "main.py"))["run"]
    for version in ((3, 6, 15), (3, 10, 13)):
        monkeypatch.setattr(sys, "version_info", version)
        assert run() == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"this is 3.{version[1]};" in line and "make run PYTHON=python3.11" in line
