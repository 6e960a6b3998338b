"""The targets of speed: what is measured for them, what is kept of it, and what is judged."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import report, speed
from benchmarks.machine import ROOT
from benchmarks.servers import SERVERS, ours_of
from benchmarks.speed import Results, Row, code_of, plan, reached
from benchmarks.workloads import WORKS

RATIO = Row("token", "≤ 0.8 × Go", "lockstep", "us", 0.8, "go")


def figures(ours: float, go: float, noise: float = 0) -> dict[str, dict[str, float]]:
    return {"ours": {"us": ours, "strangers": 1}, "go": {"us": go, "strangers": noise}}


def test_every_target_names_a_figure_that_is_taken():
    for row in speed.ROWS:
        work = report.work_of(row.spec)
        assert work in WORKS
        assert {row.key, row.base_key} - {""} <= report.COLUMNS[work].keys(), row
        assert row.base in ("", "ours", "before", *SERVERS), row


def test_each_workload_runs_the_servers_of_its_targets():
    servers = SERVERS | {"before": ours_of(ROOT)}
    found = plan(servers)
    assert set(found["whole"]) == {"ours", "go", "naive", "openai", "before"}
    assert found["idle"] == found["growth"] == ["ours"]
    assert set(plan({"ours": SERVERS["ours"]})["whole"]) == {"ours"}


def test_a_target_is_judged_by_the_median_of_ratios_within_rounds():
    found = {"lockstep": [figures(10, 10), figures(14, 20), figures(30, 40)]}
    assert reached(RATIO, found) == ("0.75 [0.70–1], 3 rounds", True)


def test_rounds_with_noise_count_only_if_there_are_no_others():
    noisy, calm = figures(10, 10, noise=11), figures(10, 20, noise=10)
    assert reached(RATIO, {"lockstep": [noisy, calm, noisy]}) == (
        "0.50 [0.50–0.50], 1 rounds",
        True,
    )
    words, met = reached(RATIO, {"lockstep": [noisy]})
    assert words.endswith("none of them calm") and met is False
    assert reached(RATIO, {"lockstep": [{"ours": {"us": 10}}]})[1] is None
    assert reached(RATIO, {})[1] is None


def test_a_ratio_of_two_figures_of_one_server():
    row = Row("many", "≤ 1.3", "growth", "us_1000", 1.3, "ours", "us_100")
    found = {"growth": [{"ours": {"us_100": 10.0, "us_1000": 15.0}}]}
    assert reached(row, found) == ("1.50 [1.50–1.50], 1 rounds", False)


def test_what_was_taken_is_not_taken_again(tmp_path):
    path = tmp_path / "speed.jsonl"
    first = Results(path)
    first.begin(["one"])
    first.add("lockstep", 1, figures(1, 2))
    first.add("idle", 0, {"ours": {"kib": 30, "strangers": 11}})
    path.write_text(path.read_text() + '{"spec": "lockstep", "num')  # killed while it wrote
    second = Results(path)
    second.begin(["one"])
    assert second.rounds == first.rounds
    assert second.has("lockstep", 1, ["ours", "go"])
    assert not second.has("lockstep", 0, ["ours"])
    assert not second.has("lockstep", 1, ["ours", "naive"])
    assert not second.has("idle", 0, ["ours"]), "it was disturbed"
    second.add("idle", 0, {"ours": {"kib": 31, "strangers": 0}})
    assert Results(path).has("idle", 0, ["ours"])


def test_figures_of_other_code_are_put_aside(tmp_path):
    path = tmp_path / "speed.jsonl"
    old = Results(path)
    old.begin(["one"])
    old.add("lockstep", 0, figures(1, 2))
    new = Results(path)
    new.begin(["two"])
    assert new.rounds == {} and Results(path).code == ["two"]
    assert Results(tmp_path / "speed-older.jsonl").rounds == old.rounds


def test_code_is_what_the_server_runs(tmp_path):
    package = tmp_path / "tornado_stream"
    package.mkdir()
    (package / "one.py").write_text("1")
    names = [code_of(tmp_path)]
    (tmp_path / "README.md").write_text("not of it")
    names.append(code_of(tmp_path))
    (package / "one.py").write_text("2")
    names.append(code_of(tmp_path))
    assert names[0] == names[1] != names[2]


def test_only_figures_of_this_code_are_shown(tmp_path):
    path = tmp_path / "speed.jsonl"
    results = Results(path)
    results.begin([code_of(ROOT), "another"])
    results.add("lockstep", 0, figures(1, 2))
    assert speed.kept(path) == results.rounds
    results.begin(["older", "another"])
    results.add("lockstep", 0, figures(1, 2))
    assert speed.kept(path) == speed.kept(tmp_path / "missing") == {}
