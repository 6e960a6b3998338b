"""The audit log: its lines, its bounds, and what it never holds."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from tornado_stream.auth import audit
from tornado_stream.auth.audit import AuditLog
from tornado_stream.settings import SettingError


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_files_are_bounded_and_private(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MAX_BYTES", 2000)
    monkeypatch.setattr(audit, "OLDER_FILES", 2)
    log = AuditLog(tmp_path / "audit.log")
    for number in range(200):
        log.record("login", "anna", id=str(number))
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["audit.log", "audit.log.1", "audit.log.2"]
    assert all(file.stat().st_size <= 2000 and file.stat().st_mode & 0o77 == 0 for file in files)
    assert lines(tmp_path / "audit.log")[-1]["id"] == "199"


def test_a_file_that_cannot_be_written_is_told(tmp_path, caplog):
    with pytest.raises(SettingError, match="cannot write the audit log .* directory"):
        AuditLog(tmp_path / "no" / "audit.log")
    log = AuditLog(tmp_path / "audit.log")
    stream, log._file.stream = log._file.stream, io.StringIO()
    log._file.stream.close()
    with caplog.at_level(logging.ERROR):
        log.record("login", "anna")
    stream.close()
    assert "the audit log cannot be written; this line is lost" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("how", ["moved", "removed", "replaced"])
def test_a_file_that_another_program_takes_away_is_begun_anew(tmp_path, how):
    path, old = tmp_path / "audit.log", tmp_path / "old"
    log = AuditLog(path)
    log.record("login", "anna", id="1")
    if how == "removed":
        path.unlink()
    else:
        path.rename(old)
    if how == "replaced":
        other = AuditLog(path)
        other.record("login", "ben", id="2")
        other.close()
    for id in ("3", "4"):
        log.record("login", "anna", id=id)
    log.close()
    assert [line["id"] for line in lines(path)] == (["2"] if how == "replaced" else []) + ["3", "4"]
    assert path.stat().st_mode & 0o77 == 0
    assert how == "removed" or [line["id"] for line in lines(old)] == ["1"]


def test_a_device_keeps_its_mode_and_a_full_one_is_told(caplog):
    before = Path("/dev/full").stat().st_mode
    log = AuditLog(Path("/dev/full"))
    with caplog.at_level(logging.ERROR):
        log.record("login", "anna")
        log.close()
    assert "this line is lost" in caplog.text and Path("/dev/full").stat().st_mode == before
    caplog.clear()
