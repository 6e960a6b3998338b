"""Which processes use a data directory, as the kernel knows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from process import environ

from tornado_stream.store.instances import PREFIX, Instances

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = (
    "import sys; from pathlib import Path; from tornado_stream.store.instances import Instances; "
    "print(Instances(Path(sys.argv[1])).name, flush=True); sys.stdin.read()"
)


def start(directory: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, directory],
        env=environ(PYTHONPATH=str(ROOT)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def test_a_process_is_dead_when_the_kernel_has_freed_its_lock(tmp_path):
    mine = Instances(tmp_path)
    assert mine.registered and mine.is_alive(mine.name) and not mine.others
    assert not mine.is_alive("") and not mine.is_alive("nobody") and not mine.is_alive("../lock")
    process, name = start(tmp_path)
    with process:
        assert mine.is_alive(name) and mine.others == {name}
        process.kill()
        process.wait()
    mine.look()
    assert not mine.others and not mine.is_alive(name)
    assert os.listdir(tmp_path) == [PREFIX + mine.name]
    mine.close()
    mine.close()
    assert os.listdir(tmp_path) == []


def test_processes_that_come_and_go_one_after_the_other_are_all_seen(tmp_path):
    mine = Instances(tmp_path)
    for _ in range(50):  # faster than the clock of the disk
        first, second = Instances(tmp_path), Instances(tmp_path)
        assert mine.others == {first.name, second.name}
        assert first.others == {mine.name, second.name}
        first.close()
        assert mine.others == {second.name}
        second.abandon()  # as a crash
        mine.look()
        assert mine.others == set()
        assert not mine.is_alive(first.name) and not mine.is_alive(second.name)
    mine.close()


def test_a_file_that_is_not_locked_yet_says_nothing(tmp_path):
    mine = Instances(tmp_path)
    (tmp_path / f"{PREFIX}0123.new").touch()
    assert not mine.others
    assert (tmp_path / f"{PREFIX}0123.new").exists()
    mine.close()


def test_who_has_the_lock_of_the_directory_believes_no_file(tmp_path):
    """Not even one that cannot be read, because a command of root has left it."""
    other = Instances(tmp_path)
    mine = Instances(tmp_path, alone=True)
    assert not mine.others and not mine.is_alive(other.name)
    assert os.listdir(tmp_path) == [PREFIX + mine.name]
    other.abandon()
    mine.close()


def test_where_the_disk_refuses_the_file_it_is_tried_again(tmp_path):
    mine = Instances(tmp_path / "later")
    assert not mine.registered and not mine.others and mine.is_alive(mine.name)
    (tmp_path / "later").mkdir()
    mine.register()
    other = Instances(tmp_path / "later")
    assert mine.registered and other.is_alive(mine.name)
    mine.close()
    other.close()
