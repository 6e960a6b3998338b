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
    done = subprocess.run([python, "-E", MAIN, "--help"], capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    (line,) = done.stderr.splitlines()
    assert "`make run`" in line and "needs the package" in line


def test_on_an_old_python_it_says_which_one_it_needs(monkeypatch, capsys):
    ast.parse(MAIN.read_text(), feature_version=(3, 6))
    run = runpy.run_path(str(MAIN))["run"]
    for version in ((3, 6, 15), (3, 10, 13)):
        monkeypatch.setattr(sys, "version_info", version)
        assert run() == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"this is 3.{version[1]};" in line and "make run PYTHON=python3.11" in line
